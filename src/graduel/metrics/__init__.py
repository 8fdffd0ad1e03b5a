"""Metrics as losses by row, and the calibration of probabilities."""
