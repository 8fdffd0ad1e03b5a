"""A fitted model in the one form in which it is saved, served, explained and exported."""
