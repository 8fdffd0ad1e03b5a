"""The statistics of a duel on one fixed test set: pure functions on counts and arrays.

What each is for, and why it was chosen, stands in ``docs/statistics.md``. By hand is only what
SciPy lacks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import brentq
from scipy.special import ndtri, stdtr, stdtrit

_TINY = 1e-100  # no p-value with a t of seeds is followed further down


def mcnemar_midp(b: int, c: int) -> float:
    """Two-sided mid-p of McNemar's test of paired yes-or-no results.

    Only the b + c rows count on which the two differ; without a true difference b of them follow
    Binomial(b + c, 1/2). The exact p-value counts the observed result in full and so comes out
    too large; the mid-p counts it by half::

        2 P(K <= min(b, c)) - P(K = b),   and   1 - P(K = b) / 2   when b = c

    Parameters
    ----------
    b, c : int
        On how many rows only the first is wrong, and only the second.

    Returns
    -------
    float
        The mid-p; 1 where the two never differ.

    References
    ----------
    Fagerland, Lydersen and Laake, "The McNemar test for binary matched-pairs data", BMC Medical
    Research Methodology 13:91, 2013.

    Examples
    --------
    >>> round(mcnemar_midp(1, 7), 4)
    0.0391
    """
    check_counts(b, c, max(b + c, 1))
    if b + c == 0:
        return 1.0
    seen = float(stats.binom.pmf(b, b + c, 0.5))
    if b == c:
        return 1 - seen / 2
    return max(2 * float(stats.binom.cdf(min(b, c), b + c, 0.5)) - seen, 0.0)


def paired_score_interval(b: int, c: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Tango's score interval for the difference (b - c) / n of two paired proportions.

    It holds every difference δ that the score test does not reject: those with abs(T(δ)) <= z,
    ::

        T(δ) = (b - c - n δ) / sqrt(n (2 q + δ (1 - δ)))

    where q, the probability of the second kind of row under δ, is the larger root of
    ``2n q² - (b + c - (2n - b + c) δ) q - c δ (1 - δ) = 0`` (maximum likelihood). Unlike
    estimate ± z standard errors it stays in [-1, 1] and has a width even when b = c = 0.

    Parameters
    ----------
    b, c : int
        On how many rows only the first is wrong, and only the second.
    n : int
        How many rows there are in all.
    level : float
        The coverage, between 0 and 1.

    Returns
    -------
    tuple of float
        The lower and the upper limit.

    References
    ----------
    Tango, "Equivalence test and confidence interval for the difference in proportions for the
    paired-sample design", Statistics in Medicine 17, 1998.

    Examples
    --------
    >>> low, high = paired_score_interval(6, 16, 161, 0.95)
    >>> round(low, 4), round(high, 4)
    (-0.124, -0.0054)
    """
    check_counts(b, c, n)
    z = two_sided_z(_check_level(level))
    # One side is the mirror image of the other: swapping b and c then swaps the limits to the bit.
    return -_upper_limit(c, b, n, z), _upper_limit(b, c, n, z)


def _upper_limit(b: int, c: int, n: int, z: float) -> float:
    estimate = (b - c) / n
    # Where the variance at the estimate is zero the estimate is a root too, a false one.
    if b == n:
        return 1.0
    if c == n:
        return (z * z - n) / (n + z * z)
    if b == c == 0:
        return z * z / (n + z * z)

    def past(delta: float) -> float:
        linear = (2 * n - b + c) * delta - b - c
        constant = -c * delta * (1 - delta)
        root = sqrt(max(linear**2 - 8 * n * constant, 0.0))
        # The same root twice: each form is exact where the other one cancels.
        q = -2 * constant / (linear + root) if linear > 0 else (root - linear) / (4 * n)
        return delta - estimate - z * sqrt(max(2 * q + delta * (1 - delta), 0.0) / n)

    return float(brentq(past, estimate, 1.0, xtol=1e-15, rtol=1e-14))


