"""The layer interface: a frozen configuration with ``plan``, ``forward`` and ``backward``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from numpy.typing import NDArray

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
        pairs.append((layer, shape))
        try:
            shape = layer.plan(shape).out
        except ValueError as error:
            raise ValueError(f"layer {i} ({type(layer).__name__}): {error}") from None
    return tuple(pairs), shape


def forward_through(
    layers: Sequence[Layer], scopes: Sequence[Scope], x: Array, call: Call
) -> Array:
    """Return the output of `layers`, applied in order to `x`.

    A layer with ``multiply`` before one with ``after_bias`` (Dense, ReLU) makes one pass over its
    output instead of two, and so does one with ``product`` before one that takes it. A watched call
    sees every layer's own output.
    """
    steps = iter(range(len(layers)))
    for i in steps:
        if call.watch is None and makes_one_pass(layers, i):
            y = layers[i].multiply(x, scopes[i])  # type: ignore[attr-defined]
            x = layers[i + 1].after_bias(y, scopes[i].p.b, scopes[i + 1])  # type: ignore[attr-defined]
            next(steps)
            continue
        if call.watch is None and takes_product(layers, i):
            z = layers[i].product(x, scopes[i])  # type: ignore[attr-defined]
            affine = layers[i].affine(scopes[i])  # type: ignore[attr-defined]
            x = layers[i + 1].after_product(z, affine, scopes[i + 1])  # type: ignore[attr-defined]
            next(steps)
            continue
        x = layers[i].forward(x, scopes[i], call)
        if call.watch is not None:
            call.watch(scopes[i].name, "forward", x)
    return x


def makes_one_pass(layers: Sequence[Layer], i: int) -> bool:
    """Return whether layer `i` and the next one have a pass in common."""
    return (
        i + 1 < len(layers)
        and hasattr(layers[i], "multiply")
        and hasattr(layers[i + 1], "after_bias")
    )


def takes_product(layers: Sequence[Layer], i: int) -> bool:
    """Return whether layer `i` leaves scaling and bias to the pass of the next one.

    It then has ``product``, its matrix product alone, ``affine``, the factor, s and b of
    factor · s ⊙ z + b, ``affine_gradient``, where db and ds go, and ``product_back``.
    """
    return (
        i + 1 < len(layers)
        and hasattr(layers[i], "product")
        and getattr(layers[i + 1], "takes_product", False)
    )


def backward_through(
    layers: Sequence[Layer], scopes: Sequence[Scope], dy: Array, call: Call, *, need_dx: bool
) -> Array | None:
    """Propagate `dy` back through layers, last to first, as far as a gradient is needed."""
    last = 0 if need_dx else next((i for i, s in enumerate(scopes) if s.has_params), len(layers))
    dx: Array | None = dy
    steps = iter(range(len(layers) - 1, last - 1, -1))
    for i in steps:
        assert dx is not None
        if call.watch is None and i > last and makes_one_pass(layers, i - 1):
            dense, w = layers[i - 1], scopes[i - 1]
            dx = layers[i].before_bias(dx, w.g.b, scopes[i])  # type: ignore[attr-defined]
            dx = dense.multiply_back(dx, w, need_dx=need_dx or i - 1 > last)  # type: ignore[attr-defined]
            next(steps)
            continue
        if call.watch is None and i > last and takes_product(layers, i - 1):
            dense, w = layers[i - 1], scopes[i - 1]
            affine, gradients = dense.affine(w), dense.affine_gradient(w)  # type: ignore[attr-defined]
            dx = layers[i].before_product(dx, affine, gradients, scopes[i])  # type: ignore[attr-defined]
            dx = dense.product_back(dx, w, need_dx=need_dx or i - 1 > last)  # type: ignore[attr-defined]
            next(steps)
            continue
        dx = layers[i].backward(dx, scopes[i], call, need_dx=need_dx or i > last)
        if call.watch is not None and dx is not None:
            call.watch(scopes[i].name, "backward", dx)
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
