"""Optimizers (update rules, L-BFGS, wrappers) and learning-rate schedules on one flat vector."""

from graduel.optim.adagrad import AdaGrad
from graduel.optim.adam import Adam, AdamW, AMSGrad
from graduel.optim.by_role import ByRole, Decay
from graduel.optim.lbfgs import LBFGS
from graduel.optim.lion import Lion
from graduel.optim.minimizer import Iteration, Minimizer
from graduel.optim.muon import Muon
from graduel.optim.optimizer import Optimizer, OptimizerState
from graduel.optim.rmsprop import RMSProp
from graduel.optim.schedules import (
    Constant,
    Cosine,
    CosLog4,
    Exponential,
    FlatCos,
    Inverse,
    Linear,
    OneCycle,
    Schedule,
    Step,
    WarmRestarts,
    WarmUp,
)
from graduel.optim.sgd import SGD
from graduel.optim.wrappers import ClipNorm, ClipValue, MaxNorm

__all__ = [
    "LBFGS",
    "SGD",
    "AMSGrad",
    "AdaGrad",
    "Adam",
    "AdamW",
    "ByRole",
    "ClipNorm",
    "ClipValue",
    "Constant",
    "CosLog4",
    "Cosine",
    "Decay",
    "Exponential",
    "FlatCos",
    "Inverse",
    "Iteration",
    "Linear",
    "Lion",
    "MaxNorm",
    "Minimizer",
    "Muon",
    "OneCycle",
    "Optimizer",
    "OptimizerState",
    "RMSProp",
    "Schedule",
    "Step",
    "WarmRestarts",
    "WarmUp",
]


def __dir__() -> list[str]:
    return list(__all__)
