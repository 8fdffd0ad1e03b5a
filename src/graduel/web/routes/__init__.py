"""Request handlers, one module per view of the page."""
