"""Checks of single columns."""
