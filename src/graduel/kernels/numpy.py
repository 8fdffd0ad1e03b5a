"""The operations in NumPy: the reference, and what runs without Numba.

Arrays are (n, k), a row for each example, unless an operation says otherwise. What ends in an
argument `out` is written there; what changes an argument in place returns None or a number.
"""

from __future__ import annotations

import numpy as np

from graduel.kernels.images_numpy import *  # noqa: F403  # accessed as attributes of this module
from graduel.kernels.images_numpy import Pair
from graduel.kernels.rules_numpy import *  # noqa: F403
from graduel.kernels.table_numpy import *  # noqa: F403
from graduel.kernels.table_numpy import Array


def gather_scale(X: Array, index: Array, scale: float, raw: Array, out: Array) -> None:
    """Gather rows as floats: out[i] = scale · X[index[i]].

    Parameters
    ----------
    X : (N, k), any dtype
    index : (n,), integers from 0 to N − 1
    raw : (n, k), scratch space of X's dtype; may be `out`
    out : (n, k), floats
    """
    # mode="clip" lets take write into raw directly.
    np.take(X, index, axis=0, out=raw, mode="clip")
    if raw is not out:
        np.copyto(out, raw, casting="unsafe")
    if scale != 1:
        out *= scale


def add_bias(y: Array, b: Array) -> None:
    """Add a bias to each row: y ← y + b, with b of shape (k,)."""
    y += b


def relu(x: Array, out: Array) -> None:
    """Apply ReLU: out = max(0, x). NaN stays NaN."""
    # NumPy compares with a row of zeros three times as fast as with the number 0.
    np.maximum(x, np.zeros(x.shape[1], x.dtype), out=out)


def bias_relu(y: Array, b: Array) -> None:
    """Add a bias and apply ReLU: y ← max(0, y + b), with b of shape (k,)."""
    y += b
    np.maximum(y, np.zeros(y.shape[1], y.dtype), out=y)


def relu_gate(dy: Array, y: Array, gate: Array) -> None:
    """Pass a gradient back through ReLU: dy ← dy · [y > 0].

    `gate` is scratch space for (n, k) booleans.
    """
    np.greater(y, 0, out=gate)
    np.multiply(dy, gate, out=dy)


def bias_gradient(dy: Array, db: Array) -> None:
    """Sum a gradient over the examples: db = Σₙ dy, of shape (k,)."""
    np.sum(dy, axis=0, out=db)


def relu_gate_bias(dy: Array, y: Array, gate: Array, db: Array) -> None:
    """Pass a gradient back through ReLU and a bias: dy ← dy · [y > 0], then db = Σₙ dy."""
    relu_gate(dy, y, gate)
    np.sum(dy, axis=0, out=db)


def softmax(z: Array) -> None:
    """Apply the softmax to each row: zₖ ← exp zₖ / Σⱼ exp zⱼ, computed without overflow."""
    A = np.ascontiguousarray(z.T)  # a line for each class, as in softmax_cross_entropy
    A -= A.max(axis=0)
    np.exp(A, out=A)
    A /= A.sum(axis=0)
    z[...] = A.T


def are_codes(y: Array, classes: int) -> bool:
    """Return whether class codes are integers from 0 to classes − 1; y of shape (n,)."""
    return not len(y) or bool(y.min() >= 0 and y.max() < classes)


def softmax_cross_entropy(z: Array, y: Array, s: float, A: Array, each: Array) -> None:
    """Compute A = softmax(z) − T and each row's loss log Σₖ exp zₖ − Σₖ Tₖ zₖ.

    T = (1 − s) onehot(y) + s / K.

    Parameters
    ----------
    z : (n, K), logits
    y : (n,), class codes from 0 to K − 1
    s : label smoothing, in [0, 1)
    A : (n, K); fastest if it is the transpose of an array that lies in a row
    each : (n,), the loss of each row
    """
    n, classes = z.shape
    np.copyto(A, z)
    A = A.T  # a line for each class: operations along ten classes are slow, along the batch fast
    A -= np.max(A, axis=0, out=each)
    rows = np.arange(n)
    z_y = A[y, rows]
    if s:
        z_y *= 1 - s
        np.sum(A, axis=0, out=each)
        each *= s / classes
        z_y += each
    np.sum(np.exp(A, out=A), axis=0, out=each)
    A /= each
    if s:
        A -= s / classes
    A[y, rows] -= 1 - s
    np.subtract(np.log(each, out=each), z_y, out=each)


