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
    along,
    channel_sums,
    line_buffer,
    line_size,
    lines,
    repeat_channels,
)
from graduel.nn.layers.layer import (
    AffineGradient,
    AffineMap,
    Array,
    Plan,
    Shape,
    Spec,
    features,
)
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
        z = self.product(x, w, call)
        _, slope, shift = self.affine(w)
        y = w.buf("y", x.shape, x.dtype)
        kernels.affine(along(z, len(shift)), slope, shift, along(y, len(shift)))
        return y

    def backward(self, dy: Array, w: Scope, call: Call, *, need_dx: bool = True) -> Array | None:
        """Assign dγ and dβ; return dx."""
        factor, slope, _ = self.affine(w)
        d, z = (along(array, len(slope)) for array in (dy, w.saved[0]))
        kernels.scale_shift_back(d, z, slope, factor, *self.affine_gradient(w))
        return self.product_back(d.reshape(dy.shape), w, need_dx=need_dx)

    def product(self, x: Array, w: Scope, call: Call) -> Array:
        """Return z, with y = s ⊙ z + b: x − μ in training, x in prediction."""
        one, size = x.shape[-1:], line_size(x)
        inverse, slope = w.buf("inverse", one, x.dtype), w.buf("slope", one, x.dtype)
        n = prod(x.shape[:-1])
        if not call.train:
            _inverse(w.s.var, self.eps, inverse)
            np.multiply(w.p.gamma, inverse, out=slope)
            shift = np.multiply(w.s.mean, slope, out=w.buf("shift", one, x.dtype))
            np.subtract(w.p.beta, shift, out=shift)
            # The layer that applies s and b may write to z.
            z = x if x.flags.writeable else x.copy()
        else:
            mean, var = w.buf("mean", one, x.dtype), w.buf("var", one, x.dtype)
            channel_sums(lines(x), w, mean)
            if call.sum_over_workers is not None:
                n = _sum_means(mean, n, w, call.sum_over_workers)
            mean /= n
            z, squares = w.buf("x", x.shape, x.dtype), line_buffer("line sums", var, size, w)
            means = repeat_channels(mean, size, w)
            kernels.center(along(x, size), means, along(z, size), squares)
            add_lines(squares, var)
            if call.sum_over_workers is not None:
                call.sum_over_workers(var)
            var /= n
            if call.updates_state:
                w.s.mean += self.momentum * (mean - w.s.mean)
                w.s.var += self.momentum * (var * (n / max(n - 1, 1)) - w.s.var)
            _inverse(var, self.eps, inverse)
            np.multiply(w.p.gamma, inverse, out=slope)
            shift = w.p.beta
        affine = (
            1.0,
            repeat_channels(slope, size, w, "slope line"),
            repeat_channels(shift, size, w, "shift line"),
        )
        w.saved = z, affine, inverse, (n, call.sum_over_workers) if call.train else None
        return z

    def affine(self, w: Scope) -> tuple[float, Array, Array]:
        """Return the factor 1, s = γ / √(σ² + ε) and b, repeated along a line."""
        affine: tuple[float, Array, Array] = w.saved[1]
        return affine

    def affine_gradient(self, w: Scope) -> tuple[Array, Array]:
        """Return where the gradients of b and s go, along a line."""
        size = len(w.saved[1][2])
        return (
            line_buffer("line sums", w.g.beta, size, w),
            line_buffer("products", w.g.gamma, size, w),
        )

    def product_back(self, dz: Array, w: Scope, *, need_dx: bool) -> Array | None:
        """Assign dγ and dβ; return dx, for dz = s ⊙ dy."""
        z, (_, slope, _), inverse, trained = w.saved
        total, products = self.affine_gradient(w)
        add_lines(total, w.g.beta)
        add_lines(products, w.g.gamma)
        if not trained:
            w.g.gamma -= w.s.mean * w.g.beta
        w.g.gamma *= inverse
        if not need_dx or not trained:
            return dz if need_dx else None
        n, sum_over_workers = trained
        gamma, beta = w.g.gamma, w.g.beta
        if sum_over_workers is not None:
            # The sums over all workers; the gradient keeps those of this worker's rows.
            gamma, beta = sum_over_workers(np.stack((gamma, beta)))
        # x̂ dγ/n, with x̂ = (x − μ) / √(σ² + ε)
        size, scale = len(slope), w.p.gamma * inverse / n
        share = repeat_channels(scale * gamma * inverse, size, w, "share")
        common = repeat_channels(scale * beta, size, w, "common")
        d, product = along(dz, size), along(w.buf("product", dz.shape, dz.dtype), size)
        kernels.batchnorm_gradient(d, along(z, size), share, common, product)
        return d.reshape(dz.shape)

    def fold(self, affine: AffineMap, w: Scope) -> AffineMap:
        """Return this layer's map in prediction after another map, s′ ⊙ (factor · s ⊙ z + b) + b′.

        s′ = γ / √(σ² + ε) and b′ = β − s′ ⊙ μ, with the running means.
        """
        factor, s, b = affine
        one, dtype = w.p.gamma.shape, w.p.gamma.dtype
        inverse = _inverse(w.s.var, self.eps, w.buf("inverse", one, dtype))
        slope = np.multiply(w.p.gamma, inverse, out=w.buf("slope", one, dtype))
        slope = repeat_channels(slope, len(b), w, "slope line")
        apart = b - repeat_channels(w.s.mean, len(b), w)
        shift = slope * apart + repeat_channels(w.p.beta, len(b), w, "shift line")
        folded = factor, slope if s is None else slope * s, shift
        w.saved = folded, slope, apart, inverse
        return folded

    def folded(self, w: Scope) -> tuple[AffineMap, tuple[Array, Array]]:
        """Return the map that `fold` has returned, and where the gradients of its b and s go."""
        folded: AffineMap = w.saved[0]
        sums, products = (
            w.buf(name, folded[2].shape, folded[2].dtype)
            for name in ("sums of both", "products of both")
        )
        return folded, (sums, products)

    def unfold(self, affine: AffineMap, gradients: AffineGradient, w: Scope) -> None:
        """Assign dγ and dβ, and the gradients of b and s of the map before."""
        _, slope, apart, inverse = w.saved[:4]
        (_, s, _), (db, ds) = affine, gradients
        sums, products = self.folded(w)[1]
        if ds is not None:
            np.multiply(slope, products, out=ds)
        np.multiply(slope, sums, out=db)
        if s is not None:
            products *= s
        products += apart * sums
        one = len(w.g.beta)
        np.add.reduce(sums.reshape(-1, one), axis=0, out=w.g.beta)
        np.add.reduce(products.reshape(-1, one), axis=0, out=w.g.gamma)
        w.g.gamma *= inverse

    def after_product(self, z: Array, affine: AffineMap, w: Scope) -> Array:
        """Return y, for the map that `fold` has returned."""
        w.saved = *w.saved[:4], z
        (factor, s, b), y = affine, w.buf("y", z.shape, z.dtype)
        assert s is not None
        kernels.scale_shift(along(z, len(b)), factor, s, b, along(y, len(b)))
        return y

    def before_product(
        self, dy: Array, affine: AffineMap, gradients: AffineGradient, w: Scope
    ) -> Array:
        """Assign the gradients of b and s; return dz."""
        (factor, s, b), (db, ds) = affine, gradients
        assert s is not None
        assert ds is not None
        d, z = (along(array, len(b)) for array in (dy, w.saved[4]))
        kernels.scale_shift_back(d, z, s, factor, db, ds)
        return d.reshape(dy.shape)


def _sum_means(mean: Array, n: int, w: Scope, sum_up: Callable[[Array], Array]) -> int:
    """Add up Σ x and n over the workers; `mean` receives the sum, n is returned."""
    both = w.buf("both", (len(mean) + 1,), np.float64)
    both[:-1], both[-1] = mean, n
    sum_up(both)
    mean[...] = both[:-1]
    return max(int(both[-1]), 1)


def _inverse(var: Array, eps: float, out: Array) -> Array:
    """Write 1 / √(σ² + ε) to `out`."""
    np.add(var, eps, out=out)
    return np.divide(1, np.sqrt(out, out=out), out=out)


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
