"""Running cells: one worker process per cell, one cell at a time."""
