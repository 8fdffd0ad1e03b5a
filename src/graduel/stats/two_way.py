"""Statistics of means over test rows and seeds."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import stdtr, stdtrit

from graduel.stats.proportions import check_level, wilson_interval

_TINY = 1e-100  # smallest p-value searched for when seeds vary


@dataclass(frozen=True, slots=True)
class Spread:
    """The variance components of a mean over rows and seeds.

    `of_rows` falls with more test rows, `of_seeds` with more seeds, `of_both` with more of either.
    """

    of_rows: float
    of_seeds: float
    of_both: float
    rows: int
    seeds: int
    rows_df: float | None = None
    """Degrees of freedom of `of_rows`; None for ``rows - 1``, those of normal differences."""

    @property
    def se(self) -> float:
        """Standard error of the mean."""
        return sqrt(self.of_rows + self.of_seeds + self.of_both)

    @property
    def df(self) -> float:
        """Satterthwaite's degrees of freedom of `se`."""
        between_seeds = self.of_seeds + self.of_both
        if between_seeds == 0:
            return self._df_of_rows
        share = between_seeds / (self.of_rows + between_seeds)
        return 1 / ((1 - share) ** 2 / self._df_of_rows + share**2 / (self.seeds - 1))

    @property
    def _df_of_rows(self) -> float:
        return self.rows - 1.0 if self.rows_df is None else self.rows_df

    def half_width(self, alpha: float) -> float:
        """Return half the width of the interval of level 1 - alpha.

        The half widths of the two components, each with its own t, add in quadrature.
        """
        square = self.of_rows * _t(alpha, self._df_of_rows) ** 2
        if between_seeds := self.of_seeds + self.of_both:
            square += between_seeds * _t(alpha, self.seeds - 1) ** 2
        return sqrt(square)

    def p_value(self, mean: float) -> float:
        """Return the alpha at which the half width equals the absolute mean."""
        if mean == 0 or self.se == 0:
            return float(mean == 0)
        # The half width is between those with either t alone, and so is the p-value.
        t = abs(mean) / self.se
        by_rows = 2 * float(stdtr(self._df_of_rows, -t))
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
        """Return the variance components for another number of rows and seeds."""
        by_rows, by_seeds = self.rows / rows, self.seeds / seeds
        return Spread(
            self.of_rows * by_rows,
            self.of_seeds * by_seeds,
            self.of_both * by_rows * by_seeds,
            rows,
            seeds,
            None if self.rows_df is None else self.rows_df / by_rows,
        )


@dataclass(frozen=True, slots=True)
class MeanEstimate:
    """A mean over rows and seeds with its CI and p-value; `df` is Satterthwaite's for `se`."""

    mean: float
    se: float
    df: float
    p_value: float
    low: float
    high: float
    spread: Spread

    @classmethod
    def build(cls, mean: float, spread: Spread, level: float) -> MeanEstimate:
        """Return the estimate with the CI and p-value of a mean with this spread."""
        half = spread.half_width(1 - check_level(level))
        p_value = spread.p_value(mean)
        return cls(mean, spread.se, spread.df, p_value, mean - half, mean + half, spread)


