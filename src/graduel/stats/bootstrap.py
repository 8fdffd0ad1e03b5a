"""The paired bootstrap over test rows, for metrics that are not a mean over rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtr, stdtrit

Array = NDArray[Any]
RESAMPLES = 2000
SEED = 20_000
"""Seed of the resamples: the same rows give the same verdict."""

_BLOCK = 2**20  # rows drawn per block


def draw_count_blocks(y: Array, number: int, rng: np.random.Generator) -> Iterator[Array]:
    """Yield blocks of stratified resamples, as counts of how often each row is drawn.

    A resample has as many rows of each class as `y`, so none lacks a class.

    Parameters
    ----------
    y : classes, shape (n,)
    number : number of resamples
    rng : the source of randomness

    Yields
    ------
    array of shape (resamples in the block, n)
        Integers; each row of the array sums to n.

    References
    ----------
    Efron and Tibshirani, "An Introduction to the Bootstrap", 1993.

    Examples
    --------
    >>> y = np.array([0, 0, 0, 1, 1])
    >>> [block] = draw_count_blocks(y, 4, np.random.default_rng(0))
    >>> block.shape, block.sum(axis=1).tolist()
    ((4, 5), [5, 5, 5, 5])
    """
    strata = [np.flatnonzero(y == k) for k in np.unique(y)]
    for start in range(0, number, step := max(_BLOCK // len(y), 1)):
        size = min(step, number - start)
        counts = np.zeros((size, len(y)), np.intp)
        for rows in strata:
            m = len(rows)
            draws = rng.integers(m, size=(size, m)) + m * np.arange(size)[:, np.newaxis]
            counts[:, rows] = np.bincount(draws.ravel(), minlength=size * m).reshape(size, m)
        yield counts


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """Resampled differences, with a p-value and intervals corrected for small classes.

    A plain percentile interval is too narrow on few rows: resampling n rows gives (n - 1) / n of
    the variance, and nothing allows for the variance being estimated. The expanded percentile
    interval has wider tails, chosen so that the interval of a mean becomes a t interval::

        tail = Φ(stretch t),   t the (1 - level) / 2 quantile of Student's t with df

    For classes with n_c rows each, all of equal weight::

        stretch² = Σ 1 / n_c  /  Σ (n_c - 1) / n_c²
        df       = (Σ 1 / n_c)²  /  Σ (1 / n_c)² / (n_c - 1)

    References
    ----------
    Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7, 1979;
    Hesterberg, "What teachers should know about the bootstrap", The American Statistician 69, 2015
    (expanded percentiles); Satterthwaite, Biometrics Bulletin 2, 1946 (the degrees of freedom).
    """

    draws: Array
    stretch: float
    df: float

    @classmethod
    def of(cls, draws: Array, y: Array) -> Bootstrap:
        """Return the bootstrap of differences that were resampled by the classes `y`."""
        rows = np.unique(y, return_counts=True)[1].astype(np.float64)
        # A class of one row has no variance estimate: half a degree of freedom instead of none.
        df = (1 / rows).sum() ** 2 / (rows**-2 / np.maximum(rows - 1, 0.5)).sum()
        observed = max(float(((rows - 1) / rows**2).sum()), np.finfo(np.float64).tiny)
        return cls(draws, sqrt(float((1 / rows).sum()) / observed), float(df))

    def interval(self, level: float) -> tuple[float, float]:
        """Return the expanded percentile interval of that level.

        >>> low, high = Bootstrap(np.arange(1001.0), stretch=1.0, df=1e9).interval(0.9)
        >>> round(low), round(high)
        (50, 950)
        """
        z = self.stretch * float(stdtrit(self.df, (1 - level) / 2))
        # Beyond the outermost resamples, their tails are extrapolated like those of a normal.
        least = float(ndtri(1 / (1 + len(self.draws))))
        tail = float(ndtr(max(z, least)))
        low, middle, high = (float(q) for q in np.quantile(self.draws, [tail, 0.5, 1 - tail]))
        beyond = max(z / least, 1.0)
        return middle + beyond * (low - middle), middle + beyond * (high - middle)

    @property
    def p_value(self) -> float:
        """The two-sided p-value: twice the expanded share of resamples on the rarer side of 0.

        The share is ``(1 + min(number <= 0, number >= 0)) / (1 + number)``. One resample is added
        because a finite number cannot show a p-value of 0 (Davison and Hinkley, "Bootstrap Methods
        and their Application", 1997).

        >>> round(Bootstrap(np.arange(1.0, 100.0), stretch=1.0, df=1e9).p_value, 6)
        0.02
        """
        rarer = min(int((self.draws <= 0).sum()), int((self.draws >= 0).sum()))
        share = min((1 + rarer) / (1 + len(self.draws)), 0.5)
        return 2 * float(stdtr(self.df, float(ndtri(share)) / self.stretch))
