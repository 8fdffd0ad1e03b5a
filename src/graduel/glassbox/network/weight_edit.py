"""Edited copies of a network's weights: ablated units, a changed or swept weight."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from graduel.errors import UserError
from graduel.glassbox.network.forward_pass import forward
from graduel.glassbox.network.layer_info import (
    check_unit,
    find_layer,
    find_next_weighted,
    get_kind,
    get_parameters,
)
from graduel.glassbox.plain_data import Array, PlainData
from graduel.nn import Dense, Network, NTKDense, Weights
from graduel.nn.layers.layer import forward_through
from graduel.nn.workspace import Call

HALVINGS = 20
"""Number of bisections that locate a change of the predicted class."""


@dataclass(frozen=True, slots=True)
class DecisionBoundary(PlainData):
    """A value of the weight at which the predicted class changes."""

    value: float
    below: int
    """The class predicted just below the value."""
    above: int
    """The class predicted just above it."""


@dataclass(frozen=True, slots=True, eq=False)
class Sweep(PlainData):
    """Predictions over a range of one weight, with all other weights unchanged."""

    now: float
    """The weight's value in the network."""
    values: Array
    predictions: Array
    """Shape (n_values, n_outputs)."""
    boundaries: tuple[DecisionBoundary, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Effect(PlainData):
    """A network's predictions before and after an edit."""

    ALSO: ClassVar[tuple[str, ...]] = ("class_changed",)

    before: Array
    after: Array
    class_before: int
    class_after: int

    @property
    def class_changed(self) -> bool:
        """Whether the predicted class changes."""
        return self.class_before != self.class_after


def ablate_units(
    network: Network, weights: Weights, layer: int | str, units: Iterable[int]
) -> Weights:
    """Return a copy of the weights with some units ablated.

    The weights from these units to the next layer become 0, which is equivalent to an activation
    of 0 for every activation function. A unit of a convolution is one of its channels.

    Parameters
    ----------
    network, weights : not modified
    layer : l of W_l, or an index path, of a hidden layer
    units : indices of the units

    Raises
    ------
    UserError
        If the layer or unit does not exist, or no layer with weights follows.

    Examples
    --------
    >>> from graduel.nn import ReLU
    >>> net = Network((Dense(4), ReLU(), Dense(3)), (2,))
    >>> weights = net.init(np.random.default_rng(0))
    >>> ablated = ablate_units(net, weights, 1, [0, 1, 2, 3])
    >>> net.predict(np.ones((1, 2)), ablated).round(3)
    array([[0.333, 0.333, 0.333]], dtype=float32)
    """
    place = find_layer(network, layer)
    after = find_next_weighted(network, place) if "." not in place.path else None
    if not place.number or after is None:
        raise UserError(
            "layer must be a hidden layer with weights, whose units can be ablated; got "
            f"{place.title}"
        )
    between = network.nodes[int(place.path) + 1 : int(after.path)]
    if any(node.kids and get_kind(node.layer) != "activation" for node in between):
        raise UserError(
            f"units of {place.title} cannot be ablated: a skip connection bypasses them. Choose a "
            "layer after the block"
        )
    n = place.shape_out[-1]
    ablated = sorted(set(units))
    if bad := [unit for unit in ablated if not 0 <= unit < n]:
        raise UserError(f"unit must be from 0 to {n - 1} in {place.title}; got {bad[0]}")
    changed = weights.copy()
    W = get_parameters(network, changed, after.path)["W"]
    W.reshape(-1, n, W.shape[-1])[:, ablated] = 0
    return changed


def set_weight(
    network: Network,
    weights: Weights,
    layer: int | str,
    unit: int,
    index: int | None,
    value: float,
) -> Weights:
    """Return a copy of the weights with one weight or bias of a dense layer changed.

    Parameters
    ----------
    network, weights : not modified
    layer, unit : the unit whose weight changes
    index : index of the weight's input; None for the bias
    value : the new value

    Raises
    ------
    UserError
        If the weight does not exist, or the value is not finite in the network's dtype.
    """
    place = find_layer(network, layer)
    unit = check_unit(place, unit)
    if not isinstance(place.layer, Dense | NTKDense):
        raise UserError(f"layer must be a dense layer; got {place.title}")
    if not abs(value) <= float(np.finfo(network.dtype).max):
        raise UserError(f"value must be a finite {network.dtype}; got {value}")
    changed = weights.copy()
    p = get_parameters(network, changed, place.path)
    if index is None:
        p["b"][unit] = value
        return changed
    if not 0 <= index < len(p["W"]):
        raise UserError(f"index must be from 0 to {len(p['W']) - 1}; got {index}")
    p["W"][index, unit] = value
    return changed


def measure_effect(network: Network, weights: Weights, changed: Weights, x: Any) -> Effect:
    """Compute the network's predictions for one example before and after an edit.

    Parameters
    ----------
    network, weights : before the edit
    changed : the weights after the edit
    x : one example, prepared and scaled for the network
    """
    before = forward(network, weights, x).predictions
    after = forward(network, changed, x).predictions
    return Effect(before, after, int(before.argmax()), int(after.argmax()))


def sweep_weight(
    network: Network,
    weights: Weights,
    x: Any,
    layer: int | str,
    unit: int,
    index: int | None,
    *,
    reach: float | None = None,
    steps: int = 101,
) -> Sweep:
    """Compute the network's predictions over a range of one weight of a dense layer.

    The weight w[unit, i] occurs in one sum only, z' = z + (w' − w) xᵢ, so all values need a single
    pass through the layers after it. Several class changes between two neighboring values are
    counted as one or missed.

    Parameters
    ----------
    network, weights, x : as in :func:`~graduel.glassbox.network.forward_pass.forward`
    layer, unit, index : as in :func:`set_weight`; not a layer inside a block
    reach : the range below and above the weight; default: ten times the standard deviation of its
        layer's weights, at least 1
    steps : number of values; odd, so that the current value is one of them

    Raises
    ------
    UserError
        If the weight does not exist, or `steps` or `reach` is out of range.

    Examples
    --------
    >>> net = Network((Dense(2),), (1,), dtype="float64")
    >>> weights = net.init(np.random.default_rng(0))
    >>> weights.theta[...] = [0.25, 1.0, 0.0, 0.0]  # z = (0.25 x, 1.0 x)
    >>> sweep = sweep_weight(net, weights, [2.0], 1, 0, 0, reach=3)
    >>> [(round(b.value, 5), b.below, b.above) for b in sweep.boundaries]
    [(1.0, 1, 0)]
    """
    place = find_layer(network, layer)
    unit = check_unit(place, unit)
    if not isinstance(place.layer, Dense) or "." in place.path:
        raise UserError(f"layer must be a dense layer outside of blocks; got {place.title}")
    if steps < 3 or not steps % 2:
        raise UserError(f"steps must be odd, at least 3; got {steps}")
    p = get_parameters(network, weights, place.path)
    if index is not None and not 0 <= index < len(p["W"]):
        raise UserError(f"index must be from 0 to {len(p['W']) - 1}; got {index}")
    if reach is None:
        reach = max(1.0, 10 * float(p["W"].std()))
    if not 0 < reach < 1e6:
        raise UserError(f"reach must be above 0 and below 1,000,000; got {reach}")
    layer_pass = forward(network, weights, x).layer(place.path)
    assert layer_pass.input is not None
    now = float(p["b"][unit] if index is None else p["W"][index, unit])
    slope = 1.0 if index is None else float(layer_pass.input[index])
    next_layer = int(place.path) + 1
    ws = network.workspace(weights, gradient=False)

    def compute_outputs(values: Array) -> Array:
        z = np.repeat(layer_pass.output[np.newaxis], len(values), axis=0)
        z[:, unit] += ((values - now) * slope).astype(z.dtype)
        raw = forward_through(network.layers[next_layer:], ws.scopes[next_layer:], z, Call())
        return network.loss.link(raw.copy())

    values = now + np.linspace(-reach, reach, steps)
    values[steps // 2] = now
    outputs = compute_outputs(values)
    best = outputs.argmax(axis=1)
    changes = np.flatnonzero(best[1:] != best[:-1])
    low, high = values[changes], values[changes + 1]
    below = best[changes]
    for _ in range(HALVINGS if len(changes) else 0):
        middle = (low + high) / 2
        stays = compute_outputs(middle).argmax(axis=1) == below
        low, high = np.where(stays, middle, low), np.where(stays, high, middle)
    # Between two values a third class may win: the class just above is computed again.
    above = compute_outputs(high).argmax(axis=1) if len(changes) else below
    boundaries = zip((low + high) / 2, below, above, strict=True)
    return Sweep(
        now,
        values,
        outputs,
        tuple(DecisionBoundary(float(v), int(a), int(b)) for v, a, b in boundaries),
    )