def two_way_t(d: NDArray[np.generic], level: float = 0.95) -> MeanEstimate:
    """Return the mean of `d` with a CI for new rows and new seeds (two random factors).

    The model is d[s, r] = mean + row effect + seed effect + residual, all random. With the mean
    squares of the two-way analysis of variance, each divided by the number of cells, R (rows), S
    (seeds) and E (residual), the variance of the mean is estimated by ``R + S - E``, but at least
    by the larger of R and S. Its two components have t values of their own, and the half widths add
    in quadrature::

        between rows     max(R - min(S, E), 0)    t_rows,  with n_rows - 1 degrees of freedom
        between seeds    S                        t_seeds, with n_seeds - 1
        half width       sqrt(t_rows² between rows + t_seeds² between seeds)

    The p-value is the alpha at which the interval reaches 0. A single t with Satterthwaite's
    degrees of freedom is the usual choice, but with three seeds it has up to 8 % false positives at
    a nominal 5 %: if S is small by chance, it overestimates the degrees of freedom. This interval
    keeps to 5 %.

    Parameters
    ----------
    d : shape (seeds, rows), at least 2 × 2
    level : confidence level, between 0 and 1

    Raises
    ------
    ValueError
        If there are fewer than two seeds or two rows.

    References
    ----------
    Searle, Casella and McCulloch, "Variance Components", 1992 (the crossed model without
    replication); Howe, "Approximate confidence limits on the mean of X + Y", Journal of the
    American Statistical Association 69, 1974 (the sum in quadrature).

    Examples
    --------
    >>> estimate = two_way_t(np.array([[0, 1, 1, 0, 1], [0, 1, 0, 0, 1], [0, 1, 1, 0, 1]]))
    >>> round(estimate.mean, 4), round(estimate.low, 4), round(estimate.high, 4)
    (0.5333, -0.1315, 1.1982)
    """
    x, seeds, rows = check_array(d, at_least_seeds=2)
    mean = float(x.mean())
    by_row, by_seed = x.mean(axis=0) - mean, x.mean(axis=1) - mean
    residual = x - mean - by_row - by_seed[:, np.newaxis]
    of_rows = float(by_row @ by_row) / (rows - 1) / rows
    of_seeds = float(by_seed @ by_seed) / (seeds - 1) / seeds
    of_residual = float((residual * residual).sum()) / ((rows - 1) * (seeds - 1)) / (rows * seeds)
    of_both = min(of_seeds, of_residual)
    spread = Spread(max(of_rows - of_both, 0.0), of_seeds - of_both, of_both, rows, seeds)
    return MeanEstimate.build(mean, spread, level)


def paired_t(d: NDArray[np.generic], level: float = 0.95) -> MeanEstimate:
    """Return the mean of `d` with a CI for new rows and the same seeds.

    A one-sample t-test on the means by row (Student 1908). It is about the fitted models and does
    not include the variance between seeds, which two seeds are too few to estimate.

    Parameters
    ----------
    d : shape (seeds, rows), at least two rows
    level : confidence level, between 0 and 1

    Raises
    ------
    ValueError
        If there are fewer than two rows.

    Examples
    --------
    >>> estimate = paired_t(np.array([[0, 1, 1, 0], [0, 1, 0, 0]]))
    >>> estimate.mean, round(estimate.p_value, 4)
    (0.375, 0.2152)
    """
    x, seeds, rows = check_array(d, at_least_seeds=1)
    means = x.mean(axis=0)
    spread = Spread(float(means.var(ddof=1)) / rows, 0.0, 0.0, rows, seeds)
    return MeanEstimate.build(float(means.mean()), spread, level)


def error_interval(wrong: NDArray[np.bool_], level: float = 0.95) -> tuple[float, float]:
    """Return the confidence interval of one contender's error rate.

    With one seed, Wilson's interval; with two, a t interval on the means by row; with three or
    more, the two-way t interval over rows and seeds. The last two are clipped to [0, 1]. If nothing
    varies (no errors, for example), Wilson's interval on the rows replaces them.

    Parameters
    ----------
    wrong : whether each row is misclassified, bool, shape (seeds, rows)
    level : confidence level, between 0 and 1

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
    estimate = paired_t(x, level) if seeds == 2 else two_way_t(x, level)
    if estimate.se == 0:
        return wilson_interval(k, rows, level)
    return max(estimate.low, 0.0), min(estimate.high, 1.0)


def _t(alpha: float, df: float) -> float:
    """Return the t for which Student's distribution has `alpha` beyond ±t."""
    return -float(stdtrit(df, alpha / 2))


def check_array(
    d: NDArray[np.generic], at_least_seeds: int, at_least_rows: int = 2
) -> tuple[NDArray[np.float64], int, int]:
    """Return `d` as float64 with its numbers of seeds and rows; raise if it is too small."""
    x = np.asarray(d, dtype=np.float64)
    if x.ndim != 2 or x.shape[0] < at_least_seeds or x.shape[1] < at_least_rows:
        raise ValueError(
            f"expected an array of shape (seeds, rows) with at least {at_least_seeds} seeds and "
            f"{at_least_rows} rows; got shape {x.shape}"
        )
    return x, x.shape[0], x.shape[1]
