"""Data augmentation: training rows are transformed anew in each batch."""
