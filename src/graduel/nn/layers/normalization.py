"""Batch normalization and layer normalization."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from graduel import kernels
from graduel.nn.initializers import Constant, Zeros
from graduel.nn.layers.channel_ops import (
    add_lines,
    channel_sums,
    line_buffer,
    lines,
    repeat_channels,
)
from graduel.nn.layers.layer import Array, Plan, Shape, Spec, features
from graduel.nn.part import Part
from graduel.nn.workspace import Call, Scope


@dataclass(frozen=True, slots=True)
class BatchNorm(Part):
    """y = γ x̂ + β,   x̂ = (x − μ) / √(σ² + ε), with μ and σ² of the batch for each feature.

    dγ = Σₙ dy x̂,   dβ = Σₙ dy,   dx = γ / √(σ² + ε) · (dy − dβ/n − x̂ dγ/n).

    Features are on the last axis: for images, the channels, each with n values over all pixels of
    all examples. In prediction μ and σ² are running means from training, stored in the state; in a
    backward pass after a prediction they are constants: dx = γ / √(σ² + ε) · dy. If several workers
    divide the batch, Σ x, n, Σ (x − μ)², dγ and dβ are sums over all of them.

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
            if call.sum_over_workers is not None:
                n = _sum_means(mean, n, w, call.sum_over_workers)
            mean /= n
            centered, squares = w.buf("x", rows.shape, x.dtype), line_buffer("sums", var, size, w)
            kernels.center(rows, repeat_channels(mean, size, w), centered, squares)
            add_lines(squares, var)
            if call.sum_over_workers is not None:
                call.sum_over_workers(var)
            var /= n
            w.s.mean += self.momentum * (mean - w.s.mean)
            w.s.var += self.momentum * (var * (n / max(n - 1, 1)) - w.s.var)
            inverse = _inverse(var, self.eps, w)
            w.saved = centered, inverse, n
        else:
            centered = np.subtract(rows, repeat_channels(w.s.mean, size, w), out=out)
            inverse = _inverse(w.s.var, self.eps, w)
            w.saved = rows, None, n
        np.multiply(w.p.gamma, inverse, out=slope)
        beta = repeat_channels(w.p.beta, size, w, "beta")
        kernels.affine(centered, repeat_channels(slope, size, w), beta, out)
        return y

    def backward(self, dy: Array, w: Scope, call: Call, *, need_dx: bool = True) -> Array | None:
        """Assign dγ and dβ; return dx."""
        centered, inverse, n = w.saved
        d = lines(dy)
        if frozen := inverse is None:
            centered = centered - repeat_channels(w.s.mean, d.shape[1], w)
            inverse = _inverse(w.s.var, self.eps, w)
        size = d.shape[1]
        total, products = (
            line_buffer(name, out, size, w)
            for name, out in (("sums", w.g.beta), ("products", w.g.gamma))
        )
        kernels.paired_sums(d, centered, total, products)
        add_lines(total, w.g.beta)
        add_lines(products, w.g.gamma)
        w.g.gamma *= inverse
        if not need_dx:
            return None
        slope = repeat_channels(w.p.gamma * inverse, size, w)
        if frozen:
            d *= slope
        else:
            gamma, beta = w.g.gamma, w.g.beta
            if call.sum_over_workers is not None:
                # The sums over all workers; the gradient keeps those of this worker's rows.
                gamma, beta = call.sum_over_workers(np.stack((gamma, beta)))
            # x̂ dγ/n, with x̂ = (x − μ) / √(σ² + ε)
            share = repeat_channels(gamma * inverse / n, size, w, "share")
            common = repeat_channels(beta / n, size, w, "beta")
            product = w.buf("product", d.shape, d.dtype)
            kernels.batchnorm_gradient(d, centered, share, common, slope, product)
        return d.reshape(dy.shape)


def _sum_means(mean: Array, n: int, w: Scope, sum_up: Callable[[Array], Array]) -> int:
    """Add up Σ x and n over the workers; `mean` receives the sum, n is returned."""
    both = w.buf("both", (len(mean) + 1,), np.float64)
    both[:-1], both[-1] = mean, n
    sum_up(both)
    mean[...] = both[:-1]
    return max(int(both[-1]), 1)


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
        rows = _rows(x)
        hat, inverse = (
            _rows(w.buf("hat", x.shape, x.dtype)),
            w.buf("inverse", x.shape[:-1], x.dtype).reshape(-1),
        )
        w.saved = hat, inverse
        y = w.buf("y", x.shape, x.dtype)
        kernels.layernorm(rows, w.p.gamma, w.p.beta, self.eps, hat, inverse, _rows(y))
        return y

    def backward(self, dy: Array, w: Scope, call: Call, *, need_dx: bool = True) -> Array | None:
        """Assign dγ and dβ; return dx."""
        (hat, inverse), d = w.saved, _rows(dy)
        product = _rows(w.buf("product", dy.shape, dy.dtype))
        kernels.layernorm_sums(d, hat, product, w.g.gamma, w.g.beta)
        if not need_dx:
            return None
        means = w.buf("means", (2 * len(d),), dy.dtype).reshape(2, len(d))
        kernels.layernorm_gradient(d, hat, inverse, w.p.gamma, product, means)
        return d.reshape(dy.shape)


def _rows(x: Array) -> Array:
    """View examples (n, …, c) as rows (m, c)."""
    return x.reshape(-1, x.shape[-1])
