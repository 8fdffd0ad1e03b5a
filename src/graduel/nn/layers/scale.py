"""A trained factor for each feature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graduel.nn.initializers import Constant, Initializer
from graduel.nn.layers.layer import Array, Plan, Shape, Spec, features
from graduel.nn.part import Part
from graduel.nn.workspace import Call, Scope


@dataclass(frozen=True, slots=True)
class Scale(Part):
    """y = s x.   x: (n, …, c)   s: (c,).

    ds = Σ dy x over all axes but the last,   dx = s dy.

    Parameters
    ----------
    init : initializer of s (role "scale")

    Raises
    ------
    ValueError
        If examples have no axis of features.

    Examples
    --------
    >>> Scale().plan((28, 28, 8)).params["s"].shape
    (8,)
    """

    init: Initializer = Constant(1.0)

    def plan(self, shape: Shape) -> Plan:
        """Plan s."""
        return Plan(shape, {"s": Spec(features(shape, "Scale"), self.init, "scale")})

    def forward(self, x: Array, w: Scope, call: Call) -> Array:
        """Return s x."""
        w.saved = x
        return np.multiply(x, w.p.s, out=w.buf("y", x.shape, x.dtype))

    def backward(self, dy: Array, w: Scope, call: Call, *, need_dx: bool = True) -> Array | None:
        """Assign ds = Σ dy x; return dx = s dy."""
        product = np.multiply(dy, w.saved, out=w.buf("product", dy.shape, dy.dtype))
        np.sum(product, axis=tuple(range(dy.ndim - 1)), out=w.g.s)
        return np.multiply(dy, w.p.s, out=dy) if need_dx else None
