"""Training: mini-batches, the loop (a generator), and what stands around it."""

from graduel.train.average import Average, recompute_state
from graduel.train.batches import Rows
from graduel.train.full_batch import FullBatch
from graduel.train.loop import DivergedError, Epoch, Fit, Step
from graduel.train.models import Model, load_model, save_model
from graduel.train.plateau import ReduceOnPlateau

__all__ = [
    "Average",
    "DivergedError",
    "Epoch",
    "Fit",
    "FullBatch",
    "Model",
    "ReduceOnPlateau",
    "Rows",
    "Step",
    "load_model",
    "recompute_state",
    "save_model",
]
