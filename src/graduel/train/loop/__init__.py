"""The training loop: a generator, with EMA, plateau and L-BFGS."""
