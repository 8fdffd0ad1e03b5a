"""One weight over a range of values: how the answers move, and where the decision turns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from graduel.errors import UserError
from graduel.glassbox.network.forward_pass import forward
from graduel.glassbox.network.layer_info import Array, check_unit, find_layer, get_parameters
from graduel.glassbox.plain_data import PlainData
from graduel.nn import Dense, Network, Weights
from graduel.nn.layers.layer import forward_through
from graduel.nn.workspace import Call

HALVINGS = 20
"""How often the interval around a turn is halved."""


@dataclass(frozen=True, slots=True)
class DecisionTurn(PlainData):
    """A value at which another answer becomes the most probable one."""

    value: float
    below: int
    """The answer just below it."""
    above: int


@dataclass(frozen=True, slots=True, eq=False)
class Sweep(PlainData):
    """Answers over the values of one weight, all others as they are."""

    now: float
    """The weight's own value."""
    values: Array
    answers: Array
    """Shape (values, outputs)."""
    turns: tuple[DecisionTurn, ...]


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
    """Move one weight of a dense layer, and see what the network would answer.

    The weight w[unit, i] stands in one sum alone, z' = z + (w' − w) xᵢ, so that all values take
    one pass through the layers behind it. Turns that lie between the same two of the values are
    seen as one, or not at all.

    Parameters
    ----------
    network, weights, x : as in :func:`~graduel.glassbox.network.forward_pass.forward`
    layer, unit, index : as in :func:`~graduel.glassbox.network.weight_edit.set_weight`; no layer
    inside a block
    reach : how far to go below and above the weight; None: ten times the spread of its layer's
        weights, at least 1
    steps : how many values, an odd number, so that the weight's own is among them

    Raises
    ------
    UserError
        If there is no such weight, or steps or reach are out of range.

    Examples
    --------
    >>> net = Network((Dense(2),), (1,), dtype="float64")
    >>> weights = net.init(np.random.default_rng(0))
    >>> weights.theta[...] = [0.25, 1.0, 0.0, 0.0]  # z = (0.25 x, 1.0 x)
    >>> found = sweep_weight(net, weights, [2.0], 1, 0, 0, reach=3)
    >>> [(round(turn.value, 5), turn.below, turn.above) for turn in found.turns]
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
    seen = forward(network, weights, x).layer(place.path)
    assert seen.input is not None
    now = float(p["b"][unit] if index is None else p["W"][index, unit])
    slope = 1.0 if index is None else float(seen.input[index])
    at = int(place.path) + 1
    ws = network.workspace(weights, gradient=False)

    def answers(values: Array) -> Array:
        z = np.repeat(seen.output[np.newaxis], len(values), axis=0)
        z[:, unit] += ((values - now) * slope).astype(z.dtype)
        raw = forward_through(network.layers[at:], ws.scopes[at:], z, Call())
        return network.loss.link(raw.copy())

    values = now + np.linspace(-reach, reach, steps)
    values[steps // 2] = now
    found = answers(values)
    best = found.argmax(axis=1)
    places = np.flatnonzero(best[1:] != best[:-1])
    low, high = values[places], values[places + 1]
    below = best[places]
    for _ in range(HALVINGS if len(places) else 0):
        middle = (low + high) / 2
        stays = answers(middle).argmax(axis=1) == below
        low, high = np.where(stays, middle, low), np.where(stays, high, middle)
    # A third answer may stand between two of the values: what is just above is asked again.
    above = answers(high).argmax(axis=1) if len(places) else below
    turns = zip((low + high) / 2, below, above, strict=True)
    return Sweep(
        now,
        values,
        found,
        tuple(DecisionTurn(float(v), int(a), int(b)) for v, a, b in turns),
    )
