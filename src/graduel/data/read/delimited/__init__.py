"""Delimited text: encoding, dialect, records, and cells as numbers, dates or missing."""
