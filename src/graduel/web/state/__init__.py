"""The state of a server: models, data, sessions."""
