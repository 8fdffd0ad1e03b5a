"""Elementwise activations without parameters; derivatives are computed from the *outputs*."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from graduel import kernels
from graduel.nn.layers.channel_ops import along, lines
from graduel.nn.layers.layer import AffineGradient, AffineMap, Array, Plan, Shape
from graduel.nn.part import Part
from graduel.nn.special import sigmoid
from graduel.nn.workspace import Call, Scope


class Elementwise(Part):
    """The base of activations without parameters; the output has the input's shape."""

    __slots__ = ()

    bounds: ClassVar[tuple[float, float] | None] = None
    """The limits of the output at −∞ and +∞ if both are finite, so that units can saturate."""

    def plan(self, shape: Shape) -> Plan:
        """Plan an output of the input's shape."""
        return Plan(shape)


@dataclass(frozen=True, slots=True)
class Identity(Elementwise):
    """y = x;   dx = dy. A placeholder where an activation is required.

    >>> Identity().plan((128,)).out
    (128,)
    """

    def forward(self, x: Array, w: Scope, call: Call) -> Array:
        """Return x."""
        return x

    def backward(self, dy: Array, w: Scope, call: Call, *, need_dx: bool = True) -> Array | None:
        """Return dy."""
        return dy if need_dx else None


@dataclass(frozen=True, slots=True)
class ReLU(Elementwise):
    """y = max(0, x);   dx = dy where y > 0, else 0.

    Source: Nair and Hinton, *Rectified Linear Units*, 2010. At x = 0 the derivative is set to 0,
    as in the derivation.

    >>> ReLU().plan((128,)).out
    (128,)
    """

    smooth: ClassVar[bool] = False
    takes_product: ClassVar[bool] = True

    def forward(self, x: Array, w: Scope, call: Call) -> Array:
        """Return max(0, x)."""
        w.saved = y = w.buf("y", x.shape, x.dtype)
        kernels.relu(lines(x), lines(y))
        return y

    def backward(self, dy: Array, w: Scope, call: Call, *, need_dx: bool = True) -> Array | None:
        """Return dy where the output is positive, else 0."""
        if not need_dx:
            return None
        d, y = lines(dy), lines(w.saved)
        kernels.relu_gate(d, y, w.buf("gate", y.shape, np.bool_))
        return d.reshape(dy.shape)

    def after_product(self, z: Array, affine: AffineMap, w: Scope) -> Array:
        """Return max(0, x) for x = factor · s ⊙ z + b, the output of the layer before."""
        factor, s, b = affine
        if s is None and factor == 1 and z.ndim == 2:
            kernels.bias_relu(z, b)
            w.saved = z, z
            return z
        y = z if s is None else w.buf("y", z.shape, z.dtype)
        kernels.affine_relu(along(z, len(b)), factor, s, b, along(y, len(b)))
        w.saved = z, y
        return y

    def before_product(
        self, dy: Array, affine: AffineMap, gradients: AffineGradient, w: Scope
    ) -> Array:
        """Pass the gradient as `backward` does; assign the gradients of b and s, and return dz."""
        (factor, s, b), (z, y) = affine, w.saved
        gate = w.buf("gate", dy.shape, np.bool_)
        if s is None and factor == 1 and dy.ndim == 2:
            kernels.relu_gate_bias(dy, y, gate, gradients[0])
            return dy
        d, y, gate, z = (along(array, len(b)) for array in (dy, y, gate, z))
        kernels.affine_relu_gradient(d, y, gate, z, factor, s, *gradients)
        return d.reshape(dy.shape)


@dataclass(frozen=True, slots=True)
class Tanh(Elementwise):
    """y = tanh(x);   dx = dy (1 − y²).

    >>> Tanh().plan((128,)).out
    (128,)
    """

    bounds: ClassVar[tuple[float, float] | None] = (-1.0, 1.0)

    def forward(self, x: Array, w: Scope, call: Call) -> Array:
        """Return tanh(x)."""
        w.saved = y = np.tanh(x, out=w.buf("y", x.shape, x.dtype))
        return y

    def backward(self, dy: Array, w: Scope, call: Call, *, need_dx: bool = True) -> Array | None:
        """Return dy (1 − y²)."""
        if not need_dx:
            return None
        slope = np.square(w.saved, out=w.buf("slope", dy.shape, dy.dtype))
        np.subtract(1, slope, out=slope)
        return np.multiply(dy, slope, out=dy)


@dataclass(frozen=True, slots=True)
class Sigmoid(Elementwise):
    """y = σ(x) = 1 / (1 + exp(−x));   dx = dy y (1 − y).

    >>> Sigmoid().plan((128,)).out
    (128,)
    """

    bounds: ClassVar[tuple[float, float] | None] = (0.0, 1.0)

    def forward(self, x: Array, w: Scope, call: Call) -> Array:
        """Return σ(x)."""
        w.saved = y = sigmoid(x, out=w.buf("y", x.shape, x.dtype))
        return y

    def backward(self, dy: Array, w: Scope, call: Call, *, need_dx: bool = True) -> Array | None:
        """Return dy y (1 − y)."""
        if not need_dx:
            return None
        y = w.saved
        slope = np.subtract(1, y, out=w.buf("slope", dy.shape, dy.dtype))
        slope *= y
        return np.multiply(dy, slope, out=dy)


