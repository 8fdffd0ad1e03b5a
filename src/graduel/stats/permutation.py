"""The sign-flip permutation test and bootstrap of losses by row (log loss, Brier score)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.stats.bootstrap import RESAMPLES, SEED, Bootstrap

Array = NDArray[Any]
FLIPS = 9999
MOST_ROWS = 10_000
"""More rows than this are first pooled at random into this many sums."""

_MOST_EXACT = 13  # rows: 2^13 is fewer than FLIPS + 1
_BLOCK = 2**21  # signs or rows per block


def sign_flip_test(d: Array, rng: np.random.Generator | None = None, flips: int = FLIPS) -> float:
    """Return the two-sided p-value of the paired sign-flip permutation test for a mean of 0.

    If neither contender were better, their losses on a row would be exchangeable, so each
    difference would be as likely to have the opposite sign. With T = Σ d and T* the same with
    random signs::

        p = P(abs(T*) >= abs(T))                                   up to 13 rows: all signs
        p = (1 + number of abs(T*) >= abs(T)) / (1 + flips)        more rows: random signs

    One is added because the observed signs are one of the possible draws; with it the test keeps
    its level for any number of flips.

    Parameters
    ----------
    d : differences by row, shape (n,)
    rng : generator of the signs; by default one with a fixed seed
    flips : number of draws of all signs

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
    nonzero = x[x != 0]
    observed = abs(float(nonzero.sum())) * (1 - 1e-12) - 1e-300  # rounding must not break a tie
    if len(nonzero) <= _MOST_EXACT:
        signs = np.arange(2 ** len(nonzero))[:, np.newaxis] >> np.arange(len(nonzero)) & 1
        return float(np.mean(np.abs((1 - 2 * signs) @ nonzero) >= observed))
    generator = rng or np.random.default_rng(SEED)
    total = nonzero.sum()
    n_extreme = sum(
        int((np.abs(2 * (bits @ nonzero) - total) >= observed).sum())
        for bits in _draw_bits(flips, len(nonzero), generator)
    )
    return (1 + n_extreme) / (1 + flips)


def _draw_bits(flips: int, n: int, rng: np.random.Generator) -> Iterator[Array]:
    """Yield blocks of random bits, 0.0 or 1.0, of width n and `flips` rows in total."""
    width = -(-n // 8)
    for start in range(0, flips, step := max(_BLOCK // n, 1)):
        packed = rng.integers(256, size=(min(step, flips - start), width), dtype=np.uint8)
        yield np.unpackbits(packed, axis=1, count=n).astype(np.float64)


def bootstrap_means(d: Array, rng: np.random.Generator | None = None) -> Bootstrap:
    """Return the bootstrap of the mean difference over rows.

    Parameters
    ----------
    d : differences by row, shape (n,)
    rng : generator of the resamples; by default one with a fixed seed

    Examples
    --------
    >>> bootstrap = bootstrap_means(np.arange(10.0))
    >>> low, high = bootstrap.interval(0.9)
    >>> 2 < low < 4.5 < high < 7
    True
    """
    n, generator, means = len(d), rng or np.random.default_rng(SEED), []
    for start in range(0, RESAMPLES, step := max(_BLOCK // n, 1)):
        size = min(step, RESAMPLES - start)
        means.append(d[generator.integers(n, size=(size, n), dtype=np.uint32)].mean(axis=1))
    return Bootstrap.of(np.concatenate(means), np.zeros(n, np.intp))  # one stratum


def pool_rows(d: Array, max_rows: int = MOST_ROWS) -> Array:
    """Pool rows at random into at most `max_rows` sums, scaled so that their mean is that of `d`.

    Sums of independent rows are independent, so a permutation test or bootstrap of the sums is as
    valid as one of the rows, and faster. Pooling at random removes any effect of the row order.

    >>> d = np.arange(10.0)
    >>> len(pool_rows(d, 5)), float(pool_rows(d, 5).mean()), pool_rows(d, 10) is d
    (5, 4.5, True)
    """
    if len(d) <= max_rows:
        return d
    group = np.arange(len(d)) % max_rows
    order = np.random.default_rng(SEED).permutation(len(d))
    return np.bincount(group, d[order], max_rows) * (max_rows / len(d))
