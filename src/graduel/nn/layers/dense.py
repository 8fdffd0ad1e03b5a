"""The fully connected layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from graduel import kernels
from graduel.nn.initializers import HeNormal, Initializer
from graduel.nn.layers.layer import AffineGradient, AffineMap, Array, Plan, Shape, Spec
from graduel.nn.part import Part, check_size
from graduel.nn.workspace import Call, Scope


class Affine(Part):
    """The base of dense layers, with W of shape (i, o) and b of shape (o,)."""

    __slots__ = ()

    fewest: ClassVar[int] = 0
    """The minimum number of inputs."""
    units: int
    init: Initializer

    def __post_init__(self) -> None:
        check_size("units", self.units)

    def plan(self, shape: Shape) -> Plan:
        """Plan W and b."""
        if len(shape) != 1 or shape[0] < self.fewest:
            raise ValueError(
                f"{type(self).__name__} expects input shape (n_in,); got {shape}. "
                "Put Flatten() before it"
            )
        W = Spec((shape[0], self.units), self.init, "weight")
        return Plan(
            (self.units,),
            {"W": W, "b": Spec((self.units,), role="bias")},
            macs=W.shape[0] * self.units,
        )

    def product(self, x: Array, w: Scope, call: Call) -> Array:
        """Return x W, which the layer that follows may scale and shift on its own pass."""
        w.saved = x
        return np.matmul(x, w.p.W, out=w.buf("y", (len(x), self.units), x.dtype))

    def affine_gradient(self, w: Scope) -> AffineGradient:
        """Return the view of db, and None for ds."""
        return w.g.b, None

    def product_back(self, dz: Array, w: Scope, *, need_dx: bool) -> Array | None:
        """Assign dW = xᵀ dz; return dx = dz Wᵀ."""
        x = w.saved
        np.matmul(x.T, dz, out=w.g.W)
        if not need_dx:
            return None
        return np.matmul(dz, w.p.W.T, out=w.buf("dx", x.shape, x.dtype))


@dataclass(frozen=True, slots=True)
class Dense(Affine):
    """y = x W + b.   x: (n, i)   W: (i, o)   b: (o,).

    dW = xᵀ dy,   db = Σₙ dy,   dx = dy Wᵀ.

    Parameters
    ----------
    units : o, the number of outputs
    init : initializer of W; b starts at 0

    Raises
    ------
    ValueError
        If `units` is not positive, or the input does not have shape (n, i).

    Examples
    --------
    >>> Dense(10).plan((784,)).out
    (10,)
    """

    units: int
    init: Initializer = HeNormal()

    def forward(self, x: Array, w: Scope, call: Call) -> Array:
        """Return x W + b."""
        y = self.product(x, w, call)
        kernels.add_bias(y, w.p.b)
        return y

    def affine(self, w: Scope) -> AffineMap:
        """Return the factor 1, no s, and b."""
        return 1.0, None, w.p.b

    def backward(self, dy: Array, w: Scope, call: Call, *, need_dx: bool = True) -> Array | None:
        """Assign dW = xᵀ dy and db = Σₙ dy; return dx = dy Wᵀ."""
        kernels.bias_gradient(dy, w.g.b)
        return self.product_back(dy, w, need_dx=need_dx)
