"""The operations as compiled loops: each passes over its arrays once, on one thread.

What an operation computes, and its arguments, are documented in :mod:`graduel.kernels.numpy`. One
thread, because OpenBLAS's own threads spin for a while after a product, and loops on several
threads would wait for them.
"""

from __future__ import annotations

import numpy as np

from graduel.kernels import numpy as reference
from graduel.kernels.compiler import compiled
from graduel.kernels.images_numba import *  # noqa: F403  # accessed as attributes of this module
from graduel.kernels.images_numba import Pair
from graduel.kernels.rules_numba import *  # noqa: F403
from graduel.kernels.table_numba import *  # noqa: F403
from graduel.kernels.table_numba import Array

MANY_ROWS = 256
"""Rows above which NumPy's exponential, which is vectorized, is worth its passes."""


@compiled
def gather_scale(X: Array, index: Array, scale: float, raw: Array, out: Array) -> None:
    """Gather rows as floats: out[i] = scale · X[index[i]]."""
    factor = out.dtype.type(scale)
    for i in range(index.size):
        row = index[i]
        for j in range(X.shape[1]):
            out[i, j] = X[row, j] * factor


@compiled
def add_bias(y: Array, b: Array) -> None:
    """Add a bias to each row: y ← y + b, with b of shape (k,)."""
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            y[i, j] += b[j]


@compiled
def relu(x: Array, out: Array) -> None:
    """Apply ReLU: out = max(0, x). NaN stays NaN."""
    zero = x.dtype.type(0)
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            value = x[i, j]
            out[i, j] = zero if value < zero else value


@compiled
def bias_relu(y: Array, b: Array) -> None:
    """Add a bias and apply ReLU: y ← max(0, y + b), with b of shape (k,)."""
    zero = y.dtype.type(0)
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            value = y[i, j] + b[j]
            y[i, j] = zero if value < zero else value


@compiled
def relu_gate(dy: Array, y: Array, gate: Array) -> None:
    """Pass a gradient back through ReLU: dy ← dy · [y > 0]."""
    zero, one = dy.dtype.type(0), dy.dtype.type(1)
    for i in range(dy.shape[0]):
        for j in range(dy.shape[1]):
            dy[i, j] *= one if y[i, j] > zero else zero


@compiled
def bias_gradient(dy: Array, db: Array) -> None:
    """Sum a gradient over the examples: db = Σₙ dy, of shape (k,)."""
    db[:] = db.dtype.type(0)
    for i in range(dy.shape[0]):
        for j in range(dy.shape[1]):
            db[j] += dy[i, j]


@compiled
def relu_gate_bias(dy: Array, y: Array, gate: Array, db: Array) -> None:
    """Pass a gradient back through ReLU and a bias: dy ← dy · [y > 0], then db = Σₙ dy."""
    zero, one = dy.dtype.type(0), dy.dtype.type(1)
    db[:] = zero
    for i in range(dy.shape[0]):
        for j in range(dy.shape[1]):
            value = dy[i, j] * (one if y[i, j] > zero else zero)
            dy[i, j] = value
            db[j] += value


def softmax(z: Array) -> None:
    """Apply the softmax to each row: zₖ ← exp zₖ / Σⱼ exp zⱼ, computed without overflow."""
    if z.ndim != 2 or len(z) > MANY_ROWS:
        reference.softmax(z)
    else:
        _softmax(z)


@compiled
def _softmax(z: Array) -> None:
    zero, one = z.dtype.type(0), z.dtype.type(1)
    for i in range(z.shape[0]):
        top = z[i, 0]
        for k in range(1, z.shape[1]):
            top = max(top, z[i, k])
        total = zero
        for k in range(z.shape[1]):
            power = np.exp(z[i, k] - top)
            z[i, k] = power
            total += power
        factor = one / total
        for k in range(z.shape[1]):
            z[i, k] *= factor


@compiled
def are_codes(y: Array, classes: int) -> bool:
    """Return whether class codes are integers from 0 to classes − 1; y of shape (n,)."""
    odd = 0
    for i in range(y.size):
        odd += not 0 <= y[i] < classes
    return odd == 0


@compiled
def softmax_cross_entropy(z: Array, y: Array, s: float, A: Array, each: Array) -> None:
    """Compute A = softmax(z) − T and each row's loss log Σₖ exp zₖ − Σₖ Tₖ zₖ."""
    n, classes = z.shape
    zero, one = z.dtype.type(0), z.dtype.type(1)
    share = z.dtype.type(s / classes)
    rest = z.dtype.type(1 - s)
    for i in range(n):
        top = z[i, 0]
        for k in range(1, classes):
            top = max(top, z[i, k])
        total, spread = zero, zero
        for k in range(classes):
            shifted = z[i, k] - top
            spread += shifted
            power = np.exp(shifted)
            A[i, k] = power
            total += power
        factor = one / total
        for k in range(classes):
            A[i, k] = A[i, k] * factor - share
        A[i, y[i]] -= rest
        each[i] = np.log(total) - rest * (z[i, y[i]] - top)
        if s != 0:
            each[i] -= share * spread


