"""Fitted models, as they are saved, served, explained and exported."""
