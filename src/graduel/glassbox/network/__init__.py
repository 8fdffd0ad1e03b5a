"""Explanations of a network: forward and backward pass, single neurons and weights."""
