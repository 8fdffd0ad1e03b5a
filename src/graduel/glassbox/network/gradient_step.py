"""One step of gradient descent on one example, and the loss before and after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from graduel.glassbox.network.backward_pass import Backward, backward, make_target
from graduel.glassbox.network.equations import Equation, make_equation
from graduel.glassbox.network.forward_pass import forward
from graduel.glassbox.network.layer_info import as_batch
from graduel.glassbox.plain_data import Array, PlainData
from graduel.nn import Network, Weights
from graduel.nn.workspace import Call


@dataclass(frozen=True, slots=True, eq=False)
class GradientStep(PlainData):
    """The result of W ← W − α dW for one example: predictions and loss before and after."""

    ALSO: ClassVar[tuple[str, ...]] = ("helped",)
    WITHOUT: ClassVar[tuple[str, ...]] = ("weights",)

    lr: float
    loss_before: float
    loss_after: float
    expected: float
    """First-order estimate of the decrease of the loss: α ‖gradient‖²."""
    before: Array
    """Predictions before the step."""
    after: Array
    equation: Equation
    weights: Weights

    @property
    def helped(self) -> bool:
        """Whether the loss decreased."""
        return self.loss_after < self.loss_before


def step(
    network: Network,
    weights: Weights,
    x: Any,
    y: Any,
    lr: float = 0.1,
    *,
    backward_pass: Backward | None = None,
) -> GradientStep:
    """Take one gradient-descent step on one example, on a copy of the weights.

    Parameters
    ----------
    network, weights, x, y : as in :func:`~graduel.glassbox.backward`
    lr : α, the learning rate
    backward_pass : the result of :func:`~graduel.glassbox.backward` for the same example; default:
        computed here

    Examples
    --------
    >>> from graduel.nn import Dense, ReLU
    >>> net = Network((Dense(16), ReLU(), Dense(3)), (4,))
    >>> step(net, net.init(np.random.default_rng(0)), [0.5, 1, 0, 2], 1, lr=0.01).helped
    True
    """
    backward_pass = backward_pass or backward(network, weights, x, y)
    moved = weights.copy()
    moved.theta -= np.asarray(lr, moved.theta.dtype) * backward_pass.theta_gradient
    row, target = as_batch(network, x), make_target(network, y)
    ws = network.workspace(moved, gradient=False)
    raw = network.forward(row, ws, Call())
    loss_after, _ = network.loss.value_and_gradient(raw, target, None, ws.loss)
    return GradientStep(
        float(lr),
        backward_pass.loss,
        float(loss_after),
        float(lr * np.square(backward_pass.theta_gradient.astype(np.float64)).sum()),
        backward_pass.forward.predictions,
        forward(network, moved, x).predictions,
        make_equation("W ← W − α dW,   b ← b − α db", 8),
        moved,
    )
