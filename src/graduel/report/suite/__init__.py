"""The page about a suite of duels."""
