"""Raw features as a model takes them: a table prepared, an array as it came."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.data.prepare.preparation import Preparation

Array = NDArray[Any]

BLOCK = 1 << 16
"""Rows of a table that are prepared at a time."""


class PreparedTable:
    """Prepares raw features with a fitted preparation; without one, they pass unchanged."""

    def __init__(self, preparation: Preparation | None = None) -> None:
        self.preparation = preparation
        self._last: tuple[Any, Array] | None = None

    def __call__(self, X: Any) -> Array:
        """Return the matrix of some rows."""
        return X if self.preparation is None else self.preparation.transform(X)

    def predict(self, X: Any, predict: Callable[[Array], Array]) -> Array:
        """Prepare and predict, block by block."""
        if self.preparation is None or len(X) <= BLOCK:
            return predict(self(X))
        blocks = range(0, len(X), BLOCK)
        return np.concatenate([predict(self(X[start : start + BLOCK])) for start in blocks])

    def predict_cached(self, X: Any, predict: Callable[[Array], Array]) -> Array:
        """Predict rows that come again at every checkpoint: the last prepared ones are cached."""
        if self._last is None or self._last[0] is not X:
            self._last = (X, self(X))
        return predict(self._last[1])

    def clear(self) -> None:
        """Empty the cache."""
        self._last = None

    def to_bytes(self) -> bytes:
        """Return the preparation as JSON; nothing without one."""
        if self.preparation is None:
            return b""
        return json.dumps(self.preparation.to_spec(), ensure_ascii=False).encode()
