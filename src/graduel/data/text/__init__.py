"""Notations of numbers, dates, durations and categories in columns of text."""
