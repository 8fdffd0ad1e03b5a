"""Update rules and schedules, on one flat vector."""

from graduel.optim.rules import SGD, AdamW, Optimizer, OptimizerState
from graduel.optim.schedules import Constant, Cosine, Schedule, WarmUp

__all__ = [
    "SGD",
    "AdamW",
    "Constant",
    "Cosine",
    "Optimizer",
    "OptimizerState",
    "Schedule",
    "WarmUp",
]
