"""One example in a network: forward, backward, single neurons and weights."""
