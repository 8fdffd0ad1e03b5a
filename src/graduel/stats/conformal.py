"""Conformal prediction: intervals and sets that contain the truth with a given probability.

The calibration rows (rows that the model was not fitted on) give scores that measure how far the
truth is from the prediction. Their quantile bounds the score of a new row: if calibration rows and
new rows are exchangeable, intervals and sets contain the truth with at least the level on average.

1. Scores of the calibration rows: :func:`interval_scores`, or :func:`lac_scores` or
   :func:`aps_scores` and :func:`select_true`.
2. :func:`conformal_quantile` of these scores.
3. :func:`conformal_interval` or :func:`conformal_sets` of the new rows, and
   :func:`interval_coverage` or :func:`set_coverage` where their truth is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, inf
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from graduel.stats.proportions import check_level

Array = NDArray[Any]


def conformal_quantile(scores: ArrayLike, level: float = 0.9) -> float:
    """Return the conformal quantile of the scores of n calibration rows.

    It is the score of rank ``k = ceil((n + 1) level)``, in ascending order. The score of a new row
    is at most this with probability k / (n + 1) >= level, and at most level + 1 / (n + 1) if no
    scores tie. Given the calibration rows, the coverage of new rows varies about this: it has the
    distribution Beta(k, n + 1 - k).

    With fewer than :func:`calibration_rows_needed` rows, k exceeds n: the quantile is infinite,
    and so is every interval; every set holds all classes.

    Parameters
    ----------
    scores : scores by calibration row, shape (n,); larger is less plausible
    level : probability of containing the truth, between 0 and 1

    Raises
    ------
    ValueError
        If a score is NaN or infinite, or the level out of range.

    References
    ----------
    Vovk, Gammerman and Shafer, "Algorithmic Learning in a Random World", 2005; Lei, G'Sell,
    Rinaldo, Tibshirani and Wasserman, "Distribution-free predictive inference for regression",
    Journal of the American Statistical Association 113, 2018; Vovk, "Conditional validity of
    inductive conformal predictors", 2012 (the Beta distribution).

    Examples
    --------
    >>> residuals = np.abs([0.3, -0.1, 0.2, 0.5, -0.4, 0.1, 0.2, -0.6, 0.3])
    >>> conformal_quantile(residuals, 0.8), conformal_quantile(residuals, 0.95)
    (0.5, inf)
    """
    x = np.asarray(scores, dtype=np.float64)
    if x.ndim != 1 or not np.isfinite(x).all():
        raise ValueError(f"expected finite scores of shape (n,); got shape {x.shape}")
    rank = _rank(len(x), check_level(level))
    return inf if rank > len(x) else float(np.partition(x, rank - 1)[rank - 1])


def calibration_rows_needed(level: float) -> int:
    """Return the smallest number of calibration rows with a finite quantile: level / (1 - level).

    >>> [calibration_rows_needed(level) for level in (0.5, 0.9, 0.95, 0.99)]
    [1, 9, 19, 99]
    """
    check_level(level)
    return ceil(round(level / (1 - level), 9))


def _rank(n: int, level: float) -> int:
    """Return ceil((n + 1) level), at least 1, with rounding errors of the product removed."""
    return max(ceil(round((n + 1) * level, 9)), 1)


def interval_scores(y: ArrayLike, low: ArrayLike, high: ArrayLike) -> Array:
    """Return how far each value is outside its interval; negative inside.

    ::

        score = max(low - y, y - high)

    With quantile predictions `low` and `high` this is conformalized quantile regression. With one
    prediction as both, the score is the absolute residual, and the quantile of the scores is the
    half width of the split-conformal interval.

    Parameters
    ----------
    y : true values, shape (n,)
    low, high : ends of the intervals, or the prediction twice, shape (n,)

    References
    ----------
    Romano, Patterson and Candès, "Conformalized quantile regression", NeurIPS 2019.

    Examples
    --------
    >>> interval_scores([1.0, 5.0], low=[0.0, 0.0], high=[3.0, 3.0]).tolist()
    [-1.0, 2.0]
    >>> prediction = np.array([2.0, 4.5])
    >>> interval_scores([1.0, 5.0], prediction, prediction).tolist()
    [1.0, 0.5]
    """
    value = np.asarray(y, dtype=np.float64)
    return np.maximum(np.asarray(low) - value, value - np.asarray(high))


def conformal_interval(low: ArrayLike, high: ArrayLike, quantile: float) -> tuple[Array, Array]:
    """Return the intervals [low - quantile, high + quantile].

    A negative quantile narrows them. An interval that would be empty becomes its middle, a point.

    Parameters
    ----------
    low, high : ends of the predicted intervals, or one prediction twice, shape (n,)
    quantile : the `conformal_quantile` of the :func:`interval_scores` of the calibration rows

    Examples
    --------
    >>> low, high = conformal_interval([0.0, 1.0], [3.0, 1.5], quantile=-0.5)
    >>> low.tolist(), high.tolist()
    ([0.5, 1.25], [2.5, 1.25])
    """
    lower = np.asarray(low, dtype=np.float64) - quantile
    upper = np.asarray(high, dtype=np.float64) + quantile
    is_empty = lower > upper
    middle = (lower[is_empty] + upper[is_empty]) / 2
    lower[is_empty] = upper[is_empty] = middle
    return lower, upper


def lac_scores(probabilities: ArrayLike) -> Array:
    """Return the score of each class by its own probability: ``1 - p`` (least ambiguous sets).

    Sets of these scores have the smallest mean size, but may be empty, and cover difficult rows
    less often than easy ones.

    Parameters
    ----------
    probabilities : predicted probabilities, shape (n, classes)

    References
    ----------
    Sadinle, Lei and Wasserman, "Least ambiguous set-valued classifiers with bounded error levels",
    Journal of the American Statistical Association 114, 2019.

    Examples
    --------
    >>> lac_scores([[0.75, 0.25]]).tolist()
    [[0.25, 0.75]]
    """
    return 1 - _check_matrix(probabilities)


def aps_scores(probabilities: ArrayLike, rng: np.random.Generator | None = None) -> Array:
    """Return the score of each class by the more probable ones (adaptive prediction sets, APS).

    With the classes of a row in descending order of probability, ::

        score of the k-th class = p_1 + … + p_k             without a generator
        score of the k-th class = p_1 + … + p_k - u p_k     with one: u uniform on [0, 1), by row

    Sets of these scores are larger on difficult rows. The randomized ones are smaller; their
    coverage given the probabilities is exact if these are the true ones. Use the same form for
    calibration rows and new rows.

    Parameters
    ----------
    probabilities : predicted probabilities, shape (n, classes)
    rng : source of u; None for scores that are not randomized

    References
    ----------
    Romano, Sesia and Candès, "Classification with valid and adaptive coverage", NeurIPS 2020.

    Examples
    --------
    >>> aps_scores([[0.25, 0.5, 0.25]]).tolist()
    [[0.75, 0.5, 1.0]]
    """
    p = _check_matrix(probabilities)
    order = np.argsort(-p, axis=1, kind="stable")
    ordered = np.take_along_axis(p, order, axis=1)
    totals = np.cumsum(ordered, axis=1)
    if rng is not None:
        totals -= rng.uniform(size=len(p))[:, np.newaxis] * ordered
    scores = np.empty_like(totals)
    np.put_along_axis(scores, order, totals, axis=1)
    return scores


def select_true(scores: Array, y: ArrayLike) -> Array:
    """Return each row's score of its true class, shape (n,); `y` are codes of the classes.

    >>> select_true(lac_scores([[0.75, 0.25], [0.5, 0.5]]), [1, 0]).tolist()
    [0.75, 0.5]
    """
    codes = np.asarray(y)
    return np.asarray(np.take_along_axis(scores, codes[:, np.newaxis], axis=1)[:, 0])


def conformal_sets(scores: Array, quantile: float) -> NDArray[np.bool_]:
    """Return which classes are in each row's set: those with a score of at most the quantile.

    Parameters
    ----------
    scores : of the new rows, by :func:`lac_scores` or :func:`aps_scores`, shape (n, classes)
    quantile : the `conformal_quantile` of the true classes' scores of the calibration rows

    Returns
    -------
    bool array of shape (n, classes)
        A row may be empty.

    Examples
    --------
    >>> conformal_sets(lac_scores([[0.75, 0.25], [0.5, 0.5]]), quantile=0.6).tolist()
    [[True, False], [True, True]]
    """
    return np.asarray(scores <= quantile)


@dataclass(frozen=True, slots=True)
class Coverage:
    """How often intervals or sets contain the truth, and how large they are."""

    n_covered: int
    n_rows: int
    low: float
    high: float
    """The ends of the Clopper–Pearson interval of the coverage."""
    mean_size: float
    """Mean width of the intervals, or mean number of classes in the sets."""

    @property
    def share(self) -> float:
        """Share of the rows that are covered."""
        return self.n_covered / self.n_rows


def interval_coverage(
    y: ArrayLike, low: ArrayLike, high: ArrayLike, level: float = 0.95
) -> Coverage:
    """Return how often intervals contain the true value, and their mean width.

    The Clopper–Pearson interval of k in n rows is from the (1 - level) / 2 quantile of Beta(k, n -
    k + 1) to the (1 + level) / 2 quantile of Beta(k + 1, n - k). It treats the calibration rows as
    fixed; :func:`conformal_quantile` has the variation between them.

    Parameters
    ----------
    y : true values, shape (n,)
    low, high : ends of the intervals, shape (n,); the ends belong to it
    level : confidence level of the coverage's interval

    References
    ----------
    Clopper and Pearson, Biometrika 26, 1934.

    Examples
    --------
    >>> coverage = interval_coverage([1.0, 2.0, 3.0, 9.0], low=[0, 1, 2, 3], high=[2, 3, 4, 5])
    >>> coverage.share, coverage.mean_size, round(coverage.low, 4), round(coverage.high, 4)
    (0.75, 2.0, 0.1941, 0.9937)
    """
    value, lower, upper = np.asarray(y), np.asarray(low), np.asarray(high)
    return _coverage((lower <= value) & (value <= upper), upper - lower, level)


def set_coverage(sets: NDArray[np.bool_], y: ArrayLike, level: float = 0.95) -> Coverage:
    """Return how often sets contain the true class, and their mean number of classes.

    Parameters
    ----------
    sets : which classes are in each row's set, bool, shape (n, classes)
    y : codes of the true classes, shape (n,)
    level : confidence level of the coverage's Clopper–Pearson interval

    Examples
    --------
    >>> coverage = set_coverage(np.array([[True, False], [True, True]]), [1, 0])
    >>> coverage.share, coverage.mean_size
    (0.5, 1.5)
    """
    return _coverage(select_true(sets, y), sets.sum(axis=1), level)


def _coverage(is_covered: Array, sizes: Array, level: float) -> Coverage:
    n, k = len(is_covered), int(is_covered.sum())
    if n == 0:
        raise ValueError("expected one or more rows; got none")
    return Coverage(k, n, *clopper_pearson(k, n, level), float(sizes.mean()))


def clopper_pearson(k: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return the Clopper-Pearson interval of k successes in n rows; see `interval_coverage`.

    >>> low, high = clopper_pearson(3, 4)
    >>> round(low, 4), round(high, 4)
    (0.1941, 0.9937)
    """
    exact = stats.binomtest(k, n).proportion_ci(check_level(level), method="exact")
    return float(exact.low), float(exact.high)


def _check_matrix(probabilities: ArrayLike) -> NDArray[np.float64]:
    p = np.asarray(probabilities, dtype=np.float64)
    if p.ndim != 2 or not np.isfinite(p).all():
        raise ValueError(f"expected finite probabilities of shape (n, classes); got {p.shape}")
    return p
