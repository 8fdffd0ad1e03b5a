"""Batch normalization and layer normalization."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from graduel.nn.initializers import Constant, Zeros
from graduel.nn.layers.channel_ops import channel_sums, lines, repeat_channels
from graduel.nn.layers.layer import Array, Plan, Shape, Spec, features
from graduel.nn.part import Part
from graduel.nn.workspace import Call, Scope


@dataclass(frozen=True, slots=True)
class BatchNorm(Part):
    """y = γ x̂ + β,   x̂ = (x − μ) / √(σ² + ε), with μ and σ² of the batch for each feature.

    dγ = Σₙ dy x̂,   dβ = Σₙ dy,   dx = γ / √(σ² + ε) · (dy − dβ/n − x̂ dγ/n).

    Features are on the last axis: for images, the channels, each with n values over all pixels of
    all examples. In prediction μ and σ² are running means from training, stored in the state; in a
    backward pass after a prediction they are constants: dx = γ / √(σ² + ε) · dy.

    Source: Ioffe and Szegedy, *Batch Normalization*, 2015.

    Parameters
    ----------
    momentum : the weight of the current batch in the running means, in (0, 1]
    eps : ε, above 0

    Raises
    ------
    ValueError
        If a parameter is out of range, or examples have no axis of features.

    Examples
    --------
    >>> plan = BatchNorm().plan((28, 28, 8))
    >>> plan.out, sorted(plan.params), sorted(plan.state), plan.params["gamma"].shape
    ((28, 28, 8), ['beta', 'gamma'], ['mean', 'var'], (8,))
    """

    row_wise: ClassVar[bool] = False

    momentum: float = 0.1
    eps: float = 1e-5

    def __post_init__(self) -> None:
        if not 0 < self.momentum <= 1:
            raise ValueError(f"momentum must be above 0 and at most 1; got {self.momentum}")
        if not self.eps > 0:
            raise ValueError(f"eps must be above 0; got {self.eps}")

    def plan(self, shape: Shape) -> Plan:
        """Plan γ, β and the running means."""
        one = features(shape, "BatchNorm")
        return Plan(
            shape,
            {"gamma": Spec(one, Constant(1.0), "scale"), "beta": Spec(one, role="bias")},
            {"mean": Spec(one, Zeros()), "var": Spec(one, Constant(1.0))},
        )

    def forward(self, x: Array, w: Scope, call: Call) -> Array:
        """Return γ x̂ + β; in training, update the running means."""
        one, n = x.shape[-1:], prod(x.shape[:-1])
        y, rows = w.buf("y", x.shape, x.dtype), lines(x)
        out, size = lines(y), rows.shape[1]
        slope = w.buf("slope", one, x.dtype)
        if call.train:
            mean, var = w.buf("mean", one, x.dtype), w.buf("var", one, x.dtype)
            channel_sums(rows, w, mean)
            mean /= n
            centered = np.subtract(
                rows, repeat_channels(mean, size, w), out=w.buf("x", rows.shape, x.dtype)
            )
            channel_sums(centered, w, var, by=centered)
            var /= n
            w.s.mean += self.momentum * (mean - w.s.mean)
            w.s.var += self.momentum * (var * (n / max(n - 1, 1)) - w.s.var)
            inverse = _inverse(var, self.eps, w)
            w.saved = centered, inverse
        else:
            centered = np.subtract(rows, repeat_channels(w.s.mean, size, w), out=out)
            inverse = _inverse(w.s.var, self.eps, w)
            w.saved = rows, None
        np.multiply(w.p.gamma, inverse, out=slope)
        np.multiply(centered, repeat_channels(slope, size, w), out=out)
        out += repeat_channels(w.p.beta, size, w)
        return y

    def backward(self, dy: Array, w: Scope, call: Call, *, need_dx: bool = True) -> Array | None:
        """Assign dγ and dβ; return dx."""
        centered, inverse = w.saved
        n, d = prod(dy.shape[:-1]), lines(dy)
        if frozen := inverse is None:
            centered = centered - repeat_channels(w.s.mean, d.shape[1], w)
            inverse = _inverse(w.s.var, self.eps, w)
        channel_sums(d, w, w.g.beta)
        channel_sums(d, w, w.g.gamma, by=centered)
        w.g.gamma *= inverse
        if not need_dx:
            return None
        if not frozen:
            # x̂ dγ/n, with x̂ = (x − μ) / √(σ² + ε)
            share = repeat_channels(w.g.gamma * inverse / n, d.shape[1], w)
            d -= np.multiply(centered, share, out=w.buf("product", d.shape, d.dtype))
            d -= repeat_channels(w.g.beta / n, d.shape[1], w)
        d *= repeat_channels(w.p.gamma * inverse, d.shape[1], w)
        return d.reshape(dy.shape)


def _inverse(var: Array, eps: float, w: Scope) -> Array:
    """Return 1 / √(σ² + ε) in a buffer."""
    inverse = np.add(var, eps, out=w.buf("inverse", var.shape, var.dtype))
    return np.divide(1, np.sqrt(inverse, out=inverse), out=inverse)


@dataclass(frozen=True, slots=True)
class LayerNorm(Part):
    """y = γ x̂ + β,   x̂ = (x − μ) / √(σ² + ε), with μ and σ² over the last axis of each example.

    dγ = Σ dy x̂ and dβ = Σ dy over all axes but the last,
    dx = (h − mean h − x̂ mean(h x̂)) / √(σ² + ε) with h = γ dy, means over the last axis.

    Source: Ba, Kiros and Hinton, *Layer Normalization*, 2016.

    Parameters
    ----------
    eps : ε, above 0

    Raises
    ------
    ValueError
        If `eps` is not positive, or examples have no axis of features.

    Examples
    --------
    >>> plan = LayerNorm().plan((128,))
    >>> plan.out, sorted(plan.params), sorted(plan.state)
    ((128,), ['beta', 'gamma'], [])
    """

    eps: float = 1e-5

    def __post_init__(self) -> None:
        if not self.eps > 0:
            raise ValueError(f"eps must be above 0; got {self.eps}")

    def plan(self, shape: Shape) -> Plan:
        """Plan γ and β."""
        one = features(shape, "LayerNorm")
        gamma, beta = Spec(one, Constant(1.0), "scale"), Spec(one, role="bias")
        return Plan(shape, {"gamma": gamma, "beta": beta})

    def forward(self, x: Array, w: Scope, call: Call) -> Array:
        """Return γ x̂ + β."""
        mean = _mean(x, w.buf("mean", (*x.shape[:-1], 1), x.dtype))
        hat = np.subtract(x, mean, out=w.buf("hat", x.shape, x.dtype))
        inverse = _mean(hat, w.buf("inverse", mean.shape, x.dtype), hat)
        inverse += self.eps
        np.divide(1, np.sqrt(inverse, out=inverse), out=inverse)
        hat *= inverse
        w.saved = hat, inverse
        y = np.multiply(hat, w.p.gamma, out=w.buf("y", x.shape, x.dtype))
        y += w.p.beta
        return y

    def backward(self, dy: Array, w: Scope, call: Call, *, need_dx: bool = True) -> Array | None:
        """Assign dγ and dβ; return dx."""
        hat, inverse = w.saved
        axes = tuple(range(dy.ndim - 1))
        product = np.multiply(dy, hat, out=w.buf("product", dy.shape, dy.dtype))
        np.sum(product, axis=axes, out=w.g.gamma)
        np.sum(dy, axis=axes, out=w.g.beta)
        if not need_dx:
            return None
        h = np.multiply(dy, w.p.gamma, out=dy)
        common = _mean(h, w.buf("mean", inverse.shape, dy.dtype))
        along = _mean(h, w.buf("along", inverse.shape, dy.dtype), hat)
        h -= common
        h -= np.multiply(hat, along, out=product)
        return np.multiply(h, inverse, out=h)


def _mean(x: Array, out: Array, by: Array | None = None) -> Array:
    """Write the mean of `x` over the last axis, or of `x` times `by`, to `out`; return `out`."""
    # np.mean is several times slower along a short axis.
    if by is None:
        np.einsum("...c->...", x, out=out[..., 0])
    else:
        np.einsum("...c,...c->...", x, by, out=out[..., 0])
    out /= x.shape[-1]
    return out
