"""Edited copies of a network's weights: units ablated, a weight set; and the effect."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from graduel.errors import UserError
from graduel.glassbox.network.forward_pass import forward
from graduel.glassbox.network.layer_info import (
    Array,
    check_unit,
    find_layer,
    find_next_weighted,
    get_kind,
    get_parameters,
)
from graduel.glassbox.plain_data import PlainData
from graduel.nn import Dense, Network, NTKDense, Weights


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
