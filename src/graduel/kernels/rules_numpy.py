"""The operations on flat vectors in NumPy: update rules, clipping and averages; the reference.

A rule's update first decays the first `weights` entries:

    g ← g + penalty · θ,   then   θ ← shrink · θ

It returns their ‖θ‖² from before that if there is a penalty, else 0. θ and the moments change in
place, and g by a penalty. `scratch` is scratch space as long as a chunk.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

TINY = 2.0**-100
"""Numbers of at least this absolute value get the sign ±1."""


def sgd_update(
    theta: Array,
    g: Array,
    scratch: Array,
    weights: int,
    penalty: float,
    shrink: float,
    rate: float,
) -> float:
    """Apply one step of plain gradient descent: θ ← θ − rate · g."""
    squares = 0.0
    for part, work in _chunks(len(theta), scratch):
        squares += _decay(theta[part], g[part], weights - part.start, penalty, shrink, work)
        np.multiply(g[part], rate, out=work)
        theta[part] -= work
    return squares


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
    """Apply one step of gradient descent with momentum.

    v ← μ v + g,   θ ← θ − rate · v      Nesterov: θ ← θ − rate · (g + μ v)
    """
    squares = 0.0
    for part, work in _chunks(len(theta), scratch):
        squares += _decay(theta[part], g[part], weights - part.start, penalty, shrink, work)
        V, dW = v[part], g[part]
        V *= momentum
        V += dW
        if nesterov:
            np.multiply(V, momentum, out=work)
            work += dW
            work *= rate
        else:
            np.multiply(V, rate, out=work)
        theta[part] -= work
    return squares


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
    """Apply one step of Adam, with scaled moments.

    m ← β₁ m + g,   v ← β₂ v + g²,   θ ← θ − rate · m / (√v + ε)
    """
    squares = 0.0
    for part, work in _chunks(len(theta), scratch):
        squares += _decay(theta[part], g[part], weights - part.start, penalty, shrink, work)
        M, V, dW = m[part], v[part], g[part]
        _average(M, V, dW, beta1, beta2, work)
        _over_root(M, V, eps, work)
        work *= rate
        theta[part] -= work
    return squares


def amsgrad_update(
    theta: Array,
    g: Array,
    m: Array,
    v: Array,
    u: Array,
    scratch: Array,
    weights: int,
    penalty: float,
    shrink: float,
    beta1: float,
    beta2: float,
    rate: float,
    eps: float,
) -> float:
    """Apply one step of AMSGrad, with scaled moments.

    m ← β₁ m + g,   v ← β₂ v + g²,   u ← max(u, v),   θ ← θ − rate · m / (√u + ε)
    """
    squares = 0.0
    for part, work in _chunks(len(theta), scratch):
        squares += _decay(theta[part], g[part], weights - part.start, penalty, shrink, work)
        U, M, V = u[part], m[part], v[part]
        _average(M, V, g[part], beta1, beta2, work)
        np.maximum(U, V, out=U)
        _over_root(M, U, eps, work)
        work *= rate
        theta[part] -= work
    return squares


def adagrad_update(
    theta: Array,
    g: Array,
    v: Array,
    scratch: Array,
    weights: int,
    penalty: float,
    shrink: float,
    rate: float,
    eps: float,
) -> float:
    """Apply one step of AdaGrad: v ← v + g²,   θ ← θ − rate · g / (√v + ε)."""
    squares = 0.0
    for part, work in _chunks(len(theta), scratch):
        squares += _decay(theta[part], g[part], weights - part.start, penalty, shrink, work)
        G, dW = v[part], g[part]
        np.square(dW, out=work)
        G += work
        _over_root(dW, G, eps, work)
        work *= rate
        theta[part] -= work
    return squares


def rmsprop_update(
    theta: Array,
    g: Array,
    v: Array,
    scratch: Array,
    weights: int,
    penalty: float,
    shrink: float,
    decay: float,
    rate: float,
    eps: float,
) -> float:
    """Apply one step of RMSProp, with a scaled v.

    v ← ρ v + g²,   θ ← θ − rate · g / (√v + ε)
    """
    squares = 0.0
    for part, work in _chunks(len(theta), scratch):
        squares += _decay(theta[part], g[part], weights - part.start, penalty, shrink, work)
        _scaled(v[part], g[part], decay, eps, work)
        work *= rate
        theta[part] -= work
    return squares


def rmsprop_momentum_update(
    theta: Array,
    g: Array,
    v: Array,
    b: Array,
    scratch: Array,
    weights: int,
    penalty: float,
    shrink: float,
    decay: float,
    momentum: float,
    rate: float,
    eps: float,
) -> float:
    """Apply one step of RMSProp with momentum, with scaled v and b.

    v ← ρ v + g²,   b ← μ b + g / (√v + ε),   θ ← θ − rate · b
    """
    squares = 0.0
    for part, work in _chunks(len(theta), scratch):
        squares += _decay(theta[part], g[part], weights - part.start, penalty, shrink, work)
        _scaled(v[part], g[part], decay, eps, work)
        B = b[part]
        B *= momentum
        B += work
        np.multiply(B, rate, out=work)
        theta[part] -= work
    return squares


def lion_update(
    theta: Array,
    g: Array,
    m: Array,
    scratch: Array,
    weights: int,
    penalty: float,
    shrink: float,
    beta2: float,
    share: float,
    rate: float,
) -> float:
    """Apply one step of Lion, with a scaled m.

    θ ← θ − rate · sign(share · m + g),   m ← β₂ m + g
    """
    squares = 0.0
    for part, work in _chunks(len(theta), scratch):
        squares += _decay(theta[part], g[part], weights - part.start, penalty, shrink, work)
        M, dW = m[part], g[part]
        np.multiply(M, share, out=work)
        work += dW
        # rate · sign(c); several times faster than np.sign, which branches.
        np.clip(work, -TINY, TINY, out=work)
        work *= rate / TINY
        M *= beta2
        M += dW
        theta[part] -= work
    return squares


def penalize(theta: Array, g: Array, penalty: float, scratch: Array) -> float:
    """Add the gradient of an L2 penalty: g ← g + penalty · θ; return ‖θ‖²."""
    squares = 0.0
    for part, work in _chunks(len(theta), scratch):
        squares += _decay(theta[part], g[part], len(work), penalty, 1, work)
    return squares


def flush(x: Array, floor: float, scratch: Array) -> None:
    """Set small entries of a flat vector to 0: x ← x · [|x| ≥ floor]. NaN stays NaN."""
    for part, work in _chunks(len(x), scratch):
        np.abs(x[part], out=work)
        x[part][work < floor] = 0


def clip(g: Array, maximum: float) -> None:
    """Clip the entries of a flat vector to ±maximum, unless one of them is not finite."""
    low, high = (float(g.min()), float(g.max())) if len(g) else (0.0, 0.0)
    if isfinite(low) and isfinite(high) and max(-low, high) > maximum:
        np.clip(g, -maximum, maximum, out=g)


def max_norm(W: Array, maximum: float) -> None:
    """Scale columns down to a norm of at most `maximum`: w ← w · min(1, maximum / ‖w‖).

    W : (k, units), a column for each unit
    """
    lengths = np.sqrt(np.einsum("io,io->o", W, W))
    if not (lengths <= maximum).all():
        W *= maximum / np.maximum(lengths, maximum)


def ema_update(average: Array, theta: Array, share: float, scratch: Array) -> None:
    """Move an average of flat vectors: average ← average + share · (θ − average)."""
    for part, work in _chunks(len(theta), scratch):
        np.subtract(theta[part], average[part], out=work)
        work *= share
        average[part] += work


def _chunks(size: int, scratch: Array) -> Iterator[tuple[slice, Array]]:
    """Yield slices that cover a vector, each as long as `scratch`, and scratch space of its length.

    All passes over a chunk find it in the processor's cache.
    """
    for start in range(0, size, max(1, len(scratch))):
        part = slice(start, min(start + len(scratch), size))
        yield part, scratch[: part.stop - start]


def _decay(theta: Array, g: Array, n: int, penalty: float, shrink: float, scratch: Array) -> float:
    """Decay the first `n` entries of a chunk, and return their ‖θ‖² if there is a penalty."""
    W = theta[: max(n, 0)]
    squares = 0.0
    if penalty and len(W):
        squares = float(np.dot(W, W))
        g[: len(W)] += np.multiply(W, penalty, out=scratch[: len(W)])
    if shrink != 1:
        W *= shrink
    return squares


def _average(M: Array, V: Array, dW: Array, beta1: float, beta2: float, work: Array) -> None:
    """Move Adam's moments: M ← β₁ M + dW, V ← β₂ V + dW²."""
    M *= beta1
    M += dW
    np.square(dW, out=work)
    V *= beta2
    V += work


def _over_root(x: Array, V: Array, eps: float, work: Array) -> None:
    """Divide by a root: work = x / (√V + ε)."""
    np.sqrt(V, out=work)
    work += eps
    np.divide(x, work, out=work)


def _scaled(V: Array, dW: Array, decay: float, eps: float, work: Array) -> None:
    """Scale RMSProp's gradient: V ← ρ V + dW², work = dW / (√V + ε)."""
    np.square(dW, out=work)
    V *= decay
    V += work
    _over_root(dW, V, eps, work)
