"""Layers that change only the shape of examples, as views."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from graduel.nn.layers.layer import Array, Plan, Shape
from graduel.nn.part import Part
from graduel.nn.workspace import Call, Scope


@dataclass(frozen=True, slots=True)
class Flatten(Part):
    """y = x, flattened to one axis per example.   x: (n, h, w, c)   y: (n, h · w · c).

    >>> Flatten().plan((7, 7, 64)).out
    (3136,)
    """

    def plan(self, shape: Shape) -> Plan:
        """Plan one axis with all elements of an example."""
        return Plan((prod(shape),))

    def forward(self, x: Array, w: Scope, call: Call) -> Array:
        """Return a view of x."""
        w.saved = x.shape
        return x.reshape(len(x), prod(x.shape[1:]))

    def backward(self, dy: Array, w: Scope, call: Call, *, need_dx: bool = True) -> Array | None:
        """Return dy with the shape of x."""
        return dy.reshape(w.saved) if need_dx else None


@dataclass(frozen=True, slots=True)
class Reshape(Part):
    """y = x with another shape of each example, in the same element order (channels last).

    Before a convolution, it turns rows of pixels into images.

    Parameters
    ----------
    shape : the new shape of one example, such as (28, 28, 1)

    Raises
    ------
    ValueError
        If the number of elements differs.

    Examples
    --------
    >>> Reshape((28, 28, 1)).plan((784,)).out
    (28, 28, 1)
    """

    shape: Shape

    def __post_init__(self) -> None:
        if not self.shape or min(self.shape) < 1:
            raise ValueError(
                f"shape must have positive sizes, such as (28, 28, 1); got {self.shape}"
            )

    def plan(self, shape: Shape) -> Plan:
        """Plan the new shape; raise `ValueError` if the number of elements differs."""
        if prod(shape) != prod(self.shape):
            raise ValueError(
                f"Reshape to {self.shape} expects {prod(self.shape)} values per example; got shape "
                f"{shape} with {prod(shape)}"
            )
        return Plan(tuple(self.shape))

    def forward(self, x: Array, w: Scope, call: Call) -> Array:
        """Return a view of x."""
        w.saved = x.shape
        return x.reshape(len(x), *self.shape)

    def backward(self, dy: Array, w: Scope, call: Call, *, need_dx: bool = True) -> Array | None:
        """Return dy with the shape of x."""
        return dy.reshape(w.saved) if need_dx else None
