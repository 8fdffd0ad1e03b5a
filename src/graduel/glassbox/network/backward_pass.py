"""The backward pass of one example: dZ = A − Y, and the gradients of every layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from graduel.errors import UserError
from graduel.glassbox.network.dense_terms import count_outputs, get_member_loss
from graduel.glassbox.network.equations import Equation, make_equation, subscript
from graduel.glassbox.network.forward_pass import Forward, collect_forward
from graduel.glassbox.network.layer_info import (
    LayerInfo,
    as_batch,
    list_layers,
)
from graduel.glassbox.plain_data import Array, PlainData
from graduel.nn import EnsembleMean, Network, ReLU, SoftmaxCrossEntropy, Weights
from graduel.nn.workspace import Call


@dataclass(frozen=True, slots=True, eq=False)
class LayerBack(PlainData):
    """The gradients of the loss with respect to one layer's output, input and parameters."""

    place: LayerInfo
    dy: Array | None
    """Gradient with respect to the layer's output; dZ for a dense layer."""
    dx: Array
    """Gradient with respect to its input."""
    gradients: dict[str, Array]
    """Gradient of each parameter, in the engine's shapes: W is (in, out), the transpose of the
    derivation's."""
    gate: Array | None
    """Of a ReLU: True where the gradient passes (z > 0), False where it is blocked."""


@dataclass(frozen=True, slots=True, eq=False)
class Backward(PlainData):
    """The backward pass of one example, with the network in inference mode."""

    WITHOUT: ClassVar[tuple[str, ...]] = ("forward", "theta_gradient")

    label: int | None
    """The class used as the true one; None if the target is not a class."""
    target: Array
    """Y: one-hot, with label smoothing if the loss uses it."""
    loss: float
    dz: Array
    """Gradient with respect to the raw predictions: A − Y for softmax cross-entropy, (A − Y) / k
    for each of k ensemble members."""
    output: tuple[Equation, ...]
    layers: tuple[LayerBack, ...]
    """From last to first; the layers of a block follow it, from last to first."""
    dx: Array
    """Gradient with respect to the input."""
    forward: Forward
    theta_gradient: Array
    """Gradient with respect to θ, in the network's layout."""

    def layer(self, path: str) -> LayerBack:
        """Return the gradients of the layer at an index path."""
        return next(layer for layer in self.layers if layer.place.path == path)


def make_target(network: Network, y: Any) -> Array:
    """Return a batch of one target, in the form the network's loss expects.

    A class code stays a code for softmax cross-entropy and becomes one-hot for other losses; an
    array is only reshaped and cast.

    Raises
    ------
    UserError
        If the class does not exist, or the target's size differs from the output's.
    """
    n = count_outputs(network)
    softmax = isinstance(get_member_loss(network), SoftmaxCrossEntropy)
    value = np.asarray(y)
    if value.ndim == 0 and (softmax or (n > 1 and value.dtype.kind in "iu")):
        if value.dtype.kind not in "iu" or not 0 <= int(value) < n:
            raise UserError(f"label must be a class code from 0 to {n - 1}; got {y!r}")
        if softmax:
            return value.reshape(1)
        return (np.arange(n) == int(value)).astype(network.dtype)[np.newaxis]
    if softmax or value.size != n:
        raise UserError(f"a target must be one class code, or {n} numbers; got {y!r}")
    return value.reshape(1, n).astype(network.dtype)


