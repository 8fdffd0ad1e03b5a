"""Descriptions of a network's layers: kind, title, number, symbols, equations."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from graduel.errors import UserError
from graduel.glassbox.network import dense_terms
from graduel.glassbox.network.equations import Equation, make_equation, subscript
from graduel.glassbox.plain_data import Array, PlainData
from graduel.nn import Network
from graduel.nn import layers as known
from graduel.nn.layers.layer import Layer
from graduel.nn.tree import Node
from graduel.nn.weights import Weights

KINDS: dict[type, str] = {
    **dict.fromkeys(dense_terms.DENSE, "dense"),
    known.Parametric: "activation",
    known.PBLD: "embedding",
    known.Conv2D: "convolution",
    known.Dropout: "dropout",
    known.Noise: "dropout",
    known.BatchNorm: "normalization",
    known.LayerNorm: "normalization",
    known.Scale: "scale",
    known.AveragePool2D: "pooling",
    known.MaxPool2D: "pooling",
    known.Flatten: "shape",
    known.Reshape: "shape",
    known.Residual: "block",
    known.Columns: "embedding",
}
"""The kind of each layer type; types in the activation modules are activations."""


@dataclass(frozen=True, slots=True, eq=False)
class LayerInfo(PlainData):
    """The description of a layer and its position in the network."""

    WITHOUT: ClassVar[tuple[str, ...]] = ("node",)

    path: str
    """Index path, as in parameter names."""
    kind: str
    title: str
    number: int | None
    """l of W_l: top-level dense layers and convolutions, counted from 1; None for others."""
    shape_in: tuple[int, ...]
    shape_out: tuple[int, ...]
    takes: str
    """The symbol of its input, such as A₀; empty inside a block."""
    gives: str
    """The symbol of its output."""
    forward: Equation
    backward: tuple[Equation, ...]
    node: Node

    @property
    def layer(self) -> Layer:
        """The layer."""
        return self.node.layer


def get_kind(layer: Layer) -> str:
    """Return the kind of a layer.

    >>> get_kind(known.Tanh()), get_kind(known.Dense(3))
    ('activation', 'dense')
    """
    module = type(layer).__module__
    is_activation = module.startswith("graduel.nn.layers.") and "activation" in module
    return KINDS.get(type(layer), "activation" if is_activation else "own")


def list_layers(network: Network) -> list[LayerInfo]:
    """Return all layers, depth first, in the order of the forward pass.

    Examples
    --------
    >>> from graduel.nn import Dense, Network, ReLU
    >>> net = Network((Dense(16), ReLU(), Dense(3)), (4,))
    >>> [(p.path, p.title, p.forward.text) for p in list_layers(net)][:2]
    [('0', 'Dense, 4 → 16', 'Z₁ = W₁ A₀ + b₁'), ('1', 'ReLU', 'A₁ = ReLU(Z₁)')]
    """
    layers: list[LayerInfo] = []
    symbol, number, shape = "A₀", 0, network.input_shape
    for node in network.nodes:
        kind = get_kind(node.layer)
        if kind in ("dense", "convolution"):
            number += 1
        gives = _output_symbol(kind, node.layer, symbol, number)
        takes, symbol = symbol, gives
        w_number = number if kind in ("dense", "convolution") else None
        layers.append(_make_info(node, kind, w_number, shape, takes, gives))
        layers.extend(_list_children(node))
        shape = node.plan.out
    return layers


def _output_symbol(kind: str, layer: Layer, before: str, number: int) -> str:
    """Return the symbol of a layer's output, given the symbol of its input."""
    if kind in ("dense", "convolution"):
        return subscript("Z", number)
    if kind == "normalization" and before[0] == "Z":
        return "Ẑ" + before[1:]
    if kind in ("shape", "dropout") or isinstance(layer, known.Identity):
        return before
    return subscript("A", number)


def _list_children(node: Node) -> Iterator[LayerInfo]:
    for kid, (_, shape) in zip(node.kids, node.plan.children, strict=True):
        yield _make_info(kid, get_kind(kid.layer), None, shape, "", "")
        yield from _list_children(kid)


def _make_info(
    node: Node, kind: str, number: int | None, shape: tuple[int, ...], takes: str, gives: str
) -> LayerInfo:
    title = _make_title(node.layer, kind, shape, node.plan.out)
    ahead, back = _equations(node.layer, kind, number, takes, gives)
    return LayerInfo(
        node.name, kind, title, number, shape, node.plan.out, takes, gives, ahead, back, node
    )


