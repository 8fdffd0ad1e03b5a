"""What a server holds: models, data, sessions."""
