"""Copies of a network's weights with something changed, and what it does to an answer."""

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
    get_parameters,
    kind_of,
    weighted_after,
)
from graduel.glassbox.plain_data import PlainData
from graduel.nn import Dense, Network, NTKDense, Weights


@dataclass(frozen=True, slots=True, eq=False)
class Effect(PlainData):
    """Answers before and after a change."""

    ALSO: ClassVar[tuple[str, ...]] = ("turned",)

    before: Array
    after: Array
    answer_before: int
    answer_after: int

    @property
    def turned(self) -> bool:
        """Tell whether another answer is the most probable one now."""
        return self.answer_before != self.answer_after


def ablate_units(
    network: Network, weights: Weights, layer: int | str, units: Iterable[int]
) -> Weights:
    """Return weights in which the next layer no longer hears some units.

    The rows of these units in the next W_l become 0, which is the same as an activation of 0,
    whatever the activation function is. A unit of a convolution is one of its channels.

    Parameters
    ----------
    network, weights : stay as they are
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
    >>> off = ablate_units(net, weights, 1, [0, 1, 2, 3])
    >>> net.predict(np.ones((1, 2)), off).round(3)
    array([[0.333, 0.333, 0.333]], dtype=float32)
    """
    place = find_layer(network, layer)
    after = weighted_after(network, place) if "." not in place.path else None
    if not place.number or after is None:
        raise UserError(
            f"only units of hidden layers with weights can be switched off; got {place.title}"
        )
    between = network.nodes[int(place.path) + 1 : int(after.path)]
    if any(node.kids and kind_of(node.layer) != "activation" for node in between):
        raise UserError(
            f"units of {place.title} go around a block, and cannot be switched off; "
            "choose a layer after it"
        )
    n = place.shape_out[-1]
    chosen = sorted(set(units))
    if bad := [unit for unit in chosen if not 0 <= unit < n]:
        raise UserError(f"unit must be from 0 to {n - 1} in {place.title}; got {bad[0]}")
    changed = weights.copy()
    W = get_parameters(network, changed, after.path)["W"]
    W.reshape(-1, n, W.shape[-1])[:, chosen] = 0
    return changed


def set_weight(
    network: Network,
    weights: Weights,
    layer: int | str,
    unit: int,
    index: int | None,
    value: float,
) -> Weights:
    """Return weights in which one of a dense layer's numbers is another.

    Parameters
    ----------
    network, weights : stay as they are
    layer, unit : whose weight it is
    index : of the input that it weighs; None: the bias
    value : what it becomes

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
    """Compare what the network answers before and after a change.

    Parameters
    ----------
    network, weights : before
    changed : weights after it
    x : one example, prepared as the network takes it
    """
    before = forward(network, weights, x).answers
    after = forward(network, changed, x).answers
    return Effect(before, after, int(before.argmax()), int(after.argmax()))
