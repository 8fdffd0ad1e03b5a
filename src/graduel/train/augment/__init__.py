"""Data augmentation: random transformations of training rows in each batch."""
