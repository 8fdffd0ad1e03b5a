"""Activations: element by element, without parameters. Derivatives come from *outputs*."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from graduel.nn.layers.base import Array, Plan, Shape
from graduel.nn.workspace import Call, Scope


@dataclass(frozen=True, slots=True)
class ReLU:
    """y = max(0, x);   dx = dy where y > 0, else 0.

    Source: Nair and Hinton, *Rectified Linear Units*, 2010. At x = 0 the derivative is taken
    as 0, as in the equations.

    >>> ReLU().plan((128,)).out
    (128,)
    """

    row_wise: ClassVar[bool] = True
    deterministic: ClassVar[bool] = True
    smooth: ClassVar[bool] = False

    def plan(self, shape: Shape) -> Plan:
        """Keep the shape."""
        return Plan(shape)

    def forward(self, x: Array, w: Scope, call: Call) -> Array:
        """Return max(0, x)."""
        w.kept = y = np.maximum(x, 0, out=w.buf("y", x.shape, x.dtype))
        return y

    def backward(self, dy: Array, w: Scope, call: Call, *, need_dx: bool = True) -> Array | None:
        """Let the gradient through where the output is positive."""
        if not need_dx:
            return None
        gate = np.greater(w.kept, 0, out=w.buf("gate", dy.shape, np.bool_))
        return np.multiply(dy, gate, out=dy)


@dataclass(frozen=True, slots=True)
class Tanh:
    """y = tanh(x);   dx = dy (1 − y²).

    >>> Tanh().plan((128,)).out
    (128,)
    """

    row_wise: ClassVar[bool] = True
    deterministic: ClassVar[bool] = True
    smooth: ClassVar[bool] = True

    def plan(self, shape: Shape) -> Plan:
        """Keep the shape."""
        return Plan(shape)

    def forward(self, x: Array, w: Scope, call: Call) -> Array:
        """Return tanh(x)."""
        w.kept = y = np.tanh(x, out=w.buf("y", x.shape, x.dtype))
        return y

    def backward(self, dy: Array, w: Scope, call: Call, *, need_dx: bool = True) -> Array | None:
        """Return dy (1 − y²)."""
        if not need_dx:
            return None
        slope = np.square(w.kept, out=w.buf("slope", dy.shape, dy.dtype))
        np.subtract(1, slope, out=slope)
        return np.multiply(dy, slope, out=dy)
