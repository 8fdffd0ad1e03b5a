"""The handlers, a view of the page a file: each takes a request apart and asks other rooms."""
