"""How good probabilities are, over test rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
SMALLEST = float(np.finfo(np.float32).eps)
"""Probabilities are taken to be at least this, so that one certain mistake costs 15.9, not ∞."""


def wrong(probabilities: Array, y: Array) -> NDArray[np.bool_]:
    """Tell for each row whether its most probable class is not the true one."""
    return np.asarray(probabilities.argmax(axis=-1) != y)


def log_loss(probabilities: Array, y: Array) -> float:
    """−1/n Σ log p(true class), p at least :data:`SMALLEST`.

    >>> round(log_loss(np.array([[0.5, 0.5]]), np.array([0])), 4)  # log 2
    0.6931
    """
    p = probabilities[np.arange(len(y)), y].astype(np.float64)
    total = probabilities.sum(axis=1, dtype=np.float64)
    return float(-np.mean(np.log(np.maximum(p / total, SMALLEST))))


def brier(probabilities: Array, y: Array) -> float:
    """1/n Σ over rows and classes of (p − onehot)², from 0 to 2.

    Source: Brier, *Verification of forecasts expressed in terms of probability*, 1950.

    >>> brier(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([0, 0]))
    1.0
    """
    p = probabilities.astype(np.float64)
    p[np.arange(len(y)), y] -= 1
    return float(np.mean(np.sum(p**2, axis=1)))
