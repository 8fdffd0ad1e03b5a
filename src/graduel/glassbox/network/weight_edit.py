"""Changed copies of a network's weights: units ablated, a weight set or swept; the effect."""

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
"""Halvings of the interval around a change of the predicted class."""


@dataclass(frozen=True, slots=True)
class DecisionTurn(PlainData):
    """A value at which the predicted class changes."""

    value: float
    below: int
    """The class just below it."""
    above: int


@dataclass(frozen=True, slots=True, eq=False)
class Sweep(PlainData):
    """Outputs over the values of one weight, with all others unchanged."""

    now: float
    """The weight's value in the network."""
    values: Array
    answers: Array
    """Shape (values, outputs)."""
    turns: tuple[DecisionTurn, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Effect(PlainData):
    """A network's outputs before and after a change."""

    ALSO: ClassVar[tuple[str, ...]] = ("turned",)

    before: Array
    after: Array
    answer_before: int
    answer_after: int

    @property
    def turned(self) -> bool:
        """Whether the predicted class changes."""
        return self.answer_before != self.answer_after


def ablate_units(
    network: Network, weights: Weights, layer: int | str, units: Iterable[int]
) -> Weights:
    """Return weights in which some units are ablated.

    The rows of these units in the next W_l become 0, which equals an activation of 0 for every
    activation function. A unit of a convolution is one of its channels.

    Parameters
    ----------
    network, weights : not changed
    layer : l of W_l, or an index path, of a hidden layer
    units : their numbers

    Raises
    ------
    UserError
        If there is no such layer or unit, or no layer with weights follows.

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
            f"only units of hidden layers with weights can be ablated; got {place.title}"
        )
    between = network.nodes[int(place.path) + 1 : int(after.path)]
    if any(node.kids and get_kind(node.layer) != "activation" for node in between):
        raise UserError(
            f"units of {place.title} bypass a block, and cannot be ablated; choose a layer after it"
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
    """Return weights in which one weight or bias of a dense layer is set to a value.

    Parameters
    ----------
    network, weights : not changed
    layer, unit : the unit of the weight
    index : of the weight's input; None: the bias
    value : the new value

    Raises
    ------
    UserError
        If there is no such weight, or the value is not finite.
    """
    place = find_layer(network, layer)
    unit = check_unit(place, unit)
    if not isinstance(place.layer, Dense | NTKDense):
        raise UserError(f"layer must be a dense layer; got {place.title}")
    if not abs(value) <= float(np.finfo(network.dtype).max):
        raise UserError(f"a weight must be a finite {network.dtype}; got {value}")
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
    """Return the network's outputs for one example before and after a change.

    Parameters
    ----------
    network, weights : before
    changed : weights after it
    x : one example, prepared as the network takes it
    """
    before = forward(network, weights, x).answers
    after = forward(network, changed, x).answers
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
    """Return the network's outputs over a range of one weight of a dense layer.

    The weight w[unit, i] is in one sum alone, z' = z + (w' − w) xᵢ, so that all values take one
    pass through the layers behind it. Several changes between the same two values count as one,
    or are missed.

    Parameters
    ----------
    network, weights, x : as in :func:`~graduel.glassbox.network.forward_pass.forward`
    layer, unit, index : as in :func:`set_weight`; no layer
        inside a block
    reach : the range below and above the weight; None: ten times the standard deviation of its
        layer's weights, at least 1
    steps : the number of values, odd, so that the weight's own value is among them

    Raises
    ------
    UserError
        If there is no such weight, or steps or reach are out of range.

    Examples
    --------
    >>> net = Network((Dense(2),), (1,), dtype="float64")
    >>> weights = net.init(np.random.default_rng(0))
    >>> weights.theta[...] = [0.25, 1.0, 0.0, 0.0]  # z = (0.25 x, 1.0 x)
    >>> sweep = sweep_weight(net, weights, [2.0], 1, 0, 0, reach=3)
    >>> [(round(turn.value, 5), turn.below, turn.above) for turn in sweep.turns]
    [(1.0, 1, 0)]
    """
    place = find_layer(network, layer)
    unit = check_unit(place, unit)
    if not isinstance(place.layer, Dense) or "." in place.path:
        raise UserError(f"layer must be a dense layer of the row; got {place.title}")
    if steps < 3 or not steps % 2:
        raise UserError(f"steps must be odd, at least 3; got {steps}")
    p = get_parameters(network, weights, place.path)
    if index is not None and not 0 <= index < len(p["W"]):
        raise UserError(f"index must be from 0 to {len(p['W']) - 1}; got {index}")
    if reach is None:
        reach = max(1.0, 10 * float(p["W"].std()))
    if not 0 < reach < 1e6:
        raise UserError(f"reach must be above 0 and below a million; got {reach}")
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
    # A third class may lie between two of the values: the class just above is computed again.
    above = compute_outputs(high).argmax(axis=1) if len(changes) else below
    turns = zip((low + high) / 2, below, above, strict=True)
    return Sweep(
        now,
        values,
        outputs,
        tuple(DecisionTurn(float(v), int(a), int(b)) for v, a, b in turns),
    )
