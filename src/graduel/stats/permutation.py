"""The statistics of losses by row (log loss, Brier score): signs flipped, rows drawn again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.stats.bootstrap import RESAMPLES, SEED, Bootstrap

Array = NDArray[Any]
FLIPS = 9999
MOST_ROWS = 10_000
"""Of more rows, rows drawn at random are added up to so many sums first."""

_MOST_EXACT = 13  # rows: 2^13 is fewer than FLIPS + 1
_BLOCK = 2**21  # signs or rows at once


def sign_flip_test(d: Array, rng: np.random.Generator | None = None, flips: int = FLIPS) -> float:
    """Return the two-sided p of the paired sign-flip permutation test of a mean of 0.

    If neither contender were better, the loss of either on a row could as well have been the
    other's, so that each difference could as well have the other sign. With T = Σ d and T* the
    same with signs of fair coins::

        p = P(abs(T*) >= abs(T))                                   all signs, up to 13 rows
        p = (1 + number of abs(T*) >= abs(T)) / (1 + flips)        drawn signs

    One flip is added because what was seen is one of them: drawn or not, the test keeps its level.

    Parameters
    ----------
    d : the differences by row, shape (n,)
    rng : of the signs; without, one of a fixed seed
    flips : how often all signs are drawn

    References
    ----------
    Fisher, "The Design of Experiments", 1935, section 21; Phipson and Smyth, "Permutation p-values
    should never be zero", Statistical Applications in Genetics and Molecular Biology 9, 2010.

    Examples
    --------
    >>> sign_flip_test(np.array([0.3, 0.1, 0.2, 0.4, 0.5]))
    0.0625
    """
    x = np.asarray(d, dtype=np.float64)
    if x.ndim != 1 or x.size == 0 or not np.isfinite(x).all():
        raise ValueError(f"expected finite differences of shape (n,); got shape {x.shape}")
    moving = x[x != 0]
    observed = abs(float(moving.sum())) * (1 - 1e-12) - 1e-300  # rounding must not undo a tie
    if len(moving) <= _MOST_EXACT:
        signs = np.arange(2 ** len(moving))[:, np.newaxis] >> np.arange(len(moving)) & 1
        return float(np.mean(np.abs((1 - 2 * signs) @ moving) >= observed))
    draws = rng or np.random.default_rng(SEED)
    total = moving.sum()
    as_far = sum(
        int((np.abs(2 * (heads @ moving) - total) >= observed).sum())
        for heads in _draw_coins(flips, len(moving), draws)
    )
    return (1 + as_far) / (1 + flips)


def _draw_coins(flips: int, n: int, rng: np.random.Generator) -> Iterator[Array]:
    """Yield blocks of coins, 0.0 or 1.0, of shape (some flips, n), `flips` in all."""
    width = -(-n // 8)
    for start in range(0, flips, step := max(_BLOCK // n, 1)):
        packed = rng.integers(256, size=(min(step, flips - start), width), dtype=np.uint8)
        yield np.unpackbits(packed, axis=1, count=n).astype(np.float64)


def bootstrap_means(d: Array, rng: np.random.Generator | None = None) -> Bootstrap:
    """Draw the rows again and again, and take the mean difference of each draw.

    Parameters
    ----------
    d : the differences by row, shape (n,)
    rng : of the draws; without, one of a fixed seed

    Examples
    --------
    >>> bootstrap = bootstrap_means(np.arange(10.0))
    >>> low, high = bootstrap.interval(0.9)
    >>> 2 < low < 4.5 < high < 7
    True
    """
    n, draws, means = len(d), rng or np.random.default_rng(SEED), []
    for start in range(0, RESAMPLES, step := max(_BLOCK // n, 1)):
        some = min(step, RESAMPLES - start)
        means.append(d[draws.integers(n, size=(some, n), dtype=np.uint32)].mean(axis=1))
    return Bootstrap.of(np.concatenate(means), np.zeros(n, np.intp))  # one stratum


def pool_rows(d: Array, most: int = MOST_ROWS) -> Array:
    """Return differences of at most `most` parts whose mean is that of `d`.

    Sums of independent rows are as independent as the rows, so that flips and draws of sums are as
    valid as those of rows, at a fraction of the work. Which rows are added up is drawn, so that an
    order of the rows has no say.

    >>> d = np.arange(10.0)
    >>> len(pool_rows(d, 5)), float(pool_rows(d, 5).mean()), pool_rows(d, 10) is d
    (5, 4.5, True)
    """
    if len(d) <= most:
        return d
    place = np.arange(len(d)) % most
    shuffled = np.random.default_rng(SEED).permutation(len(d))
    return np.bincount(place, d[shuffled], most) * (most / len(d))
