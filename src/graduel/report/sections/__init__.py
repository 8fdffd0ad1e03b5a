"""The sections of a report: a module each, with its numbers, figure, table and words."""
