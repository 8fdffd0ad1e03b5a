"""A web server and page over the glass box: draw, inspect, train, test robustness, export."""
