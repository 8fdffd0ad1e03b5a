"""Mean ranks of contenders across data sets, Friedman's test and the critical difference."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[Any]


def mean_ranks(losses: Array) -> Array:
    """Return the mean rank of each contender, shape (contenders,); 1 is best, ties share ranks.

    Parameters
    ----------
    losses : lower is better, shape (contenders, data sets)

    Examples
    --------
    >>> mean_ranks(np.array([[0.1, 0.2], [0.1, 0.1], [0.3, 0.3]])).tolist()
    [1.75, 1.25, 3.0]
    """
    return np.asarray(stats.rankdata(np.round(losses, 12), axis=0).mean(axis=1))


def friedman(losses: Array) -> tuple[float, float]:
    """Return the p-values of Friedman's χ² test and of Iman and Davenport's F-test.

    With mean ranks R_j of k contenders over N data sets::

        χ² = 12 N / (k (k + 1)) (Σ R_j² - k (k + 1)² / 4)      k - 1 degrees of freedom
        F  = (N - 1) χ² / (N (k - 1) - χ²)                     k - 1 and (k - 1) (N - 1)

    χ² is corrected for ties. Prefer F: χ² is too conservative.

    Parameters
    ----------
    losses : shape (contenders, data sets), of three or more contenders and two or more data sets

    References
    ----------
    Friedman, Journal of the American Statistical Association 32, 1937; Iman and Davenport,
    "Approximations of the critical region of the Friedman statistic", Communications in Statistics
    9, 1980; Demšar, Journal of Machine Learning Research 7, 2006.

    Examples
    --------
    >>> chi2, f = friedman(np.array([[1, 1, 1, 2], [2, 2, 3, 1], [3, 3, 2, 3]]) / 10)
    >>> round(chi2, 4), round(f, 4)
    (0.1054, 0.0837)
    """
    k, n = losses.shape
    x = np.round(losses, 12)
    if (x == x[:1]).all():  # all contenders are equal on every data set
        return 1.0, 1.0
    test = stats.friedmanchisquare(*x)
    chi2, most = float(test.statistic), n * (k - 1)
    if most - chi2 < 1e-9:  # the same order on every data set
        return float(test.pvalue), 0.0
    f = (n - 1) * chi2 / (most - chi2)
    return float(test.pvalue), float(stats.f.sf(f, k - 1, (k - 1) * (n - 1)))


def critical_difference(k: int, n: int, alpha: float = 0.05) -> float:
    """Return Nemenyi's critical difference of mean ranks for k contenders and n data sets.

    ::

        CD = q sqrt(k (k + 1) / (6 n)),   q the quantile of the studentized range, divided by √2

    References
    ----------
    Nemenyi, "Distribution-free multiple comparisons", PhD thesis, Princeton, 1963; Demšar, Journal
    of Machine Learning Research 7, 2006, table 5.

    Examples
    --------
    >>> round(critical_difference(4, 14), 2)
    1.25
    """
    q = float(stats.studentized_range.ppf(1 - alpha, k, inf)) / sqrt(2)
    return q * sqrt(k * (k + 1) / (6 * n))


def find_groups(ranks: Mapping[str, float], difference: float) -> list[tuple[str, ...]]:
    """Return the maximal groups of contenders whose mean ranks differ by at most `difference`.

    They are the bars of a critical-difference diagram, the best ranks first. A contender that
    differs from all others is in no group.

    Examples
    --------
    >>> find_groups({"a": 1.0, "b": 1.8, "c": 2.6, "d": 4.6}, 1.0)
    [('a', 'b'), ('b', 'c')]
    """
    names = sorted(ranks, key=lambda name: ranks[name])
    groups: list[tuple[str, ...]] = []
    reached = 0
    for i, name in enumerate(names):
        end = i
        while end < len(names) and ranks[names[end]] - ranks[name] <= difference + 1e-12:
            end += 1
        if end > reached and end - i > 1:
            groups.append(tuple(names[i:end]))
        reached = max(reached, end)
    return groups
