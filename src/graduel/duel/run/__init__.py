"""Cells: fitted one at a time, each in a process of its own."""
