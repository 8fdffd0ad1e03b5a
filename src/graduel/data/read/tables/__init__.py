"""Table formats: one frozen record per format, and their registry."""
