"""How TabularMLPClassifier reads, fits and saves a table."""
