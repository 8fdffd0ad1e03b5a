"""Several duels as one: data set by data set, or with ever more training rows."""
