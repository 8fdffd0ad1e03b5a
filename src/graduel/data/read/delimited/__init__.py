"""Delimited text: dialect, encoding, records, and cells as missing, numbers or dates."""
