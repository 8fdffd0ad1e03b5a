"""The network, written by hand in NumPy: layers, losses, and how they are put together."""

from graduel.nn.check import check_coordinates, check_gradients, check_poison
from graduel.nn.initializers import Constant, HeNormal, Initializer, Zeros
from graduel.nn.layers import (
    BatchNorm,
    Dense,
    Dropout,
    Flatten,
    Layer,
    Plan,
    ReLU,
    Reshape,
    Residual,
    Spec,
    Tanh,
)
from graduel.nn.losses import BinaryCrossEntropy, Loss, SoftmaxCrossEntropy, SquaredError
from graduel.nn.network import Network, Workspace
from graduel.nn.tree import Weights
from graduel.nn.workspace import INFERENCE, Call, Scope

__all__ = [
    "INFERENCE",
    "BatchNorm",
    "BinaryCrossEntropy",
    "Call",
    "Constant",
    "Dense",
    "Dropout",
    "Flatten",
    "HeNormal",
    "Initializer",
    "Layer",
    "Loss",
    "Network",
    "Plan",
    "ReLU",
    "Reshape",
    "Residual",
    "Scope",
    "SoftmaxCrossEntropy",
    "Spec",
    "SquaredError",
    "Tanh",
    "Weights",
    "Workspace",
    "Zeros",
    "check_coordinates",
    "check_gradients",
    "check_poison",
]
