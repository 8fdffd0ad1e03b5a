"""The sections of a report, a module each: its numbers, figure, table and caption."""
