"""Piecewise linear activations with a small slope for negative inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from graduel.nn.initializers import Constant, Initializer
from graduel.nn.layers.activation import Elementwise
from graduel.nn.layers.layer import Array, Plan, Shape, Spec, features
from graduel.nn.part import Part
from graduel.nn.workspace import Call, Scope


@dataclass(frozen=True, slots=True)
class LeakyReLU(Elementwise):
    """y = x where x > 0, else s x;   dx = dy where y > 0, else s dy.

    Source: Maas, Hannun and Ng, *Rectifier Nonlinearities Improve Acoustic Models*, 2013.

    Parameters
    ----------
    slope : s, in [0, 1]

    Examples
    --------
    >>> LeakyReLU(0.2).plan((128,)).out
    (128,)
    """

    smooth: ClassVar[bool] = False

    slope: float = 0.01

    def __post_init__(self) -> None:
        if not 0 <= self.slope <= 1:
            raise ValueError(f"slope must be at least 0 and at most 1; got {self.slope}")

    def forward(self, x: Array, w: Scope, call: Call) -> Array:
        """Return max(x, s x)."""
        y = np.multiply(x, self.slope, out=w.buf("y", x.shape, x.dtype))
        w.saved = np.maximum(x, y, out=y)
        return y

    def backward(self, dy: Array, w: Scope, call: Call, *, need_dx: bool = True) -> Array | None:
        """Return dy where y > 0, else s dy."""
        if not need_dx:
            return None
        slope = w.buf("slope", dy.shape, dy.dtype)
        np.greater(w.saved, 0, out=slope, casting="unsafe")
        np.maximum(slope, self.slope, out=slope)
        return np.multiply(dy, slope, out=dy)


@dataclass(frozen=True, slots=True)
class ParametricReLU(Part):
    """y = x where x > 0, else s x, with a trainable s for each feature or image channel.

    ds = Σ dy x over examples (and pixels) with x ≤ 0,   dx = dy where x > 0, else s dy.

    Source: He et al., *Delving Deep into Rectifiers*, 2015.

    Parameters
    ----------
    init : initializer of s (role "scale"), with the shape of the last axis

    Raises
    ------
    ValueError
        If examples have no axis of features.

    Examples
    --------
    >>> ParametricReLU().plan((28, 28, 8)).params["slope"].shape
    (8,)
    """

    smooth: ClassVar[bool] = False

    init: Initializer = Constant(0.25)

    def plan(self, shape: Shape) -> Plan:
        """Plan s."""
        return Plan(shape, {"slope": Spec(features(shape, "ParametricReLU"), self.init, "scale")})

    def forward(self, x: Array, w: Scope, call: Call) -> Array:
        """Return max(0, x) + s min(0, x)."""
        w.saved = x
        y = np.maximum(x, 0, out=w.buf("y", x.shape, x.dtype))
        left = np.minimum(x, 0, out=w.buf("left", x.shape, x.dtype))
        left *= w.p.slope
        y += left
        return y

    def backward(self, dy: Array, w: Scope, call: Call, *, need_dx: bool = True) -> Array | None:
        """Assign ds = Σ dy min(0, x); return dx."""
        x = w.saved
        left = np.minimum(x, 0, out=w.buf("left", x.shape, x.dtype))
        left *= dy
        np.sum(left, axis=tuple(range(x.ndim - 1)), out=w.g.slope)
        if not need_dx:
            return None
        slope = np.less_equal(x, 0, out=left, casting="unsafe")
        slope *= w.p.slope
        right = w.buf("right", x.shape, x.dtype)
        slope += np.greater(x, 0, out=right, casting="unsafe")
        return np.multiply(dy, slope, out=dy)
