"""Features as a model takes them: a table prepared, an array as it came."""

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
    """A preparation at work; without one, features go through as they are."""

    def __init__(self, preparation: Preparation | None = None) -> None:
        self.preparation = preparation
        self._last: tuple[Any, Array] | None = None

    def __call__(self, X: Any) -> Array:
        """Return the matrix of some rows."""
        return X if self.preparation is None else self.preparation.transform(X)

    def answer(self, X: Any, predict: Callable[[Array], Array]) -> Array:
        """Prepare and predict, block by block."""
        if self.preparation is None or len(X) <= BLOCK:
            return predict(self(X))
        blocks = range(0, len(X), BLOCK)
        return np.concatenate([predict(self(X[start : start + BLOCK])) for start in blocks])

    def again(self, X: Any, predict: Callable[[Array], Array]) -> Array:
        """Predict rows that are asked for again and again: what was prepared last is kept."""
        if self._last is None or self._last[0] is not X:
            self._last = (X, self(X))
        return predict(self._last[1])

    def forget(self) -> None:
        """Keep nothing."""
        self._last = None

    def to_bytes(self) -> bytes:
        """Return the preparation as JSON; nothing where there is none."""
        if self.preparation is None:
            return b""
        return json.dumps(self.preparation.to_spec(), ensure_ascii=False).encode()
