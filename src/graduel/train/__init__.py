"""Training: mini-batches and the loop, a generator."""

from graduel.train.batches import Rows
from graduel.train.loop import DivergedError, Epoch, Fit, Step

__all__ = ["DivergedError", "Epoch", "Fit", "Rows", "Step"]
