"""Checks before a file is read: of memory, and in a separate process that may crash."""
