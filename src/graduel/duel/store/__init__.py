"""A duel's folder: plan, splits, finished cells, result."""
