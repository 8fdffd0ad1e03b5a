"""Trainings that run on the server and are watched by clients."""