def _make_title(layer: Layer, kind: str, before: tuple[int, ...], after: tuple[int, ...]) -> str:
    name = type(layer).__name__
    if kind in ("activation", "normalization", "scale"):
        return name
    if isinstance(layer, known.Dropout | known.Noise):
        strength = layer.rate if isinstance(layer, known.Dropout) else layer.std
        return f"{name} {strength:g}" if isinstance(strength, float | int) else name
    return f"{name}, {_format_shape(before)} → {_format_shape(after)}"


def _format_shape(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "1"


def _equations(
    layer: Layer, kind: str, number: int | None, x: str, y: str
) -> tuple[Equation, tuple[Equation, ...]]:
    """Return the forward equation and the backward equations."""
    if kind == "dense" and number is not None:
        return dense_terms.write_equations(
            layer, x, y, subscript("W", number), subscript("b", number)
        )
    if isinstance(layer, known.ReLU) and x:
        return make_equation(f"{y} = ReLU({x})", 2), (make_equation(f"d{x} = d{y} ⊙ ({x} > 0)", 7),)
    if kind == "dropout" and x:
        return make_equation(f"{y} is unchanged"), (make_equation(f"d{x} is unchanged"),)
    ahead, *back = _docstring_equations(layer)
    return make_equation(ahead), tuple(make_equation(text) for text in back)


def _docstring_equations(layer: Layer) -> tuple[str, ...]:
    """Extract the equations from a layer's docstring: forward, then backward."""
    paragraphs = (inspect.getdoc(type(layer)) or type(layer).__name__).split("\n\n")
    first = " ".join(paragraphs[0].split()).rstrip(".")
    ahead, _, back = first.partition("; dx = ")
    if back:
        return ahead, "dx = " + back.partition(". ")[0]
    ahead = first.partition("; ")[0].partition(" x: (")[0].rstrip(",. ")
    for text in paragraphs[1:]:
        line = " ".join(text.split()).rstrip(".")
        if line.startswith("d") and " = " in line:
            return ahead, line
    return (ahead,)


def find_layer(network: Network, layer: int | str) -> LayerInfo:
    """Return a layer by the number l of its W_l, or by its index path.

    Raises
    ------
    UserError
        If there is no such layer.

    Examples
    --------
    >>> from graduel.nn import Dense, Network, ReLU
    >>> net = Network((Dense(16), ReLU(), Dense(3)), (4,))
    >>> find_layer(net, 2).path, find_layer(net, "1").title
    ('2', 'ReLU')
    """
    layers = list_layers(network)
    for place in layers:
        if layer == (place.number if isinstance(layer, int) else place.path):
            return place
    if isinstance(layer, int):
        last = max((place.number or 0 for place in layers), default=0)
        raise UserError(f"layer must be from 1 to {last} (layers with weights); got {layer}")
    listed = ", ".join(place.path for place in layers)
    raise UserError(f"layer must be one of the index paths {listed}; got '{layer}'")


def check_unit(place: LayerInfo, unit: int) -> int:
    """Validate a unit, a flat index into the layer's output.

    Raises
    ------
    UserError
        If there is no such unit.
    """
    size = int(np.prod(place.shape_out))
    if not 0 <= unit < size:
        raise UserError(f"unit must be from 0 to {size - 1} in {place.title}; got {unit}")
    return int(unit)


def as_batch(network: Network, x: Any) -> Array:
    """Return one example as a batch of one, a new array in the network's dtype.

    Raises
    ------
    UserError
        If its size differs from the network's input.
    """
    with np.errstate(over="ignore"):  # numbers too large for float32 become infinite
        row = np.array(x, network.dtype)
    if row.size != int(np.prod(network.input_shape)):
        raise UserError(
            f"the network takes {_format_shape(network.input_shape)} numbers an example; "
            f"got an array of shape {row.shape}"
        )
    return row.reshape(1, *network.input_shape)


def get_parameters(network: Network, weights: Weights, path: str) -> dict[str, Array]:
    """Return a layer's parameters by name, as views of the weights.

    >>> from graduel.nn import Dense
    >>> net = Network((Dense(2),), (3,))
    >>> get_parameters(net, net.init(np.random.default_rng(0)), "0")["W"].shape
    (3, 2)
    """
    return {
        name: entry.view(weights.theta)
        for entry in network.layout.entries
        for prefix, _, name in [entry.name.rpartition(".")]
        if prefix == path
    }


def takes_example(network: Network, place: LayerInfo) -> bool:
    """Return whether a layer's input is the example itself, in the same order."""
    if "." in place.path:
        return False
    before = network.nodes[: int(place.path)]
    return all(get_kind(node.layer) in ("shape", "dropout") for node in before)


def find_next_weighted(network: Network, place: LayerInfo) -> LayerInfo | None:
    """Return the next dense layer or convolution after a layer, or None."""
    row = [info for info in list_layers(network) if "." not in info.path]
    return next((p for p in row if int(p.path) > int(place.path) and p.number), None)