@compiled
def dropout(x: Array, draws: Array, least: int, scale: float, mask: Array, y: Array) -> None:
    """Draw a mask and apply it: mask = scale · [draws ≥ least], y = x · mask."""
    zero, factor = x.dtype.type(0), x.dtype.type(scale)
    for i in range(x.size):
        value = factor if draws[i] >= least else zero
        mask[i] = value
        y[i] = x[i] * value


@compiled
def noise(x: Array, draws: Array, factor: float, middle: float, y: Array) -> None:
    """Add uniform noise: y = x + factor · draws − middle."""
    scale, half = x.dtype.type(factor), x.dtype.type(middle)
    for i in range(x.size):
        y[i] = x[i] + (scale * draws[i] - half)


@compiled
def center(x: Array, mean: Array, out: Array, squares: Array) -> None:
    """Center each column, and sum its squares: out = x − mean, squares = Σₙ out²."""
    squares[:] = x.dtype.type(0)
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            value = x[i, j] - mean[j]
            out[i, j] = value
            squares[j] += value * value


@compiled
def affine(x: Array, slope: Array, shift: Array, y: Array) -> None:
    """Scale and shift each row: y = slope ⊙ x + shift, with slope and shift of shape (k,)."""
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            y[i, j] = slope[j] * x[i, j] + shift[j]


@compiled
def batchnorm_gradient(
    d: Array, centered: Array, share: Array, common: Array, product: Array
) -> None:
    """Pass a scaled gradient back: d ← d − share ⊙ centered − common."""
    for i in range(d.shape[0]):
        for j in range(d.shape[1]):
            d[i, j] = d[i, j] - share[j] * centered[i, j] - common[j]


@compiled
def layernorm(
    x: Array, gamma: Array, beta: Array, eps: float, hat: Array, inverse: Array, y: Array
) -> None:
    """Normalize each row: x̂ = (x − μ) / √(σ² + ε), y = γ ⊙ x̂ + β."""
    zero, one, small = x.dtype.type(0), x.dtype.type(1), x.dtype.type(eps)
    k = x.dtype.type(x.shape[1])
    for i in range(x.shape[0]):
        total = zero
        for j in range(x.shape[1]):
            total += x[i, j]
        mean = total / k
        squares = zero
        for j in range(x.shape[1]):
            value = x[i, j] - mean
            hat[i, j] = value
            squares += value * value
        factor = one / np.sqrt(squares / k + small)
        inverse[i] = factor
        for j in range(x.shape[1]):
            value = hat[i, j] * factor
            hat[i, j] = value
            y[i, j] = gamma[j] * value + beta[j]


@compiled
def layernorm_sums(dy: Array, hat: Array, product: Array, dgamma: Array, dbeta: Array) -> None:
    """Sum a gradient over the rows: dγ = Σₙ dy ⊙ x̂, dβ = Σₙ dy."""
    dgamma[:] = dy.dtype.type(0)
    dbeta[:] = dy.dtype.type(0)
    for i in range(dy.shape[0]):
        for j in range(dy.shape[1]):
            dgamma[j] += dy[i, j] * hat[i, j]
            dbeta[j] += dy[i, j]


@compiled
def layernorm_gradient(
    dy: Array, hat: Array, inverse: Array, gamma: Array, product: Array, means: Array
) -> None:
    """Pass a gradient back through layer normalization, with h = γ ⊙ dy and means over each row.

    dy ← (h − mean h − x̂ ⊙ mean(h ⊙ x̂)) ⊙ inverse.
    """
    zero = dy.dtype.type(0)
    k = dy.dtype.type(dy.shape[1])
    for i in range(dy.shape[0]):
        total, along = zero, zero
        for j in range(dy.shape[1]):
            h = gamma[j] * dy[i, j]
            dy[i, j] = h
            total += h
            along += h * hat[i, j]
        mean, slope = total / k, along / k
        for j in range(dy.shape[1]):
            dy[i, j] = (dy[i, j] - mean - hat[i, j] * slope) * inverse[i]


@compiled
def max_pool_gradient(
    dy: Array,
    x: Array,
    y: Array,
    size: Pair,
    stride: Pair,
    overlap: bool,
    here: Array,
    taken: Array,
    share: Array,
    dx: Array,
) -> None:
    """Pass a gradient back through max pooling: dx = dy where x is the first equal to y."""
    zero = dy.dtype.type(0)
    taken[:] = False
    for n in range(y.shape[0]):
        for p in range(y.shape[1]):
            for q in range(y.shape[2]):
                for i in range(size[0]):
                    row = p * stride[0] + i
                    for j in range(size[1]):
                        column = q * stride[1] + j
                        for c in range(y.shape[3]):
                            hit = x[n, row, column, c] == y[n, p, q, c] and not taken[n, p, q, c]
                            taken[n, p, q, c] |= hit
                            part = dy[n, p, q, c] if hit else zero
                            if overlap:
                                dx[n, row, column, c] += part
                            else:
                                dx[n, row, column, c] = part


def check() -> None:
    """Raise what the compiler raises if it cannot be used: run one operation."""
    add_bias(np.zeros((1, 1), np.float32), np.zeros(1, np.float32))
