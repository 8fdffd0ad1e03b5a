"""Conversion of tables to matrices: encoders for networks and trees, fitted on training rows."""
