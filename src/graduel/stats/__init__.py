"""Statistics on plain arrays: paired tests, intervals, power, ranks. NumPy and SciPy only."""
