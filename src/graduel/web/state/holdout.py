"""Data with the rows that no training here sees: those that models are judged on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.data import Dataset
from graduel.web.http_error import ClientError

Array = NDArray[Any]

TEST_SHARE = 5
"""Without a given split, one row in so many is judged on."""
MOST_VALID = 1000


@dataclass(frozen=True, slots=True, eq=False)
class HoldoutData:
    """Features and target, and which rows are kept for judging.

    Attributes
    ----------
    data : never changed
    test : the numbers of the rows that are judged on, in order
    """

    data: Dataset
    test: Array

    @classmethod
    def of(cls, data: Dataset) -> HoldoutData:
        """Keep the given test part, or a fifth of the rows that is drawn.

        >>> from graduel.data.source import open_source
        >>> len(HoldoutData.of(open_source("iris").load()).test)
        30
        """
        if data.n_train is not None:
            return cls(data, np.asarray(data.test_rows))
        n = len(data.y)
        drawn = np.random.default_rng(0).permutation(n)[: max(1, n // TEST_SHARE)]
        return cls(data, np.sort(drawn))

    def learning(self, most: int, seed: int = 0) -> tuple[Array, Array]:
        """Return rows to learn from and rows to be judged on while learning: drawn, apart.

        Raises
        ------
        Problem
            With status 422, where there are too few.

        Examples
        --------
        >>> from graduel.data.source import open_source
        >>> [len(rows) for rows in HoldoutData.of(open_source("iris").load()).learning(1000)]
        [96, 24]
        """
        rest = np.setdiff1d(np.arange(len(self.data.y)), self.test)
        rows = np.random.default_rng(seed).permutation(rest)
        n_valid = min(MOST_VALID, max(1, len(rows) // 5))
        train = rows[n_valid : n_valid + most]
        if len(train) < 4:
            raise ClientError(422, f"expected at least 10 rows to train on; got {len(self.data.y)}")
        return train, rows[:n_valid]
