"""Cases for the operations of update rules; see `operations.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
from operations import Arguments, Sizes, exact, flat_vectors, matrices, operation


def _step(s: Sizes, moments: tuple[str, ...], **options: Any) -> Arguments:
    size, chance = s.n * s.k, s.rng.integers(2, size=2)
    arguments: Arguments = {"theta": s.finite(size), "g": s.floats(size)}
    for name in moments:
        arguments[name] = s.floats(size, positive=name == "v" and len(moments) > 1)
    arguments["scratch"] = s.garbage(max(1, size // 2))
    arguments["weights"] = int(s.rng.integers(size + 1))
    arguments["penalty"] = 0.01 * float(chance[0])
    arguments["shrink"] = 1 - 0.01 * float(chance[1])
    return arguments | options


def _decayed(theta, g, weights, penalty, shrink):
    W = theta[:weights]
    first = np.arange(len(theta)) < weights
    squares = float(W @ W) if penalty else 0.0
    return theta * np.where(first, shrink, 1), g + penalty * theta * first, squares


@operation(lambda s: _step(s, ("m", "v"), beta1=0.9, beta2=0.999, rate=1e-2, eps=1e-5))
def adam_update(theta, g, m, v, scratch, weights, penalty, shrink, beta1, beta2, rate, eps):
    start, d, squares = _decayed(theta, g, weights, penalty, shrink)
    M, V = beta1 * m + d, beta2 * v + d**2
    move = rate * M / (np.sqrt(V) + eps)
    # What M is a sum of may be far larger than M.
    terms = rate * (np.abs(beta1 * m) + np.abs(g) + np.abs(penalty * theta)) / (np.sqrt(V) + eps)
    return {
        "theta": (start - move, np.abs(theta) + terms),
        "m": (M, np.abs(m) + np.abs(g) + np.abs(theta)),
        "v": (V, v + (np.abs(g) + np.abs(penalty * theta)) ** 2),
        "return": (squares, squares),
    }


@operation(lambda s: _step(s, ("v",), momentum=0.9, nesterov=bool(s.rng.integers(2)), rate=1e-2))
def momentum_update(theta, g, v, scratch, weights, penalty, shrink, momentum, nesterov, rate):
    start, d, squares = _decayed(theta, g, weights, penalty, shrink)
    V = momentum * v + d
    size = np.abs(v) + np.abs(g) + np.abs(theta)
    return {
        "theta": (start - rate * (d + momentum * V if nesterov else V), size),
        "v": (V, size),
        "return": (squares, squares),
    }


@operation(lambda s: {**flat_vectors(s, "average theta"), "share": 0.01, "scratch": s.garbage(5)})
def ema_update(average, theta, share, scratch):
    moved = average + share * (theta - average)
    return {"average": (moved, np.abs(average) + np.abs(theta))}


def _move(theta, g, weights, penalty, top, bottom):
    """The size of the terms of θ − rate · top / bottom, with a top that is a sum."""
    first = np.arange(len(theta)) < weights
    return np.abs(theta) + (top + np.abs(g) + np.abs(penalty * theta * first)) / bottom


@operation(lambda s: _step(s, (), rate=1e-2))
def sgd_update(theta, g, scratch, weights, penalty, shrink, rate):
    start, d, squares = _decayed(theta, g, weights, penalty, shrink)
    size = _move(theta, g, weights, penalty, 0, 1)
    return {"theta": (start - rate * d, size), "return": exact(squares)}


@operation(lambda s: _step(s, ("m", "v", "u"), beta1=0.9, beta2=0.999, rate=1e-2, eps=1e-5))
def amsgrad_update(theta, g, m, v, u, scratch, weights, penalty, shrink, beta1, beta2, rate, eps):
    start, d, squares = _decayed(theta, g, weights, penalty, shrink)
    M, V = beta1 * m + d, beta2 * v + d**2
    U = np.maximum(u, V)
    root = np.sqrt(U) + eps
    size = (np.abs(g) + np.abs(penalty * theta)) ** 2
    return {
        "theta": (start - rate * M / root, _move(theta, g, weights, penalty, np.abs(m), root)),
        "m": (M, np.abs(m) + np.abs(g) + np.abs(theta)),
        "v": (V, v + size),
        "u": (U, np.abs(u) + v + size),
        "return": exact(squares),
    }


def _squares(s: Sizes, *names: str, **options: Any) -> Arguments:
    arguments = _step(s, names, **options)
    return arguments | {"v": np.abs(arguments["v"])}


@operation(lambda s: _squares(s, "v", rate=1e-2, eps=1e-5))
def adagrad_update(theta, g, v, scratch, weights, penalty, shrink, rate, eps):
    start, d, squares = _decayed(theta, g, weights, penalty, shrink)
    V = v + d**2
    root = np.sqrt(V) + eps
    return {
        "theta": (start - rate * d / root, _move(theta, g, weights, penalty, 0, root)),
        "v": (V, v + (np.abs(g) + np.abs(penalty * theta)) ** 2),
        "return": exact(squares),
    }


@operation(lambda s: _squares(s, "v", decay=0.9, rate=1e-2, eps=1e-5))
def rmsprop_update(theta, g, v, scratch, weights, penalty, shrink, decay, rate, eps):
    return adagrad_update(theta, g, decay * v, scratch, weights, penalty, shrink, rate, eps)


@operation(lambda s: _squares(s, "v", "b", decay=0.9, momentum=0.8, rate=1e-2, eps=1e-5))
def rmsprop_momentum_update(
    theta, g, v, b, scratch, weights, penalty, shrink, decay, momentum, rate, eps
):
    start, d, squares = _decayed(theta, g, weights, penalty, shrink)
    V = decay * v + d**2
    root = np.sqrt(V) + eps
    B = momentum * b + d / root
    size = _move(theta, g, weights, penalty, 0, root) + np.abs(b)
    return {
        "theta": (start - rate * B, size),
        "b": (B, size),
        "v": (V, v + (np.abs(g) + np.abs(penalty * theta)) ** 2),
        "return": exact(squares),
    }


@operation(lambda s: _step(s, ("m",), beta2=0.99, share=0.09, rate=1e-2))
def lion_update(theta, g, m, scratch, weights, penalty, shrink, beta2, share, rate):
    start, d, squares = _decayed(theta, g, weights, penalty, shrink)
    tiny, c = 2.0**-100, share * m + d
    terms = np.abs(share * m) + np.abs(g) + np.abs(penalty * theta)
    # A sum near 0 may have the other sign; one that is infinite has no other.
    ratio = np.where(np.isfinite(terms), terms, 0) / np.maximum(np.abs(c), tiny)
    size = np.abs(theta) + rate * (1 + ratio)
    return {
        "theta": (start - rate * np.clip(c, -tiny, tiny) / tiny, size),
        "m": (beta2 * m + d, np.abs(m) + np.abs(g) + np.abs(theta)),
        "return": exact(squares),
    }


@operation(lambda s: flat_vectors(s, "x") | {"floor": 0.5, "scratch": s.garbage(5)})
def flush(x, floor, scratch):
    return {"x": exact(np.where(np.abs(x) < floor, 0, x))}


@operation(lambda s: flat_vectors(s, "g") | {"maximum": [0.5, 1e9][s.rng.integers(2)]})
def clip(g, maximum):
    return {"g": exact(np.clip(g, -maximum, maximum) if np.isfinite(g).all() else g)}


@operation(lambda s: matrices(s, "W") | {"maximum": [0.5, 1e9][s.rng.integers(2)]})
def max_norm(W, maximum):
    lengths = np.sqrt((W**2).sum(axis=0))
    if (lengths <= maximum).all():
        return {"W": exact(W)}
    # At ∞ the scale of a column is 0, and 0 · ∞ is no number.
    return {"W": exact(W * (maximum / np.maximum(lengths, maximum)))}


@operation(
    lambda s: (
        flat_vectors(s, "theta")
        | {"g": s.floats(s.n * s.k), "penalty": 0.1, "scratch": s.garbage(5)}
    )
)
def penalize(theta, g, penalty, scratch):
    squares = float(theta @ theta)
    return {"g": (g + penalty * theta, np.abs(g) + np.abs(theta)), "return": exact(squares)}
