"""The forward pass of one example: input and output of every layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graduel.glassbox.network.equations import Equation, make_equation, subscript
from graduel.glassbox.network.layer_info import LayerInfo, as_batch, list_layers
from graduel.glassbox.plain_data import Array, PlainData
from graduel.nn import Network, SoftmaxCrossEntropy, Weights
from graduel.nn.workspace import Call


@dataclass(frozen=True, slots=True, eq=False)
class LayerPass(PlainData):
    """The input and output of one layer."""

    place: LayerInfo
    input: Array | None
    """None inside a block whose layers are not sequential."""
    output: Array


@dataclass(frozen=True, slots=True, eq=False)
class Column(PlainData):
    """One column of neurons in a network diagram: the input, or the units of a layer W_l."""

    number: int
    """l; 0 is the input."""
    title: str
    path: str
    """Index path of the layer with weights; empty for the input."""
    z: Array | None
    """Pre-activations, before normalization; None for the input."""
    a: Array
    """Activations, the input of the next layer; predictions in the last column."""
    names: tuple[str, ...] = ()
    """Names of the units: the classes in the last column, otherwise empty."""


@dataclass(frozen=True, slots=True, eq=False)
class SoftmaxSteps(PlainData):
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
class Forward(PlainData):
    """The forward pass of one example, with the network in inference mode (no dropout)."""

    x: Array
    layers: tuple[LayerPass, ...]
    """Depth first; the layers of a block follow it."""
    columns: tuple[Column, ...]
    raw: Array
    """Raw predictions; the logits z for softmax."""
    predictions: Array
    """The loss's link of the raw predictions; probabilities for a classifier."""
    softmax: SoftmaxSteps | None
    """None if the loss is not softmax cross-entropy."""

    def layer(self, path: str) -> LayerPass:
        """Return the input and output of the layer at an index path."""
        return next(layer for layer in self.layers if layer.place.path == path)


def forward(network: Network, weights: Weights, x: Any, *, classes: Sequence[str] = ()) -> Forward:
    """Compute the input and output of every layer for one example.

    Parameters
    ----------
    network, weights : a fitted network
    x : one example, prepared and scaled for the network: in the shape of its input, or flat
    classes : names of the outputs

    Raises
    ------
    UserError
        If the size of `x` differs from the network's input.

    Examples
    --------
    >>> from graduel.nn import Dense, ReLU
    >>> net = Network((Dense(16), ReLU(), Dense(3)), (4,))
    >>> result = forward(net, net.init(np.random.default_rng(0)), [0.5, 1, 0, 2])
    >>> [column.title for column in result.columns]
    ['input', 'ReLU', 'softmax']
    >>> round(float(result.predictions.sum()), 6)
    1.0
    """
    row = as_batch(network, x)
    outputs: dict[str, Array] = {}

    def watch(name: str, way: str, array: Array) -> None:
        outputs[name] = array[0].copy()

    ws = network.workspace(weights, gradient=False)
    raw = network.forward(row, ws, Call(watch=watch))[0].copy()
    return collect_forward(network, row, outputs, raw, classes)


def collect_forward(
    network: Network,
    row: Array,
    outputs: Mapping[str, Array],
    raw: Array,
    classes: Sequence[str] = (),
) -> Forward:
    """Return the forward pass from the recorded outputs of a batch `row` of one example."""
    layers = list_layers(network)
    inputs = _collect_inputs(network, row[0], outputs)
    predictions = network.loss.link(raw[np.newaxis].copy())[0]
    softmax = isinstance(network.loss, SoftmaxCrossEntropy)
    last = max((place.number or 0 for place in layers), default=0)
    return Forward(
        row[0],
        tuple(LayerPass(p, inputs.get(p.path), outputs[p.path]) for p in layers),
        _collect_columns(network, layers, row[0], outputs, predictions, tuple(classes)),
        raw,
        predictions,
        explain_softmax(raw, number=last) if softmax else None,
    )


def _collect_inputs(network: Network, x: Array, outputs: Mapping[str, Array]) -> dict[str, Array]:
    """Return the input of each layer: in a sequence, the output of the previous layer."""
    inputs: dict[str, Array] = {}

    def follow(nodes: Sequence[Any], x: Array) -> None:
        for node in nodes:
            inputs[node.name] = x
            shapes = [shape for _, shape in node.plan.children]
            in_row = shapes[1:] == [kid.plan.out for kid in node.kids[:-1]]
            if node.kids and in_row and shapes[0] == x.shape:
                follow(node.kids, x)
            x = outputs[node.name]

    follow(network.nodes, x)
    return inputs


def _collect_columns(
    network: Network,
    layers: Sequence[LayerInfo],
    x: Array,
    outputs: Mapping[str, Array],
    predictions: Array,
    classes: tuple[str, ...],
) -> tuple[Column, ...]:
    """Group each layer W_l with the normalization, activation and dropout that follow it."""
    row = [place for place in layers if "." not in place.path]
    starts = [i for i, place in enumerate(row) if place.number]
    stops = [*starts[1:], len(row)] if starts else []
    before = row[: starts[0]] if starts else row
    columns = [Column(0, "input", "", None, outputs[before[-1].path] if before else x)]
    for start, stop in zip(starts, stops, strict=True):
        first, rest = row[start], row[start + 1 : stop]
        is_last = stop == len(row)
        titles = [p.title for p in rest if p.kind not in ("dropout", "shape")]
        link = "softmax" if isinstance(network.loss, SoftmaxCrossEntropy) else "prediction"
        title = " · ".join(titles + [link] * is_last) or "linear"
        a = predictions if is_last else outputs[row[stop - 1].path]
        z = outputs[first.path]
        names = classes if is_last else ()
        assert first.number is not None
        columns.append(Column(first.number, title, first.path, z, a, names))
    return tuple(columns)


def explain_softmax(z: Any, *, number: int | None = None) -> SoftmaxSteps:
    """Compute a softmax step by step: shift, exponentials, sum, division.

    Parameters
    ----------
    z : logits, shape (K,)
    number : layer number l, for the equation

    Examples
    --------
    >>> steps = explain_softmax([1.0, 3.0])
    >>> steps.shifted, round(steps.total, 4), steps.a.round(4)
    (array([-2.,  0.]), 1.1353, array([0.1192, 0.8808]))
    """
    z = np.asarray(z)
    largest = z.max()
    shifted = z - largest
    e = np.exp(shifted)
    total = e.sum()
    A, Z = subscript("A", number), subscript("Z", number)
    formula = make_equation(f"{A} = softmax({Z}) = exp({Z} − max) / Σ exp({Z} − max)", 3)
    return SoftmaxSteps(z, float(largest), shifted, e, float(total), e / total, formula)
