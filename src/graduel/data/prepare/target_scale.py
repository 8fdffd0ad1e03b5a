"""The scale of a numeric target: networks are trained on numbers of mean 0 and variance 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
MOST_LOG = 709.0
"""About the logarithm of the largest float64."""


@dataclass(frozen=True, slots=True)
class TargetScale:
    """t = (y − center) / scale, from the training rows; predictions stay in their range.

    Attributes
    ----------
    center, scale : mean and standard deviation of the training targets; of rates (Poisson, gamma),
        0 and the mean
    low, high : the least and the largest training target, which bound the predictions
    is_log : whether these are of the target's logarithm

    Examples
    --------
    >>> scale = TargetScale.fit(np.array([1.0, 3.0]))
    >>> scale.encode(np.array([1.0, 3.0])).ravel().tolist(), scale.decode(np.array([[9.0]])).item()
    ([-1.0, 1.0], 3.0)
    """

    center: float
    scale: float
    low: float
    high: float
    is_log: bool = False

    @classmethod
    def fit(cls, y: Array, *, is_rate: bool = False) -> TargetScale:
        """Return the scale of training targets; `is_rate` if the network predicts a logarithm."""
        center, scale = (0.0, float(y.mean())) if is_rate else (float(y.mean()), float(y.std()))
        return cls(center, scale or 1.0, float(y.min()), float(y.max()))

    def encode(self, y: Array) -> Array:
        """Return the targets of a network, float32 (n, 1)."""
        return ((y - self.center) / self.scale).astype(np.float32)[:, np.newaxis]

    def decode(self, outputs: Array) -> Array:
        """Return the predictions of a network's outputs, float64 (n, 1)."""
        numbers = outputs.astype(np.float64) * self.scale + self.center
        np.clip(numbers, self.low, self.high, out=numbers)
        return np.exp(np.minimum(numbers, MOST_LOG)) if self.is_log else numbers
