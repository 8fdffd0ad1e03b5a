"""Hyperparameter search: search spaces, trials, and a contender that runs the search."""
