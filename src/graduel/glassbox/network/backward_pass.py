"""One example on its way back: dZ = A − Y, and what it says to every weight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from graduel.errors import UserError
from graduel.glassbox.network.dense_terms import layer_scale, n_outputs, single_loss
from graduel.glassbox.network.equations import Equation, make_equation, subscript
from graduel.glassbox.network.forward_pass import Forward, collect, forward
from graduel.glassbox.network.layer_info import (
    Array,
    LayerInfo,
    as_batch,
    check_unit,
    find_layer,
    list_layers,
    sees_input,
)
from graduel.glassbox.network.neuron import InputNames, Term
from graduel.glassbox.plain_data import PlainData
from graduel.nn import Dense, MeanOfHeads, Network, NTKDense, ReLU, SoftmaxCrossEntropy, Weights
from graduel.nn.workspace import Call


@dataclass(frozen=True, slots=True, eq=False)
class LayerBack(PlainData):
    """What came back to one layer, what it told its parameters, and what it handed on."""

    place: LayerInfo
    dy: Array | None
    """The loss's gradient by the layer's output; dZ for a dense layer."""
    dx: Array
    """By its input."""
    gradients: dict[str, Array]
    """By its parameters, in the engine's shapes: W is (in, out), the transpose of the paper's."""
    gate: Array | None
    """Of a ReLU: True where it let the gradient through, False where it stopped it."""


@dataclass(frozen=True, slots=True, eq=False)
class Backward(PlainData):
    """One example's way back through the network, as it predicts."""

    WITHOUT: ClassVar[tuple[str, ...]] = ("forward", "theta_gradient")

    label: int | None
    """The class that is taken as true; None where the target is no class."""
    target: Array
    """Y: one-hot, or smoothed where the loss smooths."""
    loss: float
    dz: Array
    """The loss's gradient by the raw predictions: A − Y for softmax cross-entropy, a k-th of it in
    each of k heads."""
    output: tuple[Equation, ...]
    layers: tuple[LayerBack, ...]
    """Last to first; those inside a block after it, last to first."""
    dx: Array
    """The loss's gradient by the example itself."""
    forward: Forward
    theta_gradient: Array
    """The gradient by θ, as it lies in the network's layout."""

    def layer(self, path: str) -> LayerBack:
        """Return a layer's way back by its index path."""
        return next(one for one in self.layers if one.place.path == path)


@dataclass(frozen=True, slots=True, eq=False)
class WeightGradients(PlainData):
    """One unit's row of dW = dZ Aᵀ: dW[j, k] = dz_j a_k, the largest first."""

    place: LayerInfo
    unit: int
    dz: float
    terms: tuple[Term, ...]
    """x is a_k, w is dz_j (over √n in a layer that scales its sums), product is dW[j, k]."""
    norm: float
    """√Σₖ dW[j, k]²."""
    db: float
    equations: tuple[Equation, ...]
    image: Array | None = None
    """The row in the shape of the image, where the layer sees pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class GradientStep(PlainData):
    """W ← W − α dW on one example, and the same example again."""

    ALSO: ClassVar[tuple[str, ...]] = ("helped",)
    WITHOUT: ClassVar[tuple[str, ...]] = ("weights",)

    lr: float
    loss_before: float
    loss_after: float
    expected: float
    """How much the loss would fall if it were a plane: α ‖gradient‖²."""
    before: Array
    """Answers before the step."""
    after: Array
    equation: Equation
    weights: Weights

    @property
    def helped(self) -> bool:
        """Tell whether the loss fell."""
        return self.loss_after < self.loss_before


def target_of(network: Network, y: Any) -> Array:
    """Return a batch of one target, as the network's loss takes it.

    A class code becomes a code for softmax cross-entropy, and one-hot for the other losses; an
    array stays what it is.

    Raises
    ------
    UserError
        If there is no such class, or the target has another size than the output.
    """
    n = n_outputs(network)
    softmax = isinstance(single_loss(network), SoftmaxCrossEntropy)
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
    """Send one example forward and its loss back, and keep everything.

    The network computes as it predicts: dropout lets everything through, batch normalization
    takes its running means. All arrays are the engine's own.

    Parameters
    ----------
    network, weights : a fitted network
    x : one example, prepared as the network takes it
    y : the class code that is taken as true; for other losses, the target

    Raises
    ------
    UserError
        If x or y do not fit the network.

    Examples
    --------
    >>> net = Network((Dense(16), ReLU(), Dense(3)), (4,))
    >>> seen = backward(net, net.init(np.random.default_rng(0)), [0.5, 1, 0, 2], 1)
    >>> bool(np.allclose(seen.dz, seen.forward.answers - seen.target))
    True
    >>> [one.place.title for one in seen.layers]
    ['Dense, 16 → 3', 'ReLU', 'Dense, 4 → 16']
    """
    row, target = as_batch(network, x), target_of(network, y)
    outputs: dict[str, Array] = {}
    given: dict[str, Array] = {}

    def watch(name: str, way: str, array: Array) -> None:
        (outputs if way == "forward" else given)[name] = array[0].copy()

    ws = network.workspace(weights)
    gradient = ws.gradient
    assert gradient is not None
    gradient.fill(0)
    loss, dx = network.loss_and_input_gradient(row, target, ws, Call(watch=watch))
    assert dx is not None
    last = network.nodes[-1].name if network.nodes else ""
    raw = outputs[last] if last else row[0].copy()
    seen = collect(network, row, outputs, raw, classes)
    return Backward(
        int(target[0]) if target.ndim == 1 else _label(y),
        _shown_target(network, target),
        loss,
        given["loss"],
        _output_equations(network),
        _layers(network, seen, given, gradient),
        dx[0].copy(),
        seen,
        gradient,
    )


def _shown_target(network: Network, target: Array) -> Array:
    """Return Y: T = (1 − s) onehot(y) + s / K for softmax cross-entropy, else the target."""
    loss = single_loss(network)
    if not isinstance(loss, SoftmaxCrossEntropy):
        row: Array = target[0]
        return row
    n, s = n_outputs(network), loss.label_smoothing
    return ((1 - s) * (np.arange(n) == target[0]) + s / n).astype(network.dtype)


def _label(y: Any) -> int | None:
    value = np.asarray(y)
    return int(value) if value.ndim == 0 and value.dtype.kind in "iu" else None


def _output_equations(network: Network) -> tuple[Equation, ...]:
    last = max((place.number or 0 for place in list_layers(network)), default=0)
    Z, A = subscript("Z", last), subscript("A", last)
    if isinstance(network.loss, SoftmaxCrossEntropy):
        return (Equation(f"L = −1/m Σ Y ⊙ log {A}"), make_equation(f"d{Z} = {A} − Y", 4))
    if isinstance(network.loss, MeanOfHeads):
        one = type(network.loss.loss).__name__
        return (Equation(f"L = 1/k Σ L_h, L_h the {one} of head h, each with dZ_h by itself"),)
    name = type(network.loss).__name__
    told = " ".join((type(network.loss).__doc__ or name).split("\n\n")[0].split()).rstrip(".")
    return (Equation(told),)


def _layers(
    network: Network, seen: Forward, given: dict[str, Array], gradient: Array
) -> tuple[LayerBack, ...]:
    """Put each layer's input gradient beside that of the layer after it."""
    by_path = {one.path: one for one in list_layers(network)}
    found: list[LayerBack] = []

    def follow(nodes: Sequence[Any], dy: Array | None) -> None:
        for node in reversed(nodes):
            place = by_path[node.name]
            dx = given[node.name]
            grads = {
                name: network.layout[f"{node.name}.{name}"].view(gradient).copy()
                for name in node.plan.params
            }
            gate = None
            if isinstance(node.layer, ReLU):
                gate = seen.layer(node.name).output > 0
            found.append(LayerBack(place, dy, dx, grads, gate))
            follows = [kid.plan.out for kid in node.kids][-1:] == [node.plan.out]
            follow(node.kids, dy if follows else None)
            dy = dx

    follow(network.nodes, given["loss"])
    return tuple(found)


