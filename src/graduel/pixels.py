"""Scaling of pixels, shared by data, training and estimators."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def detect_scale(X: NDArray[Any]) -> float:
    """Return the factor that scales a network's inputs: 1/255 for uint8 pixels, otherwise 1.

    >>> detect_scale(np.array([[0.5]])), 1 / detect_scale(np.array([[255]], np.uint8))
    (1.0, 255.0)
    """
    return 1 / 255 if X.dtype == np.uint8 else 1.0
