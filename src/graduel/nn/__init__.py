"""The neural network, written by hand in NumPy: layers, losses, initializers, gradient checks."""

from graduel.nn import initializers, layers, losses
from graduel.nn.check import check_coordinates, check_gradients, check_poison
from graduel.nn.initializers import *  # noqa: F403
from graduel.nn.layers import *  # noqa: F403
from graduel.nn.losses import *  # noqa: F403
from graduel.nn.network import Network, Workspace
from graduel.nn.weights import Weights
from graduel.nn.workspace import INFERENCE, Call, Scope

__all__ = [
    "INFERENCE",
    "Call",
    "Network",
    "Scope",
    "Weights",
    "Workspace",
    "check_coordinates",
    "check_gradients",
    "check_poison",
]
__all__ += initializers.__all__
__all__ += layers.__all__
__all__ += losses.__all__


def __dir__() -> list[str]:
    return list(__all__)
