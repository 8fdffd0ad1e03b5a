"""The statistics of a duel, by name; their mathematics stands in files by kind of data.

Counts on one test set: ``proportions.py``. Rows and seeds: ``two_way.py``. Losses by row:
``by_signs.py``; other metrics: ``bootstrap.py``. Cross-validation: ``resampled.py``. Across data
sets: ``signed_rank.py`` and ``ranks.py``. What each is for, and why it was chosen, stands in
``docs/statistics.md``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from graduel.stats.proportions import (
    check_counts,
    mcnemar_exact,
    mcnemar_midp,
    paired_score_interval,
    two_sided_z,
    wilson_interval,
)
from graduel.stats.two_way import Spread, TwoWay, by_row, check_array, two_way

__all__ = [
    "Spread",
    "TwoWay",
    "by_row",
    "check_counts",
    "error_interval",
    "holm",
    "mcnemar_exact",
    "mcnemar_midp",
    "paired_score_interval",
    "two_sided_z",
    "two_way",
    "wilson_interval",
]


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values so that the chance of any false finding among them stays below alpha.

    In rising order the i-th of m (from 0) is multiplied by m - i; none may fall below the one
    before it, none may exceed 1.

    References
    ----------
    Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
    Statistics 6, 1979.

    Examples
    --------
    >>> holm([0.04, 0.01, 0.03])
    [0.06, 0.03, 0.06]
    """
    if not all(0 <= p <= 1 for p in p_values):
        raise ValueError(f"p-values must lie between 0 and 1; got {list(p_values)}")
    adjusted, largest = [0.0] * len(p_values), 0.0
    for i, place in enumerate(sorted(range(len(p_values)), key=lambda j: p_values[j])):
        largest = max(largest, min((len(p_values) - i) * float(p_values[place]), 1.0))
        adjusted[place] = largest
    return adjusted


def error_interval(wrong: NDArray[np.bool_], level: float = 0.95) -> tuple[float, float]:
    """Interval for one contender's error rate.

    One seed: Wilson's. Two: a t on the means by row. Three or more: two-way, rows and seeds. The
    last two are cut to [0, 1]; where nothing varies (no error at all, say) a t has nothing to go
    by, and Wilson's interval on the rows takes its place.

    Parameters
    ----------
    wrong : bool array of shape (seeds, rows)
        Where the contender is wrong.
    level : float
        The coverage, between 0 and 1.

    Examples
    --------
    >>> low, high = error_interval(np.array([[True] * 3 + [False] * 97]))
    >>> round(low, 4), round(high, 4)
    (0.0103, 0.0845)
    """
    x, seeds, rows = check_array(wrong, at_least_seeds=1, at_least_rows=1)
    k = round(float(x.mean()) * rows)
    if seeds == 1 or rows == 1:
        return wilson_interval(k, rows, level)
    found = by_row(x, level) if seeds == 2 else two_way(x, level)
    if found.se == 0:
        return wilson_interval(k, rows, level)
    return max(found.low, 0.0), min(found.high, 1.0)
