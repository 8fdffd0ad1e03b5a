"""Update rules and schedules, on one flat vector."""

from graduel.optim.adam import Adam, AdamW
from graduel.optim.base import Optimizer, OptimizerState
from graduel.optim.schedules import Constant, Cosine, Schedule, WarmUp
from graduel.optim.sgd import SGD

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "Constant",
    "Cosine",
    "Optimizer",
    "OptimizerState",
    "Schedule",
    "WarmUp",
]
