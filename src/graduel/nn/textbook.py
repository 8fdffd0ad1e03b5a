"""The textbook network: the derived equations, one line of NumPy each.

Examples are columns: X has shape (features, m), Y is one-hot of shape (classes, m), W[l] has
shape (n_out, n_in), b[l] has shape (n_out, 1). The numbers (1) … (8) are those of
``docs/derivation.md``. The general engine, with examples as rows, is tested against this module.

>>> rng = np.random.default_rng(0)
>>> X = rng.normal(size=(3, 50))
>>> Y = one_hot(X.argmax(axis=0), 3)
>>> W, b = initialize([3, 8, 3], rng)
>>> losses = [loss for W, b, loss in descend(X, Y, W, b, rate=0.5, steps=100)]
>>> losses[-1] < 0.5 * losses[0]
True
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Arrays = list[Array]


def one_hot(y: NDArray[np.integer], classes: int) -> Array:
    """Return Y of shape (classes, m): Y[k, i] = 1 if example i is of class k, else 0."""
    return (np.arange(classes)[:, None] == y).astype(np.float64)


def initialize(sizes: Sequence[int], rng: np.random.Generator | int) -> tuple[Arrays, Arrays]:
    """Draw W ~ N(0, 2 / n_in) (He et al., 2015) and set b = 0 for each pair of adjacent sizes."""
    pairs, rng = list(pairwise(sizes)), np.random.default_rng(rng)
    W = [rng.normal(0.0, np.sqrt(2 / n_in), size=(n_out, n_in)) for n_in, n_out in pairs]
    b = [np.zeros((n_out, 1)) for _, n_out in pairs]
    return W, b


def relu(Z: Array) -> Array:
    """Return max(0, Z)."""
    return np.maximum(0, Z)


def softmax(Z: Array) -> Array:
    """Return exp(Z) / Σ exp(Z) per column; Z − max Z gives the same without overflow."""
    E = np.exp(Z - Z.max(axis=0))
    return E / E.sum(axis=0)


def cross_entropy(A: Array, Y: Array) -> float:
    """Return L = −1/m Σ log(predicted probability of the true class)."""
    return -float(np.mean(np.log(np.sum(A * Y, axis=0) + 1e-30)))


def forward(X: Array, W: Arrays, b: Arrays) -> tuple[Arrays, Arrays]:
    """Return all Z[l] and A[l]; A[0] is X, A[-1] holds the class probabilities."""
    Z: Arrays = []
    A = [X]
    for l in range(len(W)):
        Z.append(W[l] @ A[l] + b[l])                         # (1) Z = W A + b
        last = l == len(W) - 1
        A.append(softmax(Z[l]) if last else relu(Z[l]))      # (2) A = ReLU(Z)   (3) softmax
    return Z, A


def backward(Z: Arrays, A: Arrays, Y: Array, W: Arrays) -> tuple[Arrays, Arrays]:
    """Return the gradients of the cross-entropy by each W[l] and b[l]."""
    m = Y.shape[1]
    dW, db = [np.empty(0)] * len(W), [np.empty(0)] * len(W)
    dZ = A[-1] - Y                                           # (4) softmax and cross-entropy
    for l in reversed(range(len(W))):
        dW[l] = 1 / m * dZ @ A[l].T                          # (5) dW = 1/m dZ Aᵀ
        db[l] = 1 / m * dZ.sum(axis=1, keepdims=True)        # (6) db = 1/m Σ dZ
        if l > 0:
            dZ = (W[l].T @ dZ) * (Z[l - 1] > 0)              # (7) the ReLU gate
    return dW, db


def descend(
    X: Array, Y: Array, W: Arrays, b: Arrays, *, rate: float, steps: int
) -> Iterator[tuple[Arrays, Arrays, float]]:
    """Run full-batch gradient descent; yield W, b and the loss *before* the step."""
    for _ in range(steps):
        Z, A = forward(X, W, b)
        dW, db = backward(Z, A, Y, W)
        W = [w - rate * d for w, d in zip(W, dW, strict=True)]   # (8) W ← W − α dW
        b = [v - rate * d for v, d in zip(b, db, strict=True)]   #     b ← b − α db
        yield W, b, cross_entropy(A[-1], Y)


def predict(X: Array, W: Arrays, b: Arrays) -> Array:
    """Return class probabilities, shape (classes, m)."""
    return forward(X, W, b)[1][-1]
