"""Raw features as a model's input: tables are prepared, arrays pass unchanged."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.data.prepare.preparation import Preparation

Array = NDArray[Any]

BLOCK = 1 << 16
"""Rows of a table prepared at a time."""


class PreparedTable:
    """A fitted preparation of raw features; without one, they pass unchanged."""

    def __init__(self, preparation: Preparation | None = None) -> None:
        self.preparation = preparation
        self._last: tuple[Any, Array] | None = None

    def __call__(self, X: Any) -> Array:
        """Return the model's input matrix."""
        return X if self.preparation is None else self.preparation.transform(X)

    def predict(self, X: Any, predict: Callable[[Array], Array]) -> Array:
        """Prepare the rows and predict, block by block."""
        if self.preparation is None or len(X) <= BLOCK:
            return predict(self(X))
        blocks = range(0, len(X), BLOCK)
        return np.concatenate([predict(self(X[start : start + BLOCK])) for start in blocks])

    def predict_cached(self, X: Any, predict: Callable[[Array], Array]) -> Array:
        """Predict, caching the prepared rows, because every checkpoint predicts the same ones."""
        if self._last is None or self._last[0] is not X:
            self._last = (X, self(X))
        return predict(self._last[1])

    def clear(self) -> None:
        """Empty the cache."""
        self._last = None

    def to_bytes(self) -> bytes:
        """Return the preparation as JSON; empty without one."""
        if self.preparation is None:
            return b""
        return json.dumps(self.preparation.to_spec(), ensure_ascii=False).encode()