def weight_gradients(
    network: Network,
    seen: Backward,
    layer: int | str,
    unit: int,
    top: int = 20,
    *,
    image: tuple[int, int, int] | None = None,
    names: Sequence[str] = (),
) -> WeightGradients:
    """Write out one unit's row of dW, the largest entries first.

    Parameters
    ----------
    network : the network
    seen : from :func:`backward`
    layer, unit, top, image, names : as in :func:`~graduel.glassbox.network.forward_pass.neuron`; a
    dense layer

    Raises
    ------
    UserError
        If there is no such layer or unit, or the layer is not dense.
    """
    place = find_layer(network, layer)
    unit = check_unit(place, unit)
    back, ahead = seen.layer(place.path), seen.forward.layer(place.path)
    if not isinstance(place.layer, Dense | NTKDense) or back.dy is None or ahead.input is None:
        raise UserError(f"layer must be a dense layer; got {place.title}")
    row = back.gradients["W"][:, unit]
    dz = float(back.dy[unit])
    told = dz * layer_scale(place.layer, len(ahead.input))
    own = sees_input(network, place)
    named = InputNames(ahead.input.shape, image if own else None, names if own else ())
    order = np.argsort(-np.abs(row), kind="stable")[: max(0, top)]
    terms = tuple(
        Term(int(k), named(int(k)), float(ahead.input[k]), told, float(row[k])) for k in order
    )
    return WeightGradients(
        place,
        unit,
        dz,
        terms,
        float(np.linalg.norm(row.astype(np.float64))),
        float(back.gradients["b"][unit]),
        place.backward[:2],
        row.reshape(image) if own and image is not None else None,
    )


def step(
    network: Network,
    weights: Weights,
    x: Any,
    y: Any,
    lr: float = 0.1,
    *,
    seen: Backward | None = None,
) -> GradientStep:
    """Take one step of gradient descent on one example, and look at the example again.

    The weights that were given stay as they are.

    Parameters
    ----------
    network, weights, x, y : as in :func:`backward`
    lr : α, the learning rate
    seen : what :func:`backward` returned for the same example, if it is there

    Examples
    --------
    >>> net = Network((Dense(16), ReLU(), Dense(3)), (4,))
    >>> step(net, net.init(np.random.default_rng(0)), [0.5, 1, 0, 2], 1, lr=0.01).helped
    True
    """
    seen = seen or backward(network, weights, x, y)
    moved = weights.copy()
    moved.theta -= np.asarray(lr, moved.theta.dtype) * seen.theta_gradient
    row, target = as_batch(network, x), target_of(network, y)
    ws = network.workspace(moved, gradient=False)
    raw = network.forward(row, ws, Call())
    loss_after, _ = network.loss.value_and_gradient(raw, target, None, ws.loss)
    return GradientStep(
        float(lr),
        seen.loss,
        float(loss_after),
        float(lr * np.square(seen.theta_gradient.astype(np.float64)).sum()),
        seen.forward.answers,
        forward(network, moved, x).answers,
        make_equation("W ← W − α dW,   b ← b − α db", 8),
        moved,
    )
