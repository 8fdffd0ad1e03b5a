"""Data with held-out test rows, which are never used for training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graduel.data import Dataset
from graduel.web.array_codec import Array
from graduel.web.http_error import ClientError

TEST_DIVISOR = 5
"""Without predefined test rows, one row in this many becomes a test row."""
MAX_VALID = 1000


@dataclass(frozen=True, slots=True, eq=False)
class HoldoutData:
    """Features and target, with the indices of the test rows.

    Attributes
    ----------
    data : the data, never modified
    test : indices of the test rows, sorted
    """

    data: Dataset
    test: Array

    @classmethod
    def of(cls, data: Dataset) -> HoldoutData:
        """Hold out the predefined test rows, or a random fifth of the rows.

        >>> from graduel.data.source import open_source
        >>> len(HoldoutData.of(open_source("iris").load()).test)
        30
        """
        if data.n_train is not None:
            return cls(data, np.asarray(data.test_rows))
        n_rows = len(data.y)
        order = np.random.default_rng(0).permutation(n_rows)
        return cls(data, np.sort(order[: max(1, n_rows // TEST_DIVISOR)]))

    def draw_rows(self, max_train: int, seed: int = 0) -> tuple[Array, Array]:
        """Draw random training rows and validation rows, disjoint and without test rows.

        ClientError 422 if there are too few rows.

        >>> from graduel.data.source import open_source
        >>> [len(rows) for rows in HoldoutData.of(open_source("iris").load()).draw_rows(1000)]
        [96, 24]
        """
        rest = np.setdiff1d(np.arange(len(self.data.y)), self.test)
        rows = np.random.default_rng(seed).permutation(rest)
        n_valid = min(MAX_VALID, max(1, len(rows) // 5))
        train = rows[n_valid : n_valid + max_train]
        if len(train) < 4:
            raise ClientError(422, f"expected a table of at least 10 rows; got {len(self.data.y)}")
        return train, rows[:n_valid]
