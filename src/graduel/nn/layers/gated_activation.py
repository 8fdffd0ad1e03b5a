"""Gated activations y = x g(x) with a gate g in [0, 1];   dx = dy (g + x g′)."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sqrt
from typing import ClassVar

import numpy as np

from graduel.nn.layers.activation import Elementwise
from graduel.nn.layers.layer import Array
from graduel.nn.special import erf, sigmoid
from graduel.nn.workspace import Call, Scope

ROOT, CUBIC = sqrt(2 / pi), 0.044715
FAR = 40
"""Beyond ±40 each gate rounds to 0 or 1, and a power of x could overflow."""


@dataclass(frozen=True, slots=True)
class SiLU(Elementwise):
    """y = x σ(x);   dx = dy (σ + y (1 − σ)), σ = 1 / (1 + exp(−x)). Also known as Swish.

    Source: Elfwing, Uchibe and Doya, *Sigmoid-Weighted Linear Units*, 2018.

    >>> SiLU().plan((128,)).out
    (128,)
    """

    def forward(self, x: Array, w: Scope, call: Call) -> Array:
        """Return x σ(x)."""
        gate = sigmoid(x, out=w.buf("gate", x.shape, x.dtype))
        y = np.multiply(x, gate, out=w.buf("y", x.shape, x.dtype))
        w.saved = gate, y
        return y

    def backward(self, dy: Array, w: Scope, call: Call, *, need_dx: bool = True) -> Array | None:
        """Return dy (σ + y (1 − σ))."""
        if not need_dx:
            return None
        gate, y = w.saved
        slope = np.subtract(1, gate, out=w.buf("slope", dy.shape, dy.dtype))
        slope *= y
        slope += gate
        return np.multiply(dy, slope, out=dy)


@dataclass(frozen=True, slots=True)
class GELU(Elementwise):
    """y = x Φ(x);   dx = dy (Φ + x φ), with Φ and φ of the standard normal distribution.

    Φ(x) = (1 + erf(x / √2)) / 2,   φ(x) = exp(−x² / 2) / √(2π).   The approximation is
    Φ(x) ≈ (1 + tanh u) / 2 with u = √(2/π) (x + 0.044715 x³), and then φ = 2 Φ (1 − Φ) u′.

    Source: Hendrycks and Gimpel, *Gaussian Error Linear Units*, 2016.

    Parameters
    ----------
    approximate : use the faster tanh approximation of Φ, with an error of at most 2e-4

    Examples
    --------
    >>> GELU().plan((128,)).out
    (128,)
    """

    approximate: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.approximate, bool):
            raise ValueError(
                f"approximate must be True (tanh) or False (erf); got {self.approximate!r}"
            )

    def forward(self, x: Array, w: Scope, call: Call) -> Array:
        """Return x Φ(x)."""
        gate = w.buf("gate", x.shape, x.dtype)
        if self.approximate:
            near = np.clip(x, -FAR, FAR, out=w.buf("near", x.shape, x.dtype))
            np.square(near, out=gate)
            gate *= ROOT * CUBIC
            gate += ROOT
            gate *= near
            np.tanh(gate, out=gate)
        else:
            erf(np.multiply(x, sqrt(0.5), out=gate), out=gate)
        gate += 1
        gate *= 0.5
        w.saved = x, gate
        return np.multiply(x, gate, out=w.buf("y", x.shape, x.dtype))

    def backward(self, dy: Array, w: Scope, call: Call, *, need_dx: bool = True) -> Array | None:
        """Return dy (Φ + x φ)."""
        if not need_dx:
            return None
        x, gate = w.saved
        near = np.clip(x, -FAR, FAR, out=w.buf("near", dy.shape, dy.dtype))
        slope = np.square(near, out=w.buf("slope", dy.shape, dy.dtype))
        if self.approximate:
            slope *= 6 * ROOT * CUBIC
            slope += 2 * ROOT
            slope *= gate
            slope *= np.subtract(1, gate, out=w.buf("rest", dy.shape, dy.dtype))
        else:
            slope *= -0.5
            np.exp(slope, out=slope)
            slope *= 1 / sqrt(2 * pi)
        slope *= near
        slope += gate
        return np.multiply(dy, slope, out=dy)


@dataclass(frozen=True, slots=True)
class Mish(Elementwise):
    """y = x tanh(softplus x);   dx = dy (g + x (1 − g²) σ), g = tanh(softplus x), σ = sigmoid.

    With e = exp x, g = e (e + 2) / (e (e + 2) + 2) and σ = e / (e + 1).

    Source: Misra, *Mish: A Self Regularized Non-Monotonic Activation Function*, 2019.

    >>> Mish().plan((128,)).out
    (128,)
    """

    def forward(self, x: Array, w: Scope, call: Call) -> Array:
        """Return x g(x)."""
        # At 20 the gate rounds to 1; for larger x the exponential overflows.
        e = np.minimum(x, 20, out=w.buf("e", x.shape, x.dtype))
        np.exp(e, out=e)
        gate = np.add(e, 2, out=w.buf("gate", x.shape, x.dtype))
        gate *= e
        y = np.add(gate, 2, out=w.buf("y", x.shape, x.dtype))
        gate /= y
        w.saved = x, e, gate
        return np.multiply(x, gate, out=y)

    def backward(self, dy: Array, w: Scope, call: Call, *, need_dx: bool = True) -> Array | None:
        """Return dy (g + x (1 − g²) σ)."""
        if not need_dx:
            return None
        x, e, gate = w.saved
        slope = np.add(e, 1, out=w.buf("slope", dy.shape, dy.dtype))
        np.divide(e, slope, out=slope)
        rest = np.square(gate, out=w.buf("rest", dy.shape, dy.dtype))
        slope *= np.subtract(1, rest, out=rest)
        slope *= x
        slope += gate
        return np.multiply(dy, slope, out=dy)


@dataclass(frozen=True, slots=True)
class HardSwish(Elementwise):
    """y = x g(x), g = min(1, max(0, (x + 3) / 6));   dx = dy (g + x / 6 where |x| < 3).

    Source: Howard et al., *Searching for MobileNetV3*, 2019.

    >>> HardSwish().plan((128,)).out
    (128,)
    """

    smooth: ClassVar[bool] = False

    def forward(self, x: Array, w: Scope, call: Call) -> Array:
        """Return x g(x)."""
        gate = np.add(x, 3, out=w.buf("gate", x.shape, x.dtype))
        np.clip(gate, 0, 6, out=gate)
        gate /= 6
        w.saved = x, gate
        return np.multiply(x, gate, out=w.buf("y", x.shape, x.dtype))

    def backward(self, dy: Array, w: Scope, call: Call, *, need_dx: bool = True) -> Array | None:
        """Return dy (g + x / 6 where |x| < 3)."""
        if not need_dx:
            return None
        x, gate = w.saved
        slope = np.abs(x, out=w.buf("slope", dy.shape, dy.dtype))
        inside = np.less(slope, 3, out=w.buf("inside", dy.shape, np.bool_))
        np.multiply(x, 1 / 6, out=slope)
        slope *= inside
        slope += gate
        return np.multiply(dy, slope, out=dy)