def backward(
    network: Network, weights: Weights, x: Any, y: Any, *, classes: Sequence[str] = ()
) -> Backward:
    """Compute all gradients of one example's loss.

    The network is in inference mode: dropout is off, batch normalization uses its running means.
    All arrays are computed by the engine.

    Parameters
    ----------
    network, weights : a fitted network
    x : one example, prepared and scaled for the network
    y : the code of the true class, or the target of a loss without classes

    Raises
    ------
    UserError
        If `x` or `y` does not fit the network.

    Examples
    --------
    >>> from graduel.nn import Dense
    >>> net = Network((Dense(16), ReLU(), Dense(3)), (4,))
    >>> result = backward(net, net.init(np.random.default_rng(0)), [0.5, 1, 0, 2], 1)
    >>> bool(np.allclose(result.dz, result.forward.predictions - result.target))
    True
    >>> [layer.place.title for layer in result.layers]
    ['Dense, 16 → 3', 'ReLU', 'Dense, 4 → 16']
    """
    row, target = as_batch(network, x), make_target(network, y)
    outputs: dict[str, Array] = {}
    input_gradients: dict[str, Array] = {}

    def watch(name: str, way: str, array: Array) -> None:
        (outputs if way == "forward" else input_gradients)[name] = array[0].copy()

    ws = network.workspace(weights)
    gradient = ws.gradient
    assert gradient is not None
    gradient.fill(0)
    loss, dx = network.loss_and_input_gradient(row, target, ws, Call(watch=watch))
    assert dx is not None
    last = network.nodes[-1].name if network.nodes else ""
    raw = outputs[last] if last else row[0].copy()
    forward_pass = collect_forward(network, row, outputs, raw, classes)
    is_code = np.ndim(y) == 0 and np.asarray(y).dtype.kind in "iu"
    return Backward(
        int(y) if is_code else None,
        _smooth_target(network, target),
        loss,
        input_gradients["loss"],
        _output_equations(network),
        _collect_layers(network, forward_pass, input_gradients, gradient),
        dx[0].copy(),
        forward_pass,
        gradient,
    )


def _smooth_target(network: Network, target: Array) -> Array:
    """Return Y = (1 − s) onehot(y) + s / K for softmax cross-entropy, otherwise the target."""
    loss = get_member_loss(network)
    if not isinstance(loss, SoftmaxCrossEntropy):
        row: Array = target[0]
        return row
    n, s = count_outputs(network), loss.label_smoothing
    return ((1 - s) * (np.arange(n) == target[0]) + s / n).astype(network.dtype)


def _output_equations(network: Network) -> tuple[Equation, ...]:
    last = max((place.number or 0 for place in list_layers(network)), default=0)
    Z, A = subscript("Z", last), subscript("A", last)
    if isinstance(network.loss, SoftmaxCrossEntropy):
        return (Equation(f"L = −1/m Σ Y ⊙ log {A}"), make_equation(f"d{Z} = {A} − Y", 4))
    if isinstance(network.loss, EnsembleMean):
        loss = type(network.loss.loss).__name__
        return (Equation(f"L = 1/k Σ L_j, L_j the {loss} of ensemble member j, with its own dZ_j"),)
    name = type(network.loss).__name__
    text = " ".join((type(network.loss).__doc__ or name).split("\n\n")[0].split()).rstrip(".")
    return (Equation(text),)


def _collect_layers(
    network: Network,
    forward_pass: Forward,
    input_gradients: dict[str, Array],
    gradient: Array,
) -> tuple[LayerBack, ...]:
    """Return each layer's gradients, from last to first."""
    by_path = {info.path: info for info in list_layers(network)}
    layers: list[LayerBack] = []

    def follow(nodes: Sequence[Any], dy: Array | None) -> None:
        for node in reversed(nodes):
            place = by_path[node.name]
            dx = input_gradients[node.name]
            grads = {
                name: network.layout[f"{node.name}.{name}"].view(gradient).copy()
                for name in node.plan.params
            }
            gate = None
            if isinstance(node.layer, ReLU):
                gate = forward_pass.layer(node.name).output > 0
            layers.append(LayerBack(place, dy, dx, grads, gate))
            ends_block = [kid.plan.out for kid in node.kids][-1:] == [node.plan.out]
            follow(node.kids, dy if ends_block else None)
            dy = dx

    follow(network.nodes, input_gradients["loss"])
    return tuple(layers)
