"""Scores of the validation rows, from which a saved model gives intervals or sets of any level."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, inf

import numpy as np
from numpy.typing import NDArray

MOST = 1000
"""Most scores that are saved; of more, those at equally spaced ranks."""


@dataclass(frozen=True, slots=True)
class CalibrationScores:
    """Scores of n rows that the model was not fitted on, ascending: larger is less plausible.

    The score of a number is the absolute error; of a class, 1 minus its probability. At a level L,
    a new row's score is at most that of rank ⌈(n + 1) L⌉ with a probability of at least L, if it is
    exchangeable with those rows.

    Source: Vovk, Gammerman and Shafer, *Algorithmic Learning in a Random World*, 2005.

    Examples
    --------
    >>> scores = CalibrationScores.of(np.array([3.0, 1.0, 2.0, 4.0]))
    >>> scores.quantile(0.8), scores.quantile(0.9)
    (4.0, inf)
    """

    n: int
    scores: tuple[float, ...]

    @classmethod
    def of(cls, scores: NDArray[np.float64]) -> CalibrationScores:
        """Return the scores of rows in any order."""
        ordered = np.sort(scores)
        return cls(len(scores), tuple(ordered[cls._ranks(len(scores)) - 1].tolist()))

    @staticmethod
    def _ranks(n: int) -> NDArray[np.int64]:
        """Return the ranks of the saved scores, from 1."""
        return np.unique(np.ceil(np.arange(1, min(n, MOST) + 1) * n / min(n, MOST)).astype(int))

    def quantile(self, level: float) -> float:
        """Return the score that bounds those of a share `level` of new rows; ∞ with too few rows.

        Of more than 1,000 rows it is at most one saved score too large.
        """
        rank = ceil((self.n + 1) * level)
        if rank > self.n:
            return inf
        return self.scores[int(np.searchsorted(self._ranks(self.n), rank))]
