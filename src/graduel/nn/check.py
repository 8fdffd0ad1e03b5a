"""Gradient checks against finite differences, for built-in and user-defined parts.

Each function fills gradients and buffers with NaN before the measured pass. This reveals gradients
that are not written and buffers that are read before they are written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.nn.network import Network, Workspace
from graduel.nn.weights import Weights
from graduel.nn.workspace import Call

Array = NDArray[Any]


def poison(ws: Workspace) -> None:
    """Fill the gradient and every floating buffer of a workspace with NaN."""
    assert ws.gradient is not None
    for array in (ws.gradient, *ws.buffers()):
        if array.dtype.kind == "f":
            array.fill(np.nan)


@dataclass(slots=True)
class _Loss:
    """A network's loss and gradient as a function of (θ, x), with a fixed random seed."""

    network: Network
    x: Array
    y: Array
    weight: Array | None
    weights: Weights
    seed: int

    @classmethod
    def make(
        cls, network: Network, x: Array, y: Array, rng: np.random.Generator, weight: Array | None
    ) -> _Loss:
        if network.dtype != "float64":
            raise ValueError(
                f"finite differences need a float64 network; got {network.dtype}. "
                "Build it with dtype='float64'"
            )
        weights = network.init(rng)
        # Nonzero biases, so that they cannot hide an error in their layer.
        weights.theta += rng.normal(0, 0.1, weights.theta.shape)
        seed = int(rng.integers(2**31))
        return cls(network, np.asarray(x, np.float64), y, weight, weights, seed)

    def at(self, d_theta: Array, d_x: Array) -> tuple[float, Array, Array]:
        """Return the loss at (θ + dθ, x + dx), and its gradients by θ and by x."""
        weights = Weights(self.weights.theta + d_theta, self.weights.state.copy())
        ws = self.network.workspace(weights)
        moved = self.x + d_x
        call = Call(train=True, rng=np.random.default_rng(self.seed), t=0.5)
        # The first pass allocates the buffers, so that they are poisoned in the second.
        self.network.loss_and_input_gradient(moved, self.y, ws, call, self.weight)
        poison(ws)
        call.rng = np.random.default_rng(self.seed)
        loss, dx = self.network.loss_and_input_gradient(moved, self.y, ws, call, self.weight)
        assert dx is not None
        assert ws.gradient is not None
        return loss, ws.gradient.copy(), dx.copy()

    def gradients(self) -> tuple[Array, Array]:
        """Return the gradients by θ and by x; raise `AssertionError` if one is not written."""
        _, g, dx = self.at(np.zeros_like(self.weights.theta), np.zeros_like(self.x))
        named = {f"the gradient of {e.name}": e.view(g) for e in self.network.layout.entries}
        for name, gradient in ({"the gradient by x": dx} | named).items():
            if not np.isfinite(gradient).all():
                raise AssertionError(
                    f"{name} is NaN: it is not written, or computed from a stale buffer"
                )
        return g, dx


def _difference(analytic: float, numeric: float) -> float:
    return abs(analytic - numeric) / max(1.0, abs(analytic), abs(numeric))


def check_gradients(
    network: Network,
    x: Array,
    y: Array,
    *,
    rng: np.random.Generator | int,
    weight: Array | None = None,
    step: float = 1e-6,
    tolerance: float = 1e-6,
) -> float:
    """Compare the analytic gradient with a central difference along one random direction.

    For a random direction d over θ and x together, compare (L(θ + h d) − L(θ − h d)) / 2h with
    ∇L · d. This takes three forward and backward passes, whatever the number of parameters.
    Random layers draw the same numbers at each evaluation.

    Parameters
    ----------
    network : a network with dtype float64
    x, y : a few examples, shape (n, *input_shape), and their targets
    rng : generator of the weights and the direction, or a seed
    weight : a weight for each example
    step : h
    tolerance : the limit of |difference| / max(1, |analytic|, |numeric|)

    Returns
    -------
    float
        The relative difference.

    Raises
    ------
    AssertionError
        If the two disagree, or a gradient is not written; the message gives both values.
    ValueError
        If the network's dtype is not float64.

    Examples
    --------
    >>> from graduel.nn import Dense, Network, Tanh
    >>> rng = np.random.default_rng(0)
    >>> net = Network((Dense(5), Tanh(), Dense(3)), (4,), dtype="float64")
    >>> check_gradients(net, rng.normal(size=(6, 4)), np.array([0, 1, 2, 0, 1, 2]), rng=rng) < 1e-6
    True
    """
    rng = np.random.default_rng(rng)
    loss = _Loss.make(network, x, y, rng, weight)
    direction = rng.normal(size=loss.weights.theta.size + loss.x.size)
    direction /= np.linalg.norm(direction)
    d_theta, flat = np.split(direction, [loss.weights.theta.size])
    d_x = flat.reshape(loss.x.shape)
    g, dx = loss.gradients()
    analytic = float(g @ d_theta + np.vdot(dx, d_x))
    ahead, back = (loss.at(h * d_theta, h * d_x)[0] for h in (step, -step))
    numeric = (ahead - back) / (2 * step)
    difference = _difference(analytic, numeric)
    if not difference <= tolerance:
        raise AssertionError(
            f"gradients disagree: analytic {analytic!r}, numeric {numeric!r}, relative "
            f"difference {difference:.3g} above {tolerance:g}, for {network.layers}. "
            "Find the coordinate with check_coordinates on a small network"
        )
    return difference


