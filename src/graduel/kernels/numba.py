"""The operations as compiled loops: each passes over its arrays once, on one thread.

What an operation computes, and its arguments, are documented in :mod:`graduel.kernels.numpy`. One
thread, because OpenBLAS's own threads spin for a while after a product, and loops on several
threads would wait for them.

Sums may be reassociated and products contracted, so that loops become vector instructions. NaN
and infinities keep their meaning.
"""

# mypy: disable-error-code="misc,no-untyped-call"
from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy as np
from numba.core import event
from numpy.typing import NDArray

from graduel import kernels

Array = NDArray[Any]
F = TypeVar("F", bound=Callable[..., Any])

OPTIONS: dict[str, Any] = {
    "fastmath": {"reassoc", "contract", "arcp", "nsz"},
    "error_model": "numpy",  # with Python's, a division keeps a loop from being vectorized
    "nogil": True,
}


class _Loading(event.Listener):
    """Counts the time of loading code from disk and of compiling it."""

    def on_start(self, event: Any) -> None:
        kernels.begin_setup()

    def on_end(self, event: Any) -> None:
        kernels.end_setup()


class _Compiling(event.Listener):
    """Announces that code must be compiled."""

    def on_start(self, event: Any) -> None:
        kernels.announce_compilation()

    def on_end(self, event: Any) -> None:
        pass


event.register("numba:compiler_lock", _Loading())
event.register("numba:compile", _Compiling())


def compiled(function: F) -> F:
    """Compile a function when it is first called, and keep the code on disk for later processes.

    Without a folder that can be written to, it is compiled in every process.
    """
    try:
        return numba.njit(cache=True, **OPTIONS)(function)
    except RuntimeError:
        return numba.njit(**OPTIONS)(function)


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
        kept = factor if draws[i] >= least else zero
        mask[i] = kept
        y[i] = x[i] * kept


@compiled
def noise(x: Array, draws: Array, factor: float, middle: float, y: Array) -> None:
    """Add uniform noise: y = x + factor · draws − middle."""
    scale, half = x.dtype.type(factor), x.dtype.type(middle)
    for i in range(x.size):
        y[i] = x[i] + (scale * draws[i] - half)


@compiled
def _decay(theta: Array, g: Array, n: int, penalty: float, shrink: float) -> float:
    factor, scale = theta.dtype.type(penalty), theta.dtype.type(shrink)
    squares = 0.0
    if penalty != 0:
        for start in range(0, n, 4096):
            total = theta.dtype.type(0)  # of a short part: float32 loses little, and is fast
            for i in range(start, min(start + 4096, n)):
                total += theta[i] * theta[i]
                g[i] += factor * theta[i]
            squares += total
    if shrink != 1:
        for i in range(n):
            theta[i] *= scale
    return squares


@compiled
def adam_update(
    theta: Array,
    g: Array,
    m: Array,
    v: Array,
    scratch: Array,
    weights: int,
    penalty: float,
    shrink: float,
    beta1: float,
    beta2: float,
    rate: float,
    eps: float,
) -> float:
    """Apply one step of Adam to flat vectors, with moments that are kept scaled."""
    squares = 0.0
    if penalty != 0 or shrink != 1:
        squares = _decay(theta, g, weights, penalty, shrink)
    b1, b2 = theta.dtype.type(beta1), theta.dtype.type(beta2)
    step, small = theta.dtype.type(rate), theta.dtype.type(eps)
    for i in range(theta.size):
        G = g[i]
        M = b1 * m[i] + G
        V = b2 * v[i] + G * G
        m[i] = M
        v[i] = V
        theta[i] -= step * (M / (np.sqrt(V) + small))
    return squares


@compiled
def momentum_update(
    theta: Array,
    g: Array,
    v: Array,
    scratch: Array,
    weights: int,
    penalty: float,
    shrink: float,
    momentum: float,
    nesterov: bool,
    rate: float,
) -> float:
    """Apply one step of gradient descent with momentum to flat vectors."""
    squares = 0.0
    if penalty != 0 or shrink != 1:
        squares = _decay(theta, g, weights, penalty, shrink)
    mu, step = theta.dtype.type(momentum), theta.dtype.type(rate)
    if nesterov:
        for i in range(theta.size):
            V = mu * v[i] + g[i]
            v[i] = V
            theta[i] -= step * (mu * V + g[i])
    else:
        for i in range(theta.size):
            V = mu * v[i] + g[i]
            v[i] = V
            theta[i] -= step * V
    return squares


@compiled
def ema_update(average: Array, theta: Array, share: float, scratch: Array) -> None:
    """Move an average of flat vectors: average ← average + share · (θ − average)."""
    part = average.dtype.type(share)
    for i in range(average.size):
        average[i] += part * (theta[i] - average[i])


def check() -> None:
    """Raise what the compiler raises if it cannot be used: run one operation."""
    add_bias(np.zeros((1, 1), np.float32), np.zeros(1, np.float32))
