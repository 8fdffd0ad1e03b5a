"""Groups of duels: suites of data sets, and learning curves over training-set sizes."""