def check_coordinates(
    network: Network,
    x: Array,
    y: Array,
    *,
    rng: np.random.Generator | int,
    weight: Array | None = None,
    step: float = 1e-6,
    tolerance: float = 1e-6,
) -> float:
    """Compare each coordinate of the gradient by θ and by x; for small networks.

    The arguments are those of :func:`check_gradients`. This takes two passes per coordinate.

    Raises
    ------
    AssertionError
        If any disagree; the message names the worst coordinate and gives both values.

    Examples
    --------
    >>> from graduel.nn import Dense, Network
    >>> rng = np.random.default_rng(0)
    >>> net = Network((Dense(2),), (3,), dtype="float64")
    >>> check_coordinates(net, rng.normal(size=(4, 3)), np.array([0, 1, 0, 1]), rng=rng) < 1e-6
    True
    """
    rng = np.random.default_rng(rng)
    loss = _Loss.make(network, x, y, rng, weight)
    zero_theta, zero_x = np.zeros_like(loss.weights.theta), np.zeros_like(loss.x)
    g, dx = loss.gradients()
    worst, message = 0.0, ""
    for zero, gradient in ((zero_theta, g), (zero_x, dx)):
        for i in range(zero.size):
            unit = np.zeros(zero.size)
            unit[i] = step
            move = unit.reshape(zero.shape)
            if zero is zero_theta:
                ahead, back = (loss.at(sign * move, zero_x)[0] for sign in (1, -1))
            else:
                ahead, back = (loss.at(zero_theta, sign * move)[0] for sign in (1, -1))
            numeric, analytic = (ahead - back) / (2 * step), float(gradient.flat[i])
            difference = _difference(analytic, numeric)
            if difference > worst:
                worst = difference
                place = _place(network, i) if zero is zero_theta else f"x.flat[{i}]"
                message = f"at {place}: analytic {analytic!r}, numeric {numeric!r}"
    if not worst <= tolerance:
        raise AssertionError(
            f"gradients disagree, most {message}, relative difference {worst:.3g} above "
            f"{tolerance:g}"
        )
    return worst


def check_poison(
    network: Network,
    x: Array,
    y: Array,
    *,
    rng: np.random.Generator | int,
    weight: Array | None = None,
) -> None:
    """Check that a pass over poisoned gradients and buffers gives the same bits as a first pass.

    It works with either dtype.

    Raises
    ------
    AssertionError
        If loss or gradient differ, because a gradient is not assigned or a buffer is read before
        it is written.
    """
    rng = np.random.default_rng(rng)
    weights, seed = network.init(rng), int(rng.integers(2**31))
    ws = network.workspace(weights)
    seen = []
    for _ in range(2):
        call = Call(train=True, rng=np.random.default_rng(seed), t=0.5)
        loss, dx = network.loss_and_input_gradient(x, y, ws, call, weight)
        assert ws.gradient is not None
        assert dx is not None
        seen.append((loss, ws.gradient.copy(), dx.copy()))
        poison(ws)
    (loss, g, dx), (again, g2, dx2) = seen
    for what, before, after in (("loss", loss, again), ("θ's gradient", g, g2), ("dx", dx, dx2)):
        if not np.array_equal(before, after):
            raise AssertionError(f"{what} depends on previous contents of gradients or buffers")


def _place(network: Network, i: int) -> str:
    for entry in network.layout.entries:
        if entry.start <= i < entry.stop:
            index = np.unravel_index(i - entry.start, entry.shape)
            return f"{entry.name}[{', '.join(str(int(k)) for k in index)}]"
    raise IndexError(i)
