"""A network to export, with validated weights and classes."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graduel.data.prepare.target_scale import TargetScale
from graduel.errors import UserError
from graduel.nn import (
    AbsoluteError,
    BinaryCrossEntropy,
    EnsembleMean,
    Huber,
    Network,
    Poisson,
    Scope,
    SoftmaxCrossEntropy,
    SquaredError,
    Weights,
)
from graduel.nn.layers.windows import Pair, pair
from graduel.nn.tree import Node

Array = NDArray[Any]
Shape = tuple[int, ...]

LINKS: Mapping[type, str] = {
    SoftmaxCrossEntropy: "softmax",
    BinaryCrossEntropy: "sigmoid",
    SquaredError: "identity",
    AbsoluteError: "identity",
    Huber: "identity",
    Poisson: "exp",
}
"""The link of each loss: the function from raw predictions to outputs."""


@dataclass(frozen=True, slots=True)
class ExportLayer:
    """A layer with its index path, input and output shape, and arrays."""

    name: str
    layer: Any
    shape: Shape
    out: Shape
    arrays: Mapping[str, Array]
    """Parameters and state by their names, such as W and b."""
    kids: tuple[ExportLayer, ...]


class Window(NamedTuple):
    """A convolution or pooling window: size and stride as (down, across), and zero padding."""

    size: Pair
    stride: Pair
    padding: tuple[Pair, Pair]
    """(above, below) and (left, right)."""

    @classmethod
    def of(cls, node: ExportLayer) -> Window:
        """Return the window of a layer; the padding follows from its shapes."""
        size = _plain_pair("size", node.layer.size)
        stride = size if node.layer.stride is None else _plain_pair("stride", node.layer.stride)
        down, across = (
            int(max(0, (node.out[axis] - 1) * stride[axis] + size[axis] - node.shape[axis]))
            for axis in (0, 1)
        )
        padding = (down // 2, down - down // 2), (across // 2, across - across // 2)
        return cls(size, stride, padding)


def _plain_pair(name: str, value: int | Pair) -> Pair:
    """Return a pair of Python integers, since their repr goes into generated code."""
    down, across = pair(name, value)
    return int(down), int(across)


@dataclass(frozen=True, slots=True)
class ExportGraph:
    """A network to export, layer by layer."""

    network: Network
    nodes: tuple[ExportLayer, ...]
    scale: float
    classes: tuple[int, ...] | tuple[str, ...] | None
    link: str
    """'softmax', 'sigmoid', 'exp' or 'identity'."""
    is_ensemble: bool = False
    """Whether the output is the mean over the members, the first axis of raw predictions."""
    normalizes: bool = False
    """Whether outputs become probabilities: at least 0, and each row's sum is 1."""
    target: TargetScale | None = None
    """The scale of a numeric target, by which outputs become its numbers in float64."""

    @property
    def has_probabilities(self) -> bool:
        """Whether the outputs are probabilities."""
        return self.normalizes or self.link in ("softmax", "sigmoid")

    @property
    def has_one_class(self) -> bool:
        """Whether a row has one class, the most probable: not a yes or no for each output."""
        return self.normalizes or self.link == "softmax" or self.is_pair

    @property
    def is_pair(self) -> bool:
        """Whether the only output is the probability of the second of two classes."""
        return self.classes is not None and len(self.classes) > self.network.prediction_shape[0]

    @property
    def out(self) -> Shape:
        """The output shape of one example."""
        return (2,) if self.is_pair else self.network.prediction_shape

    @classmethod
    def of(
        cls,
        network: Network,
        weights: Weights,
        scale: float,
        classes: Sequence[Any] | Array | None,
        exporters: Container[type],
        *,
        normalizes: bool = False,
        target: TargetScale | None = None,
    ) -> ExportGraph:
        """Validate the arguments; `exporters` holds the layer classes that can be exported.

        A softmax needs no normalization, so that `normalizes` has no effect with it.

        Raises
        ------
        UserError
            If weights do not match the network, if a layer or the loss is a custom class, if
            `scale` is not a finite number, or if the classes do not match the outputs.
        """
        try:
            scopes = network.workspace(weights, gradient=False).scopes
        except ValueError as error:
            raise UserError(f"cannot export the network: {error}") from None
        if {weights.theta.dtype, weights.state.dtype} != {np.dtype(network.dtype)}:
            raise UserError(
                f"theta and state must be {network.dtype}, the network's dtype; got theta "
                f"{weights.theta.dtype}, state {weights.state.dtype}"
            )
        is_number = isinstance(scale, int | float | np.integer | np.floating)
        if isinstance(scale, bool) or not (is_number and isfinite(scale)):
            raise UserError(f"scale must be a finite number, the factor for X; got {scale!r}")
        is_ensemble = type(network.loss) is EnsembleMean
        loss = getattr(network.loss, "loss", None) if is_ensemble else network.loss
        link = LINKS.get(type(loss))
        if link is None:
            raise UserError(
                "only networks with a loss of graduel.nn can be exported; got the loss "
                f"{type(loss).__name__}. Build the network with a loss of graduel.nn that has the "
                "same link, and use the same weights"
            )
        if is_ensemble and len(network.output_shape) < 2:
            raise UserError(
                "EnsembleMean expects raw predictions of shape (n, members, outputs); got a "
                f"network with outputs of shape {network.output_shape}. End it with EnsembleOutput"
            )
        nodes = _collect_layers(network.nodes, scopes, network.input_shape, exporters)
        normalizes = normalizes and link != "softmax"
        labels = _check_classes(network, link, classes, normalizes=normalizes)
        return cls(network, nodes, float(scale), labels, link, is_ensemble, normalizes, target)


