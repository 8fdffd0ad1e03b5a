"""The folder of a duel: plan, splits, finished cells, result."""
