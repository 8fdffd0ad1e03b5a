"""Training: mini-batches, the loop (a generator), and what stands around it."""

from graduel.train.io.network_file import Model, load_model, save_model
from graduel.train.loop.batches import Rows
from graduel.train.loop.ema import Average, recompute_state
from graduel.train.loop.fit import DivergedError, Epoch, Fit, Step
from graduel.train.loop.full_batch import FullBatch
from graduel.train.loop.plateau import ReduceOnPlateau

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
