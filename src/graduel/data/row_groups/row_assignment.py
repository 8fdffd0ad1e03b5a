"""Assignment of rows to training, validation and test without a pass over the table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graduel.data.row_groups.parquet_shards import RowGroup

TRAIN, VALID, TEST = 0, 1, 2
"""The roles of rows."""
TEST_SHARE, VALID_SHARE = 0.2, 0.15
"""Shares of test rows, and of validation rows among the others: those of a table in memory."""
MOST_VALID = 200_000
"""Maximum of the expected number of validation rows, which every epoch predicts."""


@dataclass(frozen=True, slots=True)
class RowAssignment:
    """The role of each row: training, validation or test.

    The roles of a row group are drawn by a generator keyed by (seed, row group), so that they are
    the same for any number of workers and any order of reading.

    Attributes
    ----------
    seed : the seed of the roles
    test, valid : the shares of all rows

    Examples
    --------
    >>> from pathlib import Path
    >>> group = RowGroup(3, Path("a.parquet"), 0, 10_000, 0)
    >>> roles = RowAssignment.of(10_000, seed=0).roles(group)
    >>> [round(float((roles == role).mean()), 1) for role in (TRAIN, VALID, TEST)]
    [0.7, 0.1, 0.2]
    """

    seed: int
    test: float
    valid: float

    @classmethod
    def of(cls, n_rows: int, seed: int) -> RowAssignment:
        """Return the assignment for a table with this number of rows."""
        valid = min(VALID_SHARE * (1 - TEST_SHARE), MOST_VALID / n_rows)
        return cls(seed, TEST_SHARE, valid)

    def roles(self, group: RowGroup) -> NDArray[np.uint8]:
        """Return the role of each row of a row group."""
        u = np.random.default_rng([self.seed, group.number, 0]).random(group.n_rows)
        is_valid = u < self.test + self.valid
        return np.where(u < self.test, TEST, np.where(is_valid, VALID, TRAIN)).astype(np.uint8)