@dataclass(frozen=True, slots=True)
class Softplus(Elementwise):
    """y = log(1 + exp x);   dx = dy (1 − exp(−y)), which is dy σ(x).

    Source: Dugas et al., *Incorporating Second-Order Functional Knowledge*, 2001.

    >>> Softplus().plan((128,)).out
    (128,)
    """

    def forward(self, x: Array, w: Scope, call: Call) -> Array:
        """Return max(0, x) + log(1 + exp(−|x|)), which cannot overflow."""
        rest = np.abs(x, out=w.buf("rest", x.shape, x.dtype))
        np.negative(rest, out=rest)
        np.log1p(np.exp(rest, out=rest), out=rest)
        w.saved = y = np.maximum(x, 0, out=w.buf("y", x.shape, x.dtype))
        y += rest
        return y

    def backward(self, dy: Array, w: Scope, call: Call, *, need_dx: bool = True) -> Array | None:
        """Return dy (1 − exp(−y))."""
        if not need_dx:
            return None
        slope = np.negative(w.saved, out=w.buf("slope", dy.shape, dy.dtype))
        np.negative(np.expm1(slope, out=slope), out=slope)
        return np.multiply(dy, slope, out=dy)


@dataclass(frozen=True, slots=True)
class ELU(Elementwise):
    """y = x where x > 0, else α (exp x − 1);   dx = dy where y > 0, else dy (y + α).

    Source: Clevert, Unterthiner and Hochreiter, *Exponential Linear Units*, 2016.

    Parameters
    ----------
    alpha : α, above 0; with α = 1 the derivative is continuous

    Examples
    --------
    >>> ELU().plan((128,)).out
    (128,)
    """

    scale: ClassVar[float] = 1.0

    alpha: float = 1.0

    def __post_init__(self) -> None:
        if not self.alpha > 0:
            raise ValueError(f"alpha must be above 0; got {self.alpha}")

    @property
    def smooth(self) -> bool:  # type: ignore[override]
        """Whether the derivative at 0, 1 from the right and α from the left, is continuous."""
        return self.alpha == 1

    def forward(self, x: Array, w: Scope, call: Call) -> Array:
        """Return x where x > 0, else α (exp x − 1)."""
        return _elu(x, w, 1.0, self.alpha)

    def backward(self, dy: Array, w: Scope, call: Call, *, need_dx: bool = True) -> Array | None:
        """Return dy where y > 0, else dy (y + α)."""
        return _elu_back(dy, w, 1.0, self.alpha) if need_dx else None


@dataclass(frozen=True, slots=True)
class SELU(Elementwise):
    """y = λ x where x > 0, else λ α (exp x − 1);   dx = λ dy where y > 0, else dy (y + λ α).

    λ = 1.0507… and α = 1.6733… preserve mean 0 and variance 1 from layer to layer if the weights
    start with variance 1 / n_in: ``Dense(n, LeCunNormal())``.

    Source: Klambauer et al., *Self-Normalizing Neural Networks*, 2017.

    >>> SELU().plan((128,)).out
    (128,)
    """

    smooth: ClassVar[bool] = False

    scale: ClassVar[float] = 1.0507009873554804934193349852946
    alpha: ClassVar[float] = 1.6732632423543772848170429916717

    def forward(self, x: Array, w: Scope, call: Call) -> Array:
        """Return λ x where x > 0, else λ α (exp x − 1)."""
        return _elu(x, w, self.scale, self.alpha)

    def backward(self, dy: Array, w: Scope, call: Call, *, need_dx: bool = True) -> Array | None:
        """Return λ dy where y > 0, else dy (y + λ α)."""
        return _elu_back(dy, w, self.scale, self.alpha) if need_dx else None


def _elu(x: Array, w: Scope, scale: float, alpha: float) -> Array:
    """Return λ max(0, x) + λ α (exp(min(0, x)) − 1); one of the two terms is 0."""
    y = below_zero(x, w.buf("y", x.shape, x.dtype))
    np.expm1(y, out=y)
    right = w.buf("right", x.shape, x.dtype)
    kernels.elu_join(lines(x), lines(y), scale, alpha, lines(right))
    w.saved = y
    return y


def _elu_back(dy: Array, w: Scope, scale: float, alpha: float) -> Array:
    """Return dy (min(0, y) + λ α + [y > 0] (λ − λ α))."""
    slope, jump = (w.buf(name, dy.shape, dy.dtype) for name in ("slope", "jump"))
    d = lines(dy)
    kernels.elu_gate(d, lines(w.saved), scale, alpha, lines(slope), lines(jump))
    return d.reshape(dy.shape)


def below_zero(x: Array, out: Array) -> Array:
    """Return min(0, x) in `out`, which must be contiguous.

    NumPy compares with a row of zeros three times as fast as with the scalar 0.
    """
    rows = lines(x)
    np.minimum(rows, np.zeros(rows.shape[1], x.dtype), out=lines(out))
    return out
