"""Training runs on the server, with live progress for clients."""
