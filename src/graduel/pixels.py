"""The scale of pixels: the one thing that data, training and estimators say of them alike."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def detect_scale(X: NDArray[Any]) -> float:
    """Return the factor for a network's inputs: 1/255 for uint8 pixels, 1 for other numbers.

    >>> detect_scale(np.array([[0.5]])), 1 / detect_scale(np.array([[255]], np.uint8))
    (1.0, 255.0)
    """
    return 1 / 255 if X.dtype == np.uint8 else 1.0