def to_list(name: str, values: Any) -> list[Any]:
    """Return a list, array or DataFrame column as a list; raise `UserError` for other values."""
    try:
        if isinstance(values, str):
            raise TypeError
        return list(values.tolist() if hasattr(values, "tolist") else values)
    except TypeError:
        raise UserError(f"{name} must be a list; got {values!r}") from None


def _collect_layers(
    nodes: Sequence[Node], scopes: Sequence[Scope], shape: Shape, exporters: Container[type]
) -> tuple[ExportLayer, ...]:
    """Return the layers with their arrays, including child layers."""
    exported = []
    for node, scope in zip(nodes, scopes, strict=True):
        # A subclass can compute something else, so that only exact classes are exported.
        if type(node.layer) not in exporters:
            raise UserError(
                f"only layers of graduel.nn can be exported; layer {node.name} is of the class "
                f"{type(node.layer).__name__}. Replace it by layers of graduel.nn"
            )
        arrays = {**vars(scope.p), **vars(scope.s)}
        kids = _collect_layers(node.kids, scope.kids, shape, exporters)
        exported.append(ExportLayer(node.name, node.layer, shape, node.plan.out, arrays, kids))
        shape = node.plan.out
    return tuple(exported)


def _check_classes(
    network: Network, link: str, classes: Sequence[Any] | Array | None, *, normalizes: bool
) -> tuple[int, ...] | tuple[str, ...] | None:
    """Return the classes as Python ints or strings; raise `UserError` if they are invalid."""
    if classes is None:
        return None
    labels = to_list("classes", classes)
    is_classifier = normalizes or link in ("softmax", "sigmoid")
    if not is_classifier or len(network.prediction_shape) != 1:
        raise UserError(
            "classes require SoftmaxCrossEntropy or BinaryCrossEntropy with a vector of outputs; "
            f"got {type(network.loss).__name__} with outputs of shape {network.prediction_shape}. "
            "Leave classes out"
        )
    k = network.prediction_shape[0]
    is_pair = (link, k, len(labels)) == ("sigmoid", 1, 2) and not normalizes
    if len(labels) != k and not is_pair:
        raise UserError(
            f"classes must be {k} labels, one for each output"
            + (", or 2 labels for one output" if (link, k) == ("sigmoid", 1) else "")
            + f"; got {len(labels)}"
        )
    ints = all(isinstance(c, int | np.integer) and not isinstance(c, bool) for c in labels)
    if not ints and not all(isinstance(c, str) for c in labels):
        kinds = ", ".join(sorted({type(c).__name__ for c in labels}))
        raise UserError(
            f"classes must be all integers or all text; got {kinds}. "
            "Convert them with [str(c) for c in classes]"
        )
    if ints and not all(-(2**63) <= c < 2**63 for c in labels):
        raise UserError(f"classes must fit into 64 bits; got {labels}")
    if not ints and any("\ud800" <= c <= "\udfff" for label in labels for c in label):
        raise UserError(f"classes must be text that can be encoded as UTF-8; got {labels}")
    if len(set(labels)) != len(labels):
        raise UserError(f"classes must be distinct; got {labels}")
    return tuple(int(c) for c in labels) if ints else tuple(str(c) for c in labels)
