"""The residual block: layers with a skip connection."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graduel.nn.layers.layer import (
    Array,
    Layer,
    Plan,
    Shape,
    backward_through,
    calibrate_through,
    chain,
    forward_through,
)
from graduel.nn.part import Composite, Flags
from graduel.nn.workspace import Call, Scope


@dataclass(frozen=True, slots=True)
class Residual(Composite):
    """y = x + f(x), with f a sequence of layers that keeps the shape.

    dx = dy + (dy propagated back through f).

    Source: He et al., *Deep Residual Learning*, 2016.

    Parameters
    ----------
    layers : the layers of f, first to last

    Raises
    ------
    ValueError
        If f changes the shape.

    Examples
    --------
    >>> from graduel.nn import Dense, ReLU
    >>> Residual((Dense(64), ReLU(), Dense(16))).plan((16,)).out
    (16,)
    """

    layers: tuple[Layer, ...]

    @property
    def inner(self) -> tuple[Flags, ...]:
        """The layers of f."""
        return self.layers

    def plan(self, shape: Shape) -> Plan:
        """Plan the layers in order."""
        children, out = chain(self.layers, shape)
        if out != shape:
            raise ValueError(
                f"Residual expects layers with output shape {shape}, as its input; got {out}. "
                f"End with a layer of {shape[-1]} units"
            )
        return Plan(shape, children=children)

    def calibrate(self, x: Array, w: Scope, call: Call) -> None:
        """Calibrate each layer on its input."""
        calibrate_through(self.layers, w.kids, x, call)

    def forward(self, x: Array, w: Scope, call: Call) -> Array:
        """Return x + f(x)."""
        f = forward_through(self.layers, w.kids, x, call)
        return np.add(x, f, out=w.buf("y", x.shape, x.dtype))

    def backward(self, dy: Array, w: Scope, call: Call, *, need_dx: bool = True) -> Array | None:
        """Return dy + (dy propagated back through f)."""
        around = w.buf("around", dy.shape, dy.dtype)
        np.copyto(around, dy)  # the layers may overwrite dy
        dx = backward_through(self.layers, w.kids, dy, call, need_dx=need_dx)
        return None if dx is None else np.add(around, dx, out=around)
