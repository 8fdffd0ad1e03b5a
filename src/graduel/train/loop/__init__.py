"""The training loop: a generator, and what stands around it."""
