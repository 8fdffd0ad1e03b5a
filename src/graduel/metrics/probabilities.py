"""Class probabilities from model outputs: raw scores, one column, or a subset of the classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def expand_classes(p: Any, classes: Any, n_classes: int) -> Array:
    """Return float32 probabilities for all classes; classes without training rows get 0.

    `classes` are the codes of the columns of `p`.

    >>> expand_classes([[0.25, 0.75]], [0, 2], 3).tolist()
    [[0.25, 0.0, 0.75]]
    """
    p, codes = np.asarray(p, np.float32), np.asarray(classes).astype(np.intp)
    if len(codes) == n_classes:
        return p
    expanded = np.zeros((len(p), n_classes), np.float32)
    expanded[:, codes] = p
    return expanded


def softmax(raw: Array) -> Array:
    """Return the softmax of raw scores of shape (n, classes); two classes may have (n,) or (n, 1).

    >>> softmax(np.array([0.0])).tolist(), softmax(np.zeros((1, 4))).tolist()
    ([[0.5, 0.5]], [[0.25, 0.25, 0.25, 0.25]])
    """
    if raw.ndim == 1 or raw.shape[1] == 1:
        score = raw.reshape(-1, 1)
        raw = np.concatenate([np.zeros_like(score), score], axis=1)
    powers = np.exp(raw - raw.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def two_columns(p: Array) -> Array:
    """Return probabilities of both classes, (n, 2), also if `p` holds only the second, (n,)."""
    return np.stack([1 - p, p], axis=1) if p.ndim == 1 else p
