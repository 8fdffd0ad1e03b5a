"""Layer statistics over a batch: activations, gradients, dead and saturated units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from graduel.errors import UserError
from graduel.glassbox.network.dense_terms import count_outputs, get_member_loss
from graduel.glassbox.network.layer_info import LayerInfo, get_parameters, list_layers
from graduel.glassbox.plain_data import Array, PlainData
from graduel.nn import Network, Sigmoid, SoftmaxCrossEntropy, Tanh, Weights
from graduel.nn.workspace import Call

SATURATED = 0.98
"""An output is saturated if |tanh| exceeds this; for a sigmoid σ, if |2σ − 1| does."""


@dataclass(frozen=True, slots=True, eq=False)
class Histogram(PlainData):
    """Counts in bins of equal width."""

    counts: Array
    edges: Array
    """Bin edges, one more than counts."""


@dataclass(frozen=True, slots=True, eq=False)
class LayerActivity(PlainData):
    """Statistics of one layer over a batch."""

    place: LayerInfo
    mean: float
    std: float
    zeros: float
    """The share of outputs that are exactly 0."""
    outputs: Histogram
    dead: tuple[int, ...]
    """Of an activation: units (for images, channels) whose output is 0 for every row."""
    saturated: float
    """Share of saturated outputs, for tanh and sigmoid; 0 for other layers."""
    gradients: Histogram | None
    """Gradient of the loss with respect to the outputs, without the 1/m (dZ of a dense layer)."""
    gradient_std: float
    weight_norms: dict[str, float]
    """‖W‖ of each parameter."""
    gradient_norms: dict[str, float]
    """‖dW‖ of each parameter, for the mean loss."""
    gradient_sizes: Histogram | None
    """Histogram of log₁₀ |dW| over the nonzero entries."""


@dataclass(frozen=True, slots=True, eq=False)
class Activity(PlainData):
    """Statistics of every top-level layer over a batch."""

    rows: int
    loss: float | None
    """None without targets."""
    layers: tuple[LayerActivity, ...]

    @property
    def dead(self) -> int:
        """The number of dead units in all layers."""
        return sum(len(layer.dead) for layer in self.layers)


def count_bins(values: Any, bins: int = 30, bounds: tuple[float, float] | None = None) -> Histogram:
    """Count values in bins of equal width; non-finite values are ignored.

    Parameters
    ----------
    values : numbers, any shape
    bins : the number of bins
    bounds : range of the bins; values outside count in the first or last bin. Default: the
        smallest and the largest value

    Examples
    --------
    >>> count_bins([0.0, 1.0, 1.0, 5.0], 2, (0, 2)).counts
    array([1, 3])
    """
    flat = np.asarray(values, np.float64).reshape(-1)
    flat = flat[np.isfinite(flat)]
    if bounds is not None:
        flat = flat.clip(*bounds)
    elif len(flat):
        bounds = float(flat.min()), float(flat.max())
    low, high = bounds or (0.0, 1.0)
    size = max(abs(low), abs(high))
    if not high - low > 1e-9 * size:  # (nearly) equal values: the bins still need a width
        low, high = low - 0.5 - 1e-6 * size, high + 0.5 + 1e-6 * size
    counts, edges = np.histogram(flat, bins, (low, high))
    return Histogram(counts, edges)


def measure_activity(
    network: Network, weights: Weights, X: Any, y: Any = None, *, bins: int = 30
) -> Activity:
    """Compute statistics of every layer over a batch, in inference mode.

    Parameters
    ----------
    network, weights : a network, fitted or in training
    X : prepared rows, shape (n, *input_shape); a few hundred are enough
    y : targets in the form the loss expects; without them, no gradients are computed
    bins : number of bins of each histogram

    Raises
    ------
    UserError
        If `X` is empty or has the wrong shape.

    Examples
    --------
    >>> from graduel.nn import Dense, ReLU
    >>> net = Network((Dense(16), ReLU(), Dense(3)), (4,))
    >>> rng = np.random.default_rng(0)
    >>> weights = net.init(rng)
    >>> net.layout["0.b"].view(weights.theta)[5] = -100  # dead: never positive
    >>> activity = measure_activity(net, weights, rng.normal(size=(64, 4)), np.zeros(64, int))
    >>> activity.layers[1].dead, [layer.place.title for layer in activity.layers]
    ((5,), ['Dense, 4 → 16', 'ReLU', 'Dense, 16 → 3'])
    """
    rows = np.asarray(X, network.dtype)
    if rows.shape[1:] != network.input_shape or not len(rows):
        shape = ", ".join(map(str, network.input_shape))
        raise UserError(f"X must have shape (n, {shape}) with at least one row; got {rows.shape}")
    outputs: dict[str, Array] = {}
    gradients: dict[str, Array] = {}

    def watch(name: str, way: str, array: Array) -> None:
        if "." not in name:
            (outputs if way == "forward" else gradients)[name] = array.copy()

    ws = network.workspace(weights, gradient=y is not None)
    loss = None
    if y is None:
        network.forward(rows, ws, Call(watch=watch))
    else:
        target = _make_targets(network, y)
        loss, _ = network.loss_and_input_gradient(rows, target, ws, Call(watch=watch))
    row = [info for info in list_layers(network) if "." not in info.path]
    next_paths = [info.path for info in row[1:]] + ["loss"]
    layers = [
        _summarize_layer(
            network, weights, info, outputs[info.path], gradients.get(path), ws.gradient, bins
        )
        for info, path in zip(row, next_paths, strict=True)
    ]
    return Activity(len(rows), loss, tuple(layers))


def _make_targets(network: Network, y: Any) -> Array:
    """Return class codes unchanged, or one-hot for losses other than softmax cross-entropy."""
    y = np.asarray(y)
    n = count_outputs(network)
    if (
        isinstance(get_member_loss(network), SoftmaxCrossEntropy)
        or y.ndim > 1
        or y.dtype.kind not in "iu"
    ):
        return y
    return (np.arange(n) == y[:, np.newaxis]).astype(network.dtype) if n > 1 else y


def _summarize_layer(
    network: Network,
    weights: Weights,
    place: LayerInfo,
    output: Array,
    dy: Array | None,
    gradient: Array | None,
    bins: int,
) -> LayerActivity:
    p = get_parameters(network, weights, place.path)
    g = {}
    if gradient is not None:
        g = {name: network.layout[f"{place.path}.{name}"].view(gradient) for name in p}
    dead: tuple[int, ...] = ()
    if place.kind == "activation":
        silent = (output == 0).all(axis=tuple(range(output.ndim - 1)))
        dead = tuple(int(unit) for unit in np.flatnonzero(silent))
    sizes = np.concatenate([np.abs(v).reshape(-1) for v in g.values()] or [np.empty(0)])
    sizes = np.log10(sizes[sizes > 0].astype(np.float64))
    dz = None if dy is None else dy * len(dy)
    return LayerActivity(
        place,
        float(output.mean()),
        float(output.std()),
        float(np.mean(output == 0)),
        count_bins(output, bins),
        dead,
        _saturated_share(place, output),
        None if dz is None else count_bins(dz, bins),
        0.0 if dz is None else float(dz.std()),
        {name: float(np.linalg.norm(v)) for name, v in p.items()},
        {name: float(np.linalg.norm(v)) for name, v in g.items()},
        count_bins(sizes, bins, (-8.0, 1.0)) if g else None,
    )


def _saturated_share(place: LayerInfo, output: Array) -> float:
    if isinstance(place.layer, Tanh):
        return float(np.mean(np.abs(output) > SATURATED))
    if isinstance(place.layer, Sigmoid):
        return float(np.mean(np.abs(2 * output - 1) > SATURATED))
    return 0.0
