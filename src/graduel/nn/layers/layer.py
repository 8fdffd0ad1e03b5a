"""The layer interface: a frozen configuration with ``plan``, ``forward`` and ``backward``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from numpy.typing import NDArray

from graduel import kernels
from graduel.nn.arguments import check_part
from graduel.nn.initializers import Initializer, Zeros
from graduel.nn.part import Flags
from graduel.nn.workspace import Call, Scope

Array = NDArray[Any]
Shape = tuple[int, ...]
AffineMap = tuple[float, Array | None, Array]
"""factor, s and b of a map factor · s ⊙ z + b; s is None for 1."""
AffineGradient = tuple[Array, Array | None]
"""Where the gradients of b and s go."""
Group = tuple[int, int, int]
Joins = tuple[tuple[Group, ...], tuple[Group, ...]]
"""The layers that make one pass together, in prediction and in training (:func:`find_joins`)."""


@dataclass(frozen=True, slots=True)
class Spec:
    """The shape, initializer and role in θ of an array that a layer needs."""

    shape: Shape
    init: Initializer = Zeros()
    role: str = "weight"


@dataclass(frozen=True, slots=True)
class Plan:
    """The shapes of a layer's output and arrays, known before any array is allocated.

    Shapes omit the first axis, the examples.
    """

    out: Shape
    params: Mapping[str, Spec] = field(default_factory=dict)
    state: Mapping[str, Spec] = field(default_factory=dict)
    children: tuple[tuple[Layer, Shape], ...] = ()
    """Child layers, each with its input shape."""
    macs: int = 0
    """Multiply–adds of one example's forward pass, without children."""


class Layer(Flags, Protocol):
    """One step of the forward and backward passes; a frozen dataclass.

    Arrays are passed in through `w`, the scope of its position in the network, so the same object
    may occur twice in a network and serve several threads.

    A layer may also have ``calibrate(x, w, call)``, which sets its parameters from the first
    inputs.
    """

    def plan(self, shape: Shape) -> Plan:
        """Validate the input shape; return the output shape and the arrays needed."""
        ...

    def forward(self, x: Array, w: Scope, call: Call) -> Array:
        """Return the output, in a buffer of `w`; do not change `x`."""
        ...

    def backward(self, dy: Array, w: Scope, call: Call, *, need_dx: bool = True) -> Array | None:
        """Assign each gradient in ``w.g`` once and return dx; `dy` may be overwritten."""
        ...


def features(shape: Shape, layer: str) -> Shape:
    """Return the shape of the last axis: features, or channels of an image."""
    if not shape:
        raise ValueError(
            f"{layer} expects examples with features on the last axis, input shape (…, n); got (). "
            "Put Reshape((1,)) before it"
        )
    return shape[-1:]


def chain(layers: Sequence[Layer], shape: Shape) -> tuple[tuple[tuple[Layer, Shape], ...], Shape]:
    """Return each layer with its input shape, and the output shape."""
    pairs = []
    for i, layer in enumerate(layers):
        check_part(layer, f"layer {i}", "plan")
        pairs.append((layer, shape))
        try:
            shape = layer.plan(shape).out
        except ValueError as error:
            raise ValueError(f"layer {i} ({type(layer).__name__}): {error}") from None
    return tuple(pairs), shape


def find_joins(layers: Sequence[Layer]) -> Joins:
    """Return which layers make one pass together, in prediction and in training.

    Each group is (first, fold, last), the indices of its layers; a layer alone is (i, 0, i).

    - `first` computes z = ``product(x, w, call)`` alone. Its output is factor · s ⊙ z + b, with
      ``affine(w)`` → (factor, s or None, b), vectors along a line of the last axes of z. Backward,
      ``affine_gradient(w)`` returns the arrays for the gradients of b and s, and
      ``product_back(dz, w, need_dx=…)`` continues.
    - `last`, a layer with ``takes_product``, applies this map on its own pass:
      ``after_product(z, affine, w)``. Backward, ``before_product(dy, affine, gradients, w)``
      assigns the gradients and returns dz = factor · s ⊙ dx.
    - `fold`, in prediction, is a layer that is itself such a map of its input: ``fold(affine, w)``
      returns both maps as one; ``folded(w)`` and ``unfold(affine, gradients, w)`` are for the way
      back. 0 if there is none.
    """
    return _find_groups(layers, folds=True), _find_groups(layers, folds=False)