def wilson_interval(k: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval for a share, k of n (Wilson 1927), from SciPy.

    Examples
    --------
    >>> low, high = wilson_interval(0, 100)
    >>> round(low, 4), round(high, 4)
    (0.0, 0.037)
    """
    check_counts(k, 0, n)
    interval = stats.binomtest(k, n).proportion_ci(_check_level(level), method="wilson")
    return max(float(interval.low), 0.0), min(float(interval.high), 1.0)


@dataclass(frozen=True, slots=True)
class Spread:
    """The variance of a mean over rows and seeds, by what makes it shrink.

    `of_rows` shrinks as test rows are added, `of_seeds` as seeds are, `of_both` as either is.
    """

    of_rows: float
    of_seeds: float
    of_both: float
    rows: int
    seeds: int

    @property
    def se(self) -> float:
        """Standard error of the mean."""
        return sqrt(self.of_rows + self.of_seeds + self.of_both)

    @property
    def df(self) -> float:
        """Satterthwaite's degrees of freedom of `se`."""
        between_seeds = self.of_seeds + self.of_both
        if between_seeds == 0:
            return self.rows - 1.0
        share = between_seeds / (self.of_rows + between_seeds)
        return 1 / ((1 - share) ** 2 / (self.rows - 1) + share**2 / (self.seeds - 1))

    def half_width(self, alpha: float) -> float:
        """Half the interval of level 1 - alpha: each part with its own t, at a right angle."""
        square = self.of_rows * _t(alpha, self.rows - 1) ** 2
        if between_seeds := self.of_seeds + self.of_both:
            square += between_seeds * _t(alpha, self.seeds - 1) ** 2
        return sqrt(square)

    def p_value(self, mean: float) -> float:
        """Return the alpha whose half width is just the mean."""
        if mean == 0 or self.se == 0:
            return float(mean == 0)
        # The half width lies between those with either t alone, and so does the p-value.
        t = abs(mean) / self.se
        by_rows = 2 * float(stdtr(self.rows - 1, -t))
        if self.of_seeds + self.of_both == 0:
            return by_rows
        by_seeds = 2 * float(stdtr(self.seeds - 1, -t))
        low = max(0.99 * min(by_rows, by_seeds), _TINY)
        if self.half_width(low) <= abs(mean):
            return low
        log_alpha = brentq(
            lambda x: self.half_width(exp(x)) - abs(mean),
            log(low),
            log(min(1.01 * max(by_rows, by_seeds), 1.0)),
            xtol=1e-13,
        )
        return float(exp(log_alpha))

    def resized(self, rows: int, seeds: int) -> Spread:
        """Return what the spread would be with so many rows and seeds."""
        by_rows, by_seeds = self.rows / rows, self.seeds / seeds
        return Spread(
            self.of_rows * by_rows,
            self.of_seeds * by_seeds,
            self.of_both * by_rows * by_seeds,
            rows,
            seeds,
        )


@dataclass(frozen=True, slots=True)
class TwoWay:
    """A mean over rows and seeds with its uncertainty; `df` is Satterthwaite's for `se`."""

    mean: float
    se: float
    df: float
    p_value: float
    low: float
    high: float
    spread: Spread

    @classmethod
    def build(cls, mean: float, spread: Spread, level: float) -> TwoWay:
        """Work out interval and p-value from the mean and its spread."""
        half = spread.half_width(1 - _check_level(level))
        p_value = spread.p_value(mean)
        return cls(mean, spread.se, spread.df, p_value, mean - half, mean + half, spread)


def two_way(d: NDArray[np.generic], level: float = 0.95) -> TwoWay:
    """Mean of `d` where rows and seeds are both a sample: what a new row and a new seed would do.

    d[s, r] = mean + row effect + seed effect + rest, all random. With the mean squares of the
    two-way analysis of variance, each divided by the number of cells, R (rows), S (seeds) and
    E (rest), the variance of the mean is estimated by ``R + S - E``, and never by less than the
    larger of R and S. Of its two parts each has a t of its own, and the two are added like the
    sides of a right angle::

        between rows     max(R - min(S, E), 0)    t_rows,  with n_rows - 1 degrees of freedom
        between seeds    S                        t_seeds, with n_seeds - 1
        half width       sqrt(t_rows² between rows + t_seeds² between seeds)

    The p-value is the alpha at which the interval just reaches 0. (A single t with
    Satterthwaite's degrees of freedom is the usual choice. With three seeds it calls up to 8 %
    of equal pairs different where 5 % were asked for: when S comes out small by chance, it
    forgets how little three seeds can tell. This one keeps to 5 %.)

    Parameters
    ----------
    d : array of shape (seeds, rows)
        At least 2 x 2.
    level : float
        The coverage of the interval, between 0 and 1.

    Raises
    ------
    ValueError
        If there are fewer than two seeds or two rows.

    References
    ----------
    Searle, Casella and McCulloch, "Variance Components", 1992 (the crossed model without
    replication); Howe, "Approximate confidence limits on the mean of X + Y", Journal of the
    American Statistical Association 69, 1974 (the right angle).

    Examples
    --------
    >>> found = two_way(np.array([[0, 1, 1, 0, 1], [0, 1, 0, 0, 1], [0, 1, 1, 0, 1]]))
    >>> round(found.mean, 4), round(found.low, 4), round(found.high, 4)
    (0.5333, -0.1315, 1.1982)
    """
    x, seeds, rows = _check_array(d, at_least_seeds=2)
    mean = float(x.mean())
    by_row, by_seed = x.mean(axis=0) - mean, x.mean(axis=1) - mean
    rest = x - mean - by_row - by_seed[:, np.newaxis]
    of_rows = float(by_row @ by_row) / (rows - 1) / rows
    of_seeds = float(by_seed @ by_seed) / (seeds - 1) / seeds
    of_rest = float((rest * rest).sum()) / ((rows - 1) * (seeds - 1)) / (rows * seeds)
    of_both = min(of_seeds, of_rest)
    spread = Spread(max(of_rows - of_both, 0.0), of_seeds - of_both, of_both, rows, seeds)
    return TwoWay.build(mean, spread, level)


def by_row(d: NDArray[np.generic], level: float = 0.95) -> TwoWay:
    """Mean of `d` where the rows are a sample and the seeds are taken as given.

    A one-sample t on the means by row (Student 1908). It speaks of the fitted models alone: how
    much another seed would change is left out. It is meant for two seeds, which are too few to
    tell how seeds vary.

    Parameters
    ----------
    d : array of shape (seeds, rows)
        At least two rows.
    level : float
        The coverage of the interval, between 0 and 1.

    Raises
    ------
    ValueError
        If there are fewer than two rows.

    Examples
    --------
    >>> found = by_row(np.array([[0, 1, 1, 0], [0, 1, 0, 0]]))
    >>> found.mean, round(found.p_value, 4)
    (0.375, 0.2152)
    """
    x, seeds, rows = _check_array(d, at_least_seeds=1)
    means = x.mean(axis=0)
    spread = Spread(float(means.var(ddof=1)) / rows, 0.0, 0.0, rows, seeds)
    return TwoWay.build(float(means.mean()), spread, level)


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
    x, seeds, rows = _check_array(wrong, at_least_seeds=1, at_least_rows=1)
    k = round(float(x.mean()) * rows)
    if seeds == 1 or rows == 1:
        return wilson_interval(k, rows, level)
    found = by_row(x, level) if seeds == 2 else two_way(x, level)
    if found.se == 0:
        return wilson_interval(k, rows, level)
    return max(found.low, 0.0), min(found.high, 1.0)


def two_sided_z(level: float) -> float:
    """Return the z with `level` of a normal distribution within ±z."""
    return -float(ndtri((1 - level) / 2))


def _t(alpha: float, df: int) -> float:
    """Return the t with `alpha` of Student's distribution beyond ±t."""
    return -float(stdtrit(df, alpha / 2))


def _check_level(level: float) -> float:
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, as 0.95 does; got {level}")
    return level


def check_counts(b: int, c: int, n: int) -> None:
    """Refuse counts that cannot be of n rows."""
    if n < 1 or b < 0 or c < 0 or b + c > n:
        raise ValueError(
            f"counts must be 0 or more, and no more in all than the rows, of which there must be "
            f"1 or more; got {b} and {c} of {n}"
        )


def _check_array(
    d: NDArray[np.generic], at_least_seeds: int, at_least_rows: int = 2
) -> tuple[NDArray[np.float64], int, int]:
    x = np.asarray(d, dtype=np.float64)
    if x.ndim != 2 or x.shape[0] < at_least_seeds or x.shape[1] < at_least_rows:
        raise ValueError(
            f"expected an array of shape (seeds, rows) with at least {at_least_seeds} seeds and "
            f"{at_least_rows} rows; got shape {x.shape}"
        )
    return x, x.shape[0], x.shape[1]
