"""The report of a suite of duels."""