def _choose_groups(layers: Sequence[Layer], call: Call, joins: Joins | None) -> Sequence[Group]:
    """Return the groups of this call.

    Folded maps round differently, so NumPy's kernels, the reference, have none: with them, layers
    give the same bits together and one by one.
    """
    if call.watch is not None:
        return [(i, 0, i) for i in range(len(layers))]
    if joins is None:
        return _find_groups(layers, folds=not call.train and kernels.name() != "numpy")
    folded, plain = joins
    return plain if call.train or folded == plain or kernels.name() == "numpy" else folded


def _find_groups(layers: Sequence[Layer], *, folds: bool) -> tuple[Group, ...]:
    groups: list[Group] = []
    first, n = 0, len(layers)
    while first < n:
        fold, last = 0, first
        if hasattr(layers[first], "product"):
            if folds and last + 1 < n and hasattr(layers[last + 1], "fold"):
                fold = last = last + 1
            if last + 1 < n and getattr(layers[last + 1], "takes_product", False):
                last += 1
        groups.append((first, fold, last))
        first = last + 1
    return tuple(groups)


def forward_through(
    layers: Sequence[Any],
    scopes: Sequence[Scope],
    x: Array,
    call: Call,
    joins: Joins | None = None,
) -> Array:
    """Return the output of `layers`, applied in order to `x`.

    Layers with a join (:func:`find_joins`) make one pass over their output instead of several. A
    watched call sees every layer's own output.
    """
    for first, fold, last in _choose_groups(layers, call, joins):
        layer, w = layers[first], scopes[first]
        if last == first:
            x = layer.forward(x, w, call)
            if call.watch is not None:
                call.watch(w.name, "forward", x)
            continue
        z, affine = layer.product(x, w, call), layer.affine(w)
        if fold:
            affine = layers[fold].fold(affine, scopes[fold])
        x = layers[last].after_product(z, affine, scopes[last])
    return x


def backward_through(
    layers: Sequence[Any],
    scopes: Sequence[Scope],
    dy: Array,
    call: Call,
    *,
    need_dx: bool,
    joins: Joins | None = None,
) -> Array | None:
    """Propagate `dy` back through layers, last to first, as far as a gradient is needed.

    `call` must be like that of the forward pass: layers keep what their way back needs.
    """
    until = 0 if need_dx else next((i for i, s in enumerate(scopes) if s.has_params), len(layers))
    dx: Array | None = dy
    for first, fold, last in reversed(_choose_groups(layers, call, joins)):
        if last < until:
            break
        layer, w, more = layers[first], scopes[first], need_dx or first > until
        if last == first:
            dx = layer.backward(dx, w, call, need_dx=more)
            if call.watch is not None and dx is not None:
                call.watch(w.name, "backward", dx)
            continue
        affine, gradients = layer.affine(w), layer.affine_gradient(w)
        if not fold:
            dz = layers[last].before_product(dx, affine, gradients, scopes[last])
        else:
            dz = layers[last].before_product(dx, *layers[fold].folded(scopes[fold]), scopes[last])
            layers[fold].unfold(affine, gradients, scopes[fold])
        dx = layer.product_back(dz, w, need_dx=more)
    return dx if need_dx else None


def calibrate_through(
    layers: Sequence[Layer], scopes: Sequence[Scope], x: Array, call: Call
) -> Array:
    """Call ``calibrate`` of each layer that has it, on its input; return the output."""
    for layer, scope in zip(layers, scopes, strict=True):
        calibrate = getattr(layer, "calibrate", None)
        if calibrate is not None:
            calibrate(x, scope, call)
        x = layer.forward(x, scope, call)
    return x
