"""Terminal output of the commands: tables, progress, charts in characters."""
