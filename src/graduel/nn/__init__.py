"""The network, written by hand in NumPy: layers, losses, and how they are put together."""

from graduel.nn.check import check_gradients
from graduel.nn.initializers import HeNormal, Initializer, Zeros
from graduel.nn.layers import Dense, Dropout, Layer, Plan, ReLU, Spec, Tanh
from graduel.nn.losses import Loss, SoftmaxCrossEntropy
from graduel.nn.network import Network, Weights, Workspace
from graduel.nn.workspace import INFERENCE, Call, Scope

__all__ = [
    "INFERENCE",
    "Call",
    "Dense",
    "Dropout",
    "HeNormal",
    "Initializer",
    "Layer",
    "Loss",
    "Network",
    "Plan",
    "ReLU",
    "Scope",
    "SoftmaxCrossEntropy",
    "Spec",
    "Tanh",
    "Weights",
    "Workspace",
    "Zeros",
    "check_gradients",
]
