"""Training: mini-batches, the training loop (a generator), L-BFGS, EMA, network files."""

from graduel.train.io.network_file import SavedNetwork, load_network, save_network
from graduel.train.loop.batches import Rows
from graduel.train.loop.ema import WeightAverage, recompute_state
from graduel.train.loop.fit import DivergedError, Epoch, Fit, Step
from graduel.train.loop.full_batch import FullBatch
from graduel.train.loop.plateau import ReduceOnPlateau
from graduel.train.loop.virtual_adversarial import VirtualAdversarial

__all__ = [
    "DivergedError",
    "Epoch",
    "Fit",
    "FullBatch",
    "ReduceOnPlateau",
    "Rows",
    "SavedNetwork",
    "Step",
    "VirtualAdversarial",
    "WeightAverage",
    "load_network",
    "recompute_state",
    "save_network",
]


def __dir__() -> list[str]:
    return list(__all__)
