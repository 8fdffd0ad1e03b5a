"""Checking gradients against finite differences, for users' own layers too."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.nn.network import Network
from graduel.nn.tree import Weights
from graduel.nn.workspace import Call

Array = NDArray[Any]


def check_gradients(
    network: Network,
    x: Array,
    y: Array,
    *,
    rng: np.random.Generator,
    weight: Array | None = None,
    step: float = 1e-6,
    tolerance: float = 1e-6,
) -> float:
    """Compare the analytic gradient with a central difference along one random direction.

    For a random direction d over θ and x together: (L(θ + h d) − L(θ − h d)) / 2h against
    ∇L · d. The cost is two passes, however many parameters there are. Gradients and buffers are
    filled with NaN first, so that one which is not written shows. Random layers draw the same
    numbers at each evaluation.

    Parameters
    ----------
    network : in float64
    x, y : a few examples, shape (n, *input_shape) and (n,)
    rng : draws the weights and the direction
    weight : a weight for each example
    step : h
    tolerance : of |difference| / max(1, |analytic|, |numeric|)

    Returns
    -------
    float
        The relative difference.

    Raises
    ------
    AssertionError
        If the two disagree; the message gives both.
    ValueError
        If the network does not compute in float64.

    Examples
    --------
    >>> from graduel.nn import Dense, Network, Tanh
    >>> rng = np.random.default_rng(0)
    >>> net = Network((Dense(5), Tanh(), Dense(3)), (4,), dtype="float64")
    >>> check_gradients(net, rng.normal(size=(6, 4)), np.array([0, 1, 2, 0, 1, 2]), rng=rng) < 1e-6
    True
    """
    if network.dtype != "float64":
        raise ValueError(
            f"finite differences need float64; the network computes in {network.dtype}. "
            "Make it with dtype='float64'"
        )
    x = np.asarray(x, np.float64)
    weights = network.init(rng)
    # Away from zero, so that no bias hides an error of its layer.
    weights.theta += rng.normal(0, 0.1, weights.theta.shape)
    direction = rng.normal(size=weights.theta.size + x.size)
    direction /= np.linalg.norm(direction)
    seed = int(rng.integers(2**31))

    def evaluate(h: float) -> tuple[float, float]:
        """Return the loss at distance h along the direction, and its analytic slope there."""
        d_theta, d_x = np.split(direction, [weights.theta.size])
        at = Weights(weights.theta + h * d_theta, weights.state.copy())
        ws = network.workspace(at)
        call = Call(train=True, rng=np.random.default_rng(seed), t=0.5)
        moved = x + h * d_x.reshape(x.shape)
        network.loss_and_input_gradient(moved, y, ws, call, weight)  # makes the buffers
        assert ws.gradient is not None
        for array in (ws.gradient, *ws.buffers()):
            if array.dtype.kind == "f":
                array.fill(np.nan)
        call.rng = np.random.default_rng(seed)
        loss, dx = network.loss_and_input_gradient(moved, y, ws, call, weight)
        assert dx is not None
        return loss, float(ws.gradient @ d_theta + dx.ravel() @ d_x)

    analytic = evaluate(0.0)[1]
    numeric = (evaluate(step)[0] - evaluate(-step)[0]) / (2 * step)
    difference = abs(analytic - numeric) / max(1.0, abs(analytic), abs(numeric))
    if not difference <= tolerance:
        raise AssertionError(
            f"gradients disagree: analytic {analytic!r}, numeric {numeric!r}, relative "
            f"difference {difference:.3g} above {tolerance:g}, for {network.layers}"
        )
    return difference
