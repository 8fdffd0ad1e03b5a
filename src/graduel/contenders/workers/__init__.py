"""One training over many workers: the job, its parts for networks and trees, and processes."""
