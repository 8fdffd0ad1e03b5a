"""Hyperparameter search: spaces, trials, and a contender with its hyperparameters searched."""
