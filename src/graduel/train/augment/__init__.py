"""Training rows that are transformed anew in each batch."""
