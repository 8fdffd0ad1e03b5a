"""Normalization over the batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from graduel.nn.initializers import Constant, Zeros
from graduel.nn.layers.base import Array, Plan, Shape, Spec
from graduel.nn.workspace import Call, Scope


@dataclass(frozen=True, slots=True)
class BatchNorm:
    """y = γ x̂ + β,   x̂ = (x − μ) / √(σ² + ε), μ and σ² of the batch, feature by feature.

    dγ = Σₙ dy x̂,   dβ = Σₙ dy,   dx = γ / √(σ² + ε) · (dy − dβ/n − x̂ dγ/n).

    In prediction μ and σ² are running means from training, kept in the state.

    Source: Ioffe and Szegedy, *Batch Normalization*, 2015.

    Parameters
    ----------
    momentum : the share of the newest batch in the running means, in (0, 1]
    eps : ε, above 0

    Examples
    --------
    >>> plan = BatchNorm().plan((128,))
    >>> plan.out, sorted(plan.params), sorted(plan.state)
    ((128,), ['beta', 'gamma'], ['mean', 'var'])
    """

    row_wise: ClassVar[bool] = False
    deterministic: ClassVar[bool] = True
    smooth: ClassVar[bool] = True

    momentum: float = 0.1
    eps: float = 1e-5

    def __post_init__(self) -> None:
        if not 0 < self.momentum <= 1:
            raise ValueError(f"momentum must be above 0 and at most 1; got {self.momentum}")
        if not self.eps > 0:
            raise ValueError(f"eps must be above 0; got {self.eps}")

    def plan(self, shape: Shape) -> Plan:
        """Ask for γ and β, and for the running means."""
        if len(shape) != 1:
            raise ValueError(f"BatchNorm expects rows of numbers, input shape (n,); got {shape}")
        return Plan(
            shape,
            {"gamma": Spec(shape, Constant(1.0), "scale"), "beta": Spec(shape, role="bias")},
            {"mean": Spec(shape, Zeros()), "var": Spec(shape, Constant(1.0))},
        )

    def forward(self, x: Array, w: Scope, call: Call) -> Array:
        """Return γ x̂ + β; in training, move the running means."""
        one = (1, *x.shape[1:])
        y = w.buf("y", x.shape, x.dtype)
        if not call.train:
            slope = np.add(w.s.var, self.eps, out=w.buf("slope", one, x.dtype))
            np.divide(w.p.gamma, np.sqrt(slope, out=slope), out=slope)
            np.subtract(x, w.s.mean, out=y)
            y *= slope
            y += w.p.beta
            return y
        mean = np.mean(x, axis=0, keepdims=True, out=w.buf("mean", one, x.dtype))
        hat = np.subtract(x, mean, out=w.buf("hat", x.shape, x.dtype))
        var = np.mean(np.square(hat, out=y), axis=0, keepdims=True, out=w.buf("var", one, x.dtype))
        n = len(x)
        w.s.mean += self.momentum * (mean[0] - w.s.mean)
        w.s.var += self.momentum * (var[0] * (n / max(n - 1, 1)) - w.s.var)
        var += self.eps
        inverse = np.divide(1, np.sqrt(var, out=var), out=var)
        hat *= inverse
        w.kept = hat, inverse
        np.multiply(hat, w.p.gamma, out=y)
        y += w.p.beta
        return y

    def backward(self, dy: Array, w: Scope, call: Call, *, need_dx: bool = True) -> Array | None:
        """Assign dγ and dβ; return dx."""
        hat, inverse = w.kept
        n = len(dy)
        product = np.multiply(dy, hat, out=w.buf("product", dy.shape, dy.dtype))
        np.sum(product, axis=0, out=w.g.gamma)
        np.sum(dy, axis=0, out=w.g.beta)
        if not need_dx:
            return None
        np.multiply(hat, w.g.gamma / n, out=product)
        dy -= w.g.beta / n
        dy -= product
        dy *= w.p.gamma
        dy *= inverse
        return dy
