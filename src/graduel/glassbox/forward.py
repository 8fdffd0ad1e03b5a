"""One example on its way forward, number by number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from graduel.errors import UserError
from graduel.glassbox.places import (
    Array,
    Place,
    check_unit,
    find,
    one_row,
    places,
    sees_input,
)
from graduel.glassbox.plain import Plain
from graduel.glassbox.source import Equation, equation, sub
from graduel.nn import Conv2D, Dense, Network, SoftmaxCrossEntropy, Weights
from graduel.nn.workspace import Call, Scope


@dataclass(frozen=True, slots=True, eq=False)
class LayerPass(Plain):
    """What one layer was given and what it made of it."""

    place: Place
    input: Array | None
    """None inside a block whose parts are not in a row."""
    output: Array


@dataclass(frozen=True, slots=True, eq=False)
class Column(Plain):
    """One column of neurons, as networks are drawn: the input, or the units of a W_l."""

    number: int
    """l; 0 is the input."""
    title: str
    path: str
    """Of the layer with the weights; empty for the input."""
    z: Array | None
    """Before normalization and activation; None for the input."""
    a: Array
    """What the next W_l is given; probabilities (the loss's link) in the last column."""
    names: tuple[str, ...] = ()
    """What the units are, where they have names: classes at the end, features at the start."""


@dataclass(frozen=True, slots=True, eq=False)
class SoftmaxSteps(Plain):
    """aₖ = exp(zₖ − max z) / Σⱼ exp(zⱼ − max z), step by step."""

    z: Array
    largest: float
    shifted: Array
    """z − max z."""
    exponentials: Array
    total: float
    a: Array
    equation: Equation


@dataclass(frozen=True, slots=True, eq=False)
class Forward(Plain):
    """One example's way through the network, as it predicts (dropout lets everything through)."""

    x: Array
    layers: tuple[LayerPass, ...]
    """Depth first; those inside a block come after it."""
    columns: tuple[Column, ...]
    raw: Array
    """Raw predictions; logits z for softmax."""
    answers: Array
    """The loss's link of them: probabilities."""
    softmax: SoftmaxSteps | None
    """Where the loss is softmax cross-entropy."""

    def layer(self, path: str) -> LayerPass:
        """Return a layer's pass by its index path."""
        return next(one for one in self.layers if one.place.path == path)


@dataclass(frozen=True, slots=True)
class Term(Plain):
    """One summand xᵢ wᵢ."""

    index: int
    name: str
    x: float
    w: float
    product: float


@dataclass(frozen=True, slots=True, eq=False)
class Neuron(Plain):
    """z = Σ wᵢ xᵢ + b, term by term, the largest first."""

    place: Place
    unit: int
    terms: tuple[Term, ...]
    rest: float
    """The sum of all other terms."""
    n_rest: int
    bias: float
    z: float
    a: float
    """After normalization and activation; in the last layer, after the loss's link."""
    equation: Equation
    weights_image: Array | None = None
    """The weights in the shape of the image, where the layer sees pixels."""
    products_image: Array | None = None
    """wᵢ xᵢ in that shape."""


def forward(network: Network, weights: Weights, x: Any, *, classes: Sequence[str] = ()) -> Forward:
    """Send one example through the network and keep everything.

    Parameters
    ----------
    network, weights : a fitted network
    x : one example, prepared as the network takes it: numbers in the shape of its input, or flat
    classes : names of the outputs

    Raises
    ------
    UserError
        If x has another size than the network's input.

    Examples
    --------
    >>> from graduel.nn import ReLU
    >>> net = Network((Dense(16), ReLU(), Dense(3)), (4,))
    >>> seen = forward(net, net.init(np.random.default_rng(0)), [0.5, 1, 0, 2])
    >>> [column.title for column in seen.columns]
    ['input', 'ReLU', 'softmax']
    >>> round(float(seen.answers.sum()), 6)
    1.0
    """
    row = one_row(network, x)
    outputs: dict[str, Array] = {}

    def watch(name: str, way: str, array: Array) -> None:
        outputs[name] = array[0].copy()

    ws = network.workspace(weights, gradient=False)
    raw = network.forward(row, ws, Call(watch=watch))[0].copy()
    return collect(network, row, outputs, raw, classes)


def collect(
    network: Network,
    row: Array,
    outputs: Mapping[str, Array],
    raw: Array,
    classes: Sequence[str] = (),
) -> Forward:
    """Put together what a watched pass of the batch `row` of one example left."""
    every = places(network)
    inputs = _inputs(network, row[0], outputs)
    answers = network.loss.link(raw[np.newaxis].copy())[0]
    softmax = isinstance(network.loss, SoftmaxCrossEntropy)
    last = max((place.number or 0 for place in every), default=0)
    return Forward(
        row[0],
        tuple(LayerPass(p, inputs.get(p.path), outputs[p.path]) for p in every),
        _columns(network, every, row[0], outputs, answers, tuple(classes)),
        raw,
        answers,
        softmax_steps(raw, number=last) if softmax else None,
    )


def _inputs(network: Network, x: Array, outputs: Mapping[str, Array]) -> dict[str, Array]:
    """Return what each layer was given: in a row, what the one before gave."""
    found: dict[str, Array] = {}

    def follow(nodes: Sequence[Any], x: Array) -> None:
        for node in nodes:
            found[node.name] = x
            shapes = [shape for _, shape in node.plan.children]
            follows = shapes[1:] == [kid.plan.out for kid in node.kids[:-1]]
            if node.kids and follows and shapes[0] == x.shape:
                follow(node.kids, x)
            x = outputs[node.name]

    follow(network.nodes, x)
    return found


def _columns(
    network: Network,
    every: Sequence[Place],
    x: Array,
    outputs: Mapping[str, Array],
    answers: Array,
    classes: tuple[str, ...],
) -> tuple[Column, ...]:
    """Gather each W_l with the normalization, activation and dropout that follow it."""
    row = [place for place in every if "." not in place.path]
    starts = [i for i, place in enumerate(row) if place.number]
    before = row[: starts[0]] if starts else row
    found = [Column(0, "input", "", None, outputs[before[-1].path] if before else x)]
    for start, stop in zip(starts, [*starts[1:], len(row)], strict=True):
        head, rest = row[start], row[start + 1 : stop]
        end = stop == len(row)
        words = [p.title for p in rest if p.kind not in ("dropout", "shape")]
        link = "softmax" if isinstance(network.loss, SoftmaxCrossEntropy) else "answer"
        title = " · ".join(words + [link] * end) or "linear"
        a = answers if end else outputs[row[stop - 1].path]
        z = outputs[head.path]
        named = classes if end else ()
        assert head.number is not None
        found.append(Column(head.number, title, head.path, z, a, named))
    return tuple(found)


def softmax_steps(z: Any, *, number: int | None = None) -> SoftmaxSteps:
    """Work out a softmax step by step: shift, exponentials, sum, division.

    Parameters
    ----------
    z : logits, shape (K,)
    number : l of the layer, for the equation

    Examples
    --------
    >>> steps = softmax_steps([1.0, 3.0])
    >>> steps.shifted, round(steps.total, 4), steps.a.round(4)
    (array([-2.,  0.]), 1.1353, array([0.1192, 0.8808]))
    """
    z = np.asarray(z)
    largest = z.max()
    shifted = z - largest
    e = np.exp(shifted)
    total = e.sum()
    A, Z = sub("A", number), sub("Z", number)
    formula = equation(f"{A} = softmax({Z}) = exp({Z} − max) / Σ exp({Z} − max)", 3)
    return SoftmaxSteps(z, float(largest), shifted, e, float(total), e / total, formula)


def neuron(
    network: Network,
    weights: Weights,
    x: Any,
    layer: int | str,
    unit: int,
    top: int = 20,
    *,
    seen: Forward | None = None,
    image: tuple[int, int, int] | None = None,
    names: Sequence[str] = (),
) -> Neuron:
    """Write out one neuron's sum, the largest terms first.

    Parameters
    ----------
    network, weights, x : as in :func:`forward`
    layer : l of W_l, counted from 1, or an index path; a dense layer or a convolution
    unit : its number, counted over all axes of the output
    top : so many terms; the rest comes as a sum
    seen : what :func:`forward` returned for the same x, if it is there
    image : the shape (height, width, channels) of x, where x is pixels
    names : of the features, where the layer is given the example's own numbers

    Raises
    ------
    UserError
        If there is no such layer or unit, or the layer has no weights.

    Examples
    --------
    >>> net = Network((Dense(2),), (3,))
    >>> weights = net.init(np.random.default_rng(0))
    >>> one = neuron(net, weights, [1.0, 0.0, 2.0], layer=1, unit=0, top=1)
    >>> abs(sum(t.product for t in one.terms) + one.rest + one.bias - one.z) < 1e-6
    True
    """
    place = find(network, layer)
    unit = check_unit(place, unit)
    seen = seen or forward(network, weights, x)
    given = seen.layer(place.path)
    if given.input is None or not isinstance(place.layer, Dense | Conv2D):
        raise UserError(
            f"layer must be a dense layer or a convolution, which have sums to write out; "
            f"got {place.title}"
        )
    p = parameters(network, weights, place.path)
    if isinstance(place.layer, Dense):
        xs, ws, index, bias = (
            given.input,
            p["W"][:, unit],
            np.arange(len(given.input)),
            p["b"][unit],
        )
    else:
        xs, ws, index, bias = _patch(place.layer, given.input, p, unit, place.shape_out)
    products = xs.astype(np.float64) * ws
    order = np.argsort(-np.abs(products), kind="stable")[: max(0, top)]
    rest = np.delete(products, order)
    own = sees_input(network, place)
    named = _names(given.input.shape, image if own else None, names if own else ())
    terms = tuple(
        Term(int(index[i]), named(int(index[i])), float(xs[i]), float(ws[i]), float(products[i]))
        for i in order
    )
    pixels = own and image is not None and isinstance(place.layer, Dense)
    l = place.number
    W, Z, b, before = sub("W", l), sub("Z", l), sub("b", l), place.takes or "x"
    return Neuron(
        place,
        unit,
        terms,
        float(rest.sum()),
        len(rest),
        float(bias),
        float(given.output.reshape(-1)[unit]),
        _activation(seen, place, unit),
        equation(f"{Z}[{unit}] = Σᵢ {W}[{unit}, i] {before}[i] + {b}[{unit}]", 1),
        ws.reshape(image) if pixels and image else None,
        products.reshape(image) if pixels and image else None,
    )


def _activation(seen: Forward, place: Place, unit: int) -> float:
    """Return what the next column is given of this unit."""
    for column in seen.columns:
        if column.path == place.path and column.a.size == np.prod(place.shape_out):
            return float(column.a.reshape(-1)[unit])
    return float(seen.layer(place.path).output.reshape(-1)[unit])


def parameters(network: Network, weights: Weights, path: str) -> dict[str, Array]:
    """Return a layer's parameters by name, as views.

    >>> net = Network((Dense(2),), (3,))
    >>> parameters(net, net.init(np.random.default_rng(0)), "0")["W"].shape
    (3, 2)
    """
    found = {}
    for entry in network.layout.entries:
        where, _, name = entry.name.rpartition(".")
        if where == path:
            found[name] = entry.view(weights.theta)
    return found


def _patch(
    layer: Conv2D, x: Array, p: Mapping[str, Array], unit: int, out: tuple[int, ...]
) -> tuple[Array, Array, Array, Any]:
    """Return the window under one output of a convolution: inputs, weights, places, bias.

    Found by the convolution's own backward pass: of an input that holds its own places, and of
    this one output, it tells which input goes with which weight.
    """
    channel = int(np.unravel_index(unit, out)[-1])
    # dW of this one output alone is its window: the inputs, each at the place of its weight.
    window = _window(layer, x, unit, out)
    # The same with the places of the inputs, from 1, in their stead: 0 is padding.
    place = _window(layer, np.arange(1, x.size + 1, dtype=np.float64).reshape(x.shape), unit, out)
    inside = place > 0
    ws = p["W"][..., channel]
    return window[inside], ws[inside], place[inside].astype(int) - 1, p["b"][channel]


def _window(layer: Conv2D, x: Array, unit: int, out: tuple[int, ...]) -> Array:
    """Return dW of one output, whose gradient is 1: shape (height, width, channels)."""
    from types import SimpleNamespace

    plan = layer.plan(x.shape)
    p = {k: np.zeros(spec.shape, x.dtype) for k, spec in plan.params.items()}
    g = {k: np.empty(spec.shape, x.dtype) for k, spec in plan.params.items()}
    scope = Scope("one", SimpleNamespace(**p), SimpleNamespace(**g), SimpleNamespace(), ())
    call = Call()
    layer.forward(x[np.newaxis], scope, call)
    dy = np.zeros((1, *out), x.dtype)
    dy.reshape(-1)[unit] = 1
    layer.backward(dy, scope, call, need_dx=False)
    found: Array = g["W"][..., np.unravel_index(unit, out)[-1]]
    return found


@dataclass(frozen=True, slots=True)
class _names:  # noqa: N801
    """Names the inputs of a layer."""

    shape: tuple[int, ...]
    image: tuple[int, int, int] | None
    names: Sequence[str] = field(default=())

    def __call__(self, index: int) -> str:
        if len(self.names):
            return str(self.names[index])
        shape = self.image or (self.shape if len(self.shape) == 3 else None)
        if shape is None:
            return str(index)
        row, column, channel = (int(i) for i in np.unravel_index(index, shape))
        where = f"row {row}, column {column}"
        return where if shape[2] == 1 else f"{where}, channel {channel}"
