"""The layer interface: a frozen configuration with ``plan``, ``forward`` and ``backward``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from numpy.typing import NDArray

from graduel.nn.arguments import check_part
from graduel.nn.initializers import Initializer, Zeros
from graduel.nn.part import Flags
from graduel.nn.workspace import Call, Scope

Array = NDArray[Any]
Shape = tuple[int, ...]


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


def find_joins(layers: Sequence[Layer]) -> tuple[str, ...]:
    """Return for each layer how it makes one pass with the next one: "", "bias" or "product".

    - "bias": a layer with ``multiply``, its matrix product alone, leaves adding b to one with
      ``after_bias`` and ``before_bias`` (Dense, ReLU).
    - "product": a layer with ``product``, its matrix product alone, ``affine``, the factor, s and b
      of factor · s ⊙ z + b, ``affine_gradient``, the views of db and ds, and ``product_back``
      leaves these to one with ``takes_product`` (NTKDense, a parametric ELU).
    """
    joins = []
    for i, layer in enumerate(layers):
        following = layers[i + 1] if i + 1 < len(layers) else None
        if hasattr(layer, "multiply") and hasattr(following, "after_bias"):
            joins.append("bias")
        elif hasattr(layer, "product") and getattr(following, "takes_product", False):
            joins.append("product")
        else:
            joins.append("")
    return tuple(joins)


def forward_through(
    layers: Sequence[Layer],
    scopes: Sequence[Scope],
    x: Array,
    call: Call,
    joins: Sequence[str] | None = None,
) -> Array:
    """Return the output of `layers`, applied in order to `x`.

    Layers with a join (:func:`find_joins`) make one pass over their output instead of two. A
    watched call sees every layer's own output.
    """
    if joins is None:
        joins = find_joins(layers)
    i, n = 0, len(layers)
    while i < n:
        layer, w = layers[i], scopes[i]
        if call.watch is not None:
            x = layer.forward(x, w, call)
            call.watch(w.name, "forward", x)
        elif not joins[i]:
            x = layer.forward(x, w, call)
        else:
            i += 1
            if joins[i - 1] == "bias":
                y = layer.multiply(x, w)  # type: ignore[attr-defined]
                x = layers[i].after_bias(y, w.p.b, scopes[i])  # type: ignore[attr-defined]
            else:
                z = layer.product(x, w)  # type: ignore[attr-defined]
                x = layers[i].after_product(z, layer.affine(w), scopes[i])  # type: ignore[attr-defined]
        i += 1
    return x


def backward_through(
    layers: Sequence[Layer],
    scopes: Sequence[Scope],
    dy: Array,
    call: Call,
    *,
    need_dx: bool,
    joins: Sequence[str] | None = None,
) -> Array | None:
    """Propagate `dy` back through layers, last to first, as far as a gradient is needed."""
    if joins is None:
        joins = find_joins(layers)
    last = 0 if need_dx else next((i for i, s in enumerate(scopes) if s.has_params), len(layers))
    dx: Array | None = dy
    i = len(layers) - 1
    while i >= last:
        assert dx is not None
        join = joins[i - 1] if i > last and call.watch is None else ""
        if not join:
            dx = layers[i].backward(dx, scopes[i], call, need_dx=need_dx or i > last)
            if call.watch is not None and dx is not None:
                call.watch(scopes[i].name, "backward", dx)
        else:
            after, inner = layers[i], scopes[i]
            i -= 1
            dense, w, more = layers[i], scopes[i], need_dx or i > last
            if join == "bias":
                dx = after.before_bias(dx, w.g.b, inner)  # type: ignore[attr-defined]
                dx = dense.multiply_back(dx, w, need_dx=more)  # type: ignore[attr-defined]
            else:
                affine, gradients = dense.affine(w), dense.affine_gradient(w)  # type: ignore[attr-defined]
                dx = after.before_product(dx, affine, gradients, inner)  # type: ignore[attr-defined]
                dx = dense.product_back(dx, w, need_dx=more)  # type: ignore[attr-defined]
        i -= 1
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
