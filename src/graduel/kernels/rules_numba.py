"""The operations on flat vectors as compiled loops; see :mod:`graduel.kernels.rules_numpy`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.kernels.compiler import compiled
from graduel.kernels.rules_numpy import TINY

Array = NDArray[Any]


@compiled
def _decay(theta: Array, g: Array, n: int, penalty: float, shrink: float) -> float:
    factor, scale = theta.dtype.type(penalty), theta.dtype.type(shrink)
    squares = 0.0
    if penalty != 0:
        for start in range(0, n, 4096):
            # Slices, as a loop that may begin at a negative index is not vectorized.
            W, dW = theta[start : min(start + 4096, n)], g[start : min(start + 4096, n)]
            total = theta.dtype.type(0)  # of a short part: float32 loses little, and is fast
            for i in range(W.size):
                total += W[i] * W[i]
                dW[i] += factor * W[i]
            squares += total
    if shrink != 1:
        for i in range(n):
            theta[i] *= scale
    return squares


@compiled
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
    squares = _decay(theta, g, weights, penalty, shrink)
    step = theta.dtype.type(rate)
    for i in range(theta.size):
        theta[i] -= step * g[i]
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
    """Apply one step of gradient descent with momentum."""
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
    """Apply one step of Adam, with scaled moments."""
    squares = _decay(theta, g, weights, penalty, 1.0)
    scale = theta.dtype.type(shrink)  # in the one pass below, as this rule decays by default
    b1, b2 = theta.dtype.type(beta1), theta.dtype.type(beta2)
    step, small = theta.dtype.type(rate), theta.dtype.type(eps)
    for i in range(theta.size):
        G = g[i]
        M = b1 * m[i] + G
        V = b2 * v[i] + G * G
        m[i] = M
        v[i] = V
        W = scale * theta[i] if i < weights else theta[i]
        theta[i] = W - step * (M / (np.sqrt(V) + small))
    return squares


@compiled
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
    """Apply one step of AMSGrad, with scaled moments."""
    squares = _decay(theta, g, weights, penalty, 1.0)
    scale = theta.dtype.type(shrink)  # in the one pass below, as this rule decays by default
    b1, b2 = theta.dtype.type(beta1), theta.dtype.type(beta2)
    step, small = theta.dtype.type(rate), theta.dtype.type(eps)
    for i in range(theta.size):
        G = g[i]
        M = b1 * m[i] + G
        V = b2 * v[i] + G * G
        U = u[i]
        U = V if U < V or np.isnan(V) else U  # NaN stays NaN
        m[i] = M
        v[i] = V
        u[i] = U
        W = scale * theta[i] if i < weights else theta[i]
        theta[i] = W - step * (M / (np.sqrt(U) + small))
    return squares


@compiled
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
    squares = _decay(theta, g, weights, penalty, shrink)
    step, small = theta.dtype.type(rate), theta.dtype.type(eps)
    for i in range(theta.size):
        G = g[i]
        V = v[i] + G * G
        v[i] = V
        theta[i] -= step * (G / (np.sqrt(V) + small))
    return squares


@compiled
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
    """Apply one step of RMSProp, with a scaled v."""
    squares = _decay(theta, g, weights, penalty, shrink)
    rho, step, small = theta.dtype.type(decay), theta.dtype.type(rate), theta.dtype.type(eps)
    for i in range(theta.size):
        G = g[i]
        V = rho * v[i] + G * G
        v[i] = V
        theta[i] -= step * (G / (np.sqrt(V) + small))
    return squares


@compiled
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
    """Apply one step of RMSProp with momentum, with scaled v and b."""
    squares = _decay(theta, g, weights, penalty, shrink)
    rho, mu = theta.dtype.type(decay), theta.dtype.type(momentum)
    step, small = theta.dtype.type(rate), theta.dtype.type(eps)
    for i in range(theta.size):
        G = g[i]
        V = rho * v[i] + G * G
        B = mu * b[i] + G / (np.sqrt(V) + small)
        v[i] = V
        b[i] = B
        theta[i] -= step * B
    return squares


@compiled
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
    """Apply one step of Lion, with a scaled m."""
    squares = _decay(theta, g, weights, penalty, 1.0)
    scale = theta.dtype.type(shrink)  # in the one pass below, as this rule decays by default
    b2, part = theta.dtype.type(beta2), theta.dtype.type(share)
    low, high, step = theta.dtype.type(-TINY), theta.dtype.type(TINY), theta.dtype.type(rate / TINY)
    for i in range(theta.size):
        G, M = g[i], m[i]
        c = part * M + G
        c = high if c > high else c
        c = low if c < low else c
        m[i] = b2 * M + G
        W = scale * theta[i] if i < weights else theta[i]
        theta[i] = W - step * c
    return squares


@compiled
def penalize(theta: Array, g: Array, penalty: float, scratch: Array) -> float:
    """Add the gradient of an L2 penalty: g ← g + penalty · θ; return ‖θ‖²."""
    return _decay(theta, g, theta.size, penalty, 1.0)


@compiled
def flush(x: Array, floor: float, scratch: Array) -> None:
    """Set small entries of a flat vector to 0: x ← x · [|x| ≥ floor]. NaN stays NaN."""
    zero, small = x.dtype.type(0), x.dtype.type(floor)
    for i in range(x.size):
        value = x[i]
        x[i] = zero if abs(value) < small else value


@compiled
def clip(g: Array, maximum: float) -> None:
    """Clip the entries of a flat vector to ±maximum, unless one of them is not finite."""
    infinite, high, low = g.dtype.type(np.inf), g.dtype.type(maximum), g.dtype.type(-maximum)
    odd, large = 0, 0
    for i in range(g.size):
        size = abs(g[i])
        odd += not size < infinite
        large += size > high
    if odd or not large:
        return
    for i in range(g.size):
        value = g[i]
        value = high if value > high else value
        g[i] = low if value < low else value


@compiled
def max_norm(W: Array, maximum: float) -> None:
    """Scale columns down to a norm of at most `maximum`: w ← w · min(1, maximum / ‖w‖)."""
    lengths, high = np.zeros(W.shape[1], W.dtype), W.dtype.type(maximum)
    for i in range(W.shape[0]):
        for j in range(W.shape[1]):
            lengths[j] += W[i, j] * W[i, j]
    longer = False
    for j in range(W.shape[1]):
        length = np.sqrt(lengths[j])
        longer |= not length <= high
        lengths[j] = high / (high if length <= high else length)
    if not longer:
        return
    for i in range(W.shape[0]):
        for j in range(W.shape[1]):
            W[i, j] *= lengths[j]


@compiled
def ema_update(average: Array, theta: Array, share: float, scratch: Array) -> None:
    """Move an average of flat vectors: average ← average + share · (θ − average)."""
    part = average.dtype.type(share)
    for i in range(average.size):
        average[i] += part * (theta[i] - average[i])
