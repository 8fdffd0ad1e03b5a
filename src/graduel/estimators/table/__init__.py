"""Input, fitting and saving of TabularMLPClassifier."""