def dropout(x: Array, draws: Array, least: int, scale: float, mask: Array, y: Array) -> None:
    """Draw a mask and apply it: mask = scale · [draws ≥ least], y = x · mask.

    Parameters
    ----------
    x, mask, y : (m,), floats
    draws : (m,), uint16
    least : the smallest number that keeps an element
    scale : of what is kept
    """
    np.greater_equal(draws, least, out=mask, casting="unsafe")
    mask *= scale
    np.multiply(x, mask, out=y)


def noise(x: Array, draws: Array, factor: float, middle: float, y: Array) -> None:
    """Add uniform noise: y = x + factor · draws − middle."""
    np.multiply(draws, factor, out=y, casting="unsafe")
    y -= middle
    y += x


def center(x: Array, mean: Array, out: Array, squares: Array) -> None:
    """Center each column, and sum its squares: out = x − mean, squares = Σₙ out²."""
    np.subtract(x, mean, out=out)
    np.einsum("nk,nk->k", out, out, out=squares)


def affine(x: Array, slope: Array, shift: Array, y: Array) -> None:
    """Scale and shift each row: y = slope ⊙ x + shift, with slope and shift of shape (k,)."""
    np.multiply(x, slope, out=y)
    y += shift


def batchnorm_gradient(
    d: Array, centered: Array, share: Array, common: Array, product: Array
) -> None:
    """Pass a scaled gradient back: d ← d − share ⊙ centered − common.

    `product` is scratch space for (n, k) floats.
    """
    d -= np.multiply(centered, share, out=product)
    d -= common


def layernorm(
    x: Array, gamma: Array, beta: Array, eps: float, hat: Array, inverse: Array, y: Array
) -> None:
    """Normalize each row: x̂ = (x − μ) / √(σ² + ε), y = γ ⊙ x̂ + β.

    `hat` (n, k) and `inverse` (n,), 1 / √(σ² + ε), are what the way back needs.
    """
    # np.mean takes several times as long where the rows are short.
    np.einsum("nk->n", x, out=inverse)
    inverse /= x.shape[1]
    np.subtract(x, inverse[:, np.newaxis], out=hat)
    np.einsum("nk,nk->n", hat, hat, out=inverse)
    inverse /= x.shape[1]
    inverse += eps
    np.divide(1, np.sqrt(inverse, out=inverse), out=inverse)
    hat *= inverse[:, np.newaxis]
    affine(hat, gamma, beta, y)


def layernorm_sums(dy: Array, hat: Array, product: Array, dgamma: Array, dbeta: Array) -> None:
    """Sum a gradient over the rows: dγ = Σₙ dy ⊙ x̂, dβ = Σₙ dy.

    `product` is scratch space for (n, k) floats.
    """
    np.sum(np.multiply(dy, hat, out=product), axis=0, out=dgamma)
    np.sum(dy, axis=0, out=dbeta)


def layernorm_gradient(
    dy: Array, hat: Array, inverse: Array, gamma: Array, product: Array, means: Array
) -> None:
    """Pass a gradient back through layer normalization, with h = γ ⊙ dy and means over each row.

    dy ← (h − mean h − x̂ ⊙ mean(h ⊙ x̂)) ⊙ inverse. `product` (n, k) and `means` (2, n) are scratch
    space.
    """
    dy *= gamma
    np.einsum("nk->n", dy, out=means[0])
    np.einsum("nk,nk->n", dy, hat, out=means[1])
    means /= dy.shape[1]
    dy -= means[0][:, np.newaxis]
    dy -= np.multiply(hat, means[1][:, np.newaxis], out=product)
    dy *= inverse[:, np.newaxis]


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
    """Pass a gradient back through max pooling: dx = dy where x is the first equal to y.

    Parameters
    ----------
    dy, y : (n, rows, across, c)
    x, dx : (n, h, w, c)
    size, stride : of the windows, down and across
    overlap : whether windows overlap: shares are added to dx, which holds zeros; otherwise they
        are written
    here, taken : (n, rows, across, c), scratch space of booleans
    share : (n, rows, across, c), scratch space of floats where windows overlap
    """
    taken.fill(False)
    down, across = y.shape[1], y.shape[2]
    for i in range(size[0]):
        rows = slice(i, i + (down - 1) * stride[0] + 1, stride[0])
        for j in range(size[1]):
            columns = slice(j, j + (across - 1) * stride[1] + 1, stride[1])
            np.equal(x[:, rows, columns], y, out=here)
            np.greater(here, taken, out=here)
            np.logical_or(taken, here, out=taken)
            place = dx[:, rows, columns]
            if overlap:
                np.add(place, np.multiply(dy, here, out=share), out=place)
            else:
                np.multiply(dy, here, out=place)
