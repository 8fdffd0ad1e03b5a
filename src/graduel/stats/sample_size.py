"""How large a duel would settle what this one left undecided: rows, seeds and repeats."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, sqrt

from scipy.special import ndtri

from graduel.stats.corrected_t import CorrectedT
from graduel.stats.proportions import check_counts, two_sided_z
from graduel.stats.two_way import MeanEstimate, Spread

_MOST_ROWS, _MOST_SEEDS, _MOST_REPEATS = 10**9, 10**3, 10**2


def rows_needed_mcnemar(
    b: int, c: int, n: int, alpha: float = 0.05, power: float = 0.8
) -> int | None:
    """Return how many test rows McNemar's test needs for a difference of the size seen.

    In all, rounded up; None when b = c: then no number of rows is enough.

    With the share p = (b + c) / n of rows on which the two differ, and δ = (b - c) / n, as they
    were seen::

        N = ((z_(1 - alpha/2) sqrt(p) + z_power sqrt(p - δ²)) / δ)²

    References
    ----------
    Connor, "Sample size for testing differences in proportions for the paired-sample design",
    Biometrics 43, 1987.

    Examples
    --------
    >>> rows_needed_mcnemar(45, 5, 100)
    23
    """
    check_counts(b, c, n)
    if b == c:
        return None
    p, delta = (b + c) / n, (b - c) / n
    noise = two_sided_z(1 - alpha) * sqrt(p) + float(ndtri(power)) * sqrt(p - delta**2)
    return ceil((noise / delta) ** 2)


def rows_needed_equal(
    b: int, c: int, n: int, *, rope: float, level: float = 0.9, power: float = 0.8
) -> int | None:
    """Return how many test rows put the whole score interval inside ±`rope`.

    In all, rounded up; None when the difference seen is not inside ±`rope`.

    With p and δ as in `rows_needed_mcnemar`, and the same again for the other side of the
    interval::

        N = (z_((1 + level)/2) + z_((1 + power)/2))² (p - δ²) / (rope - abs(δ))²

    and at least ``z² (1 - rope) / rope``, which the interval needs where b = c = 0.

    References
    ----------
    Julious, "Sample sizes for clinical trials with Normal data", Statistics in Medicine 23, 2004.

    Examples
    --------
    >>> rows_needed_equal(30, 26, 1000, rope=0.02)
    1873
    """
    check_counts(b, c, n)
    p, delta = (b + c) / n, abs(b - c) / n
    if rope - delta < 1e-9:  # no number of rows within reason
        return None
    z = two_sided_z(level)
    needed = (z + two_sided_z(power)) ** 2 * (p - delta**2) / (rope - delta) ** 2
    return ceil(max(needed, z * z * (1 - rope) / rope))


def rows_and_seeds_needed(
    estimate: MeanEstimate,
    *,
    alpha: float = 0.05,
    power: float = 0.8,
    rope: float = 0.0,
    level: float = 0.9,
) -> tuple[int, int] | None:
    """Return how many rows and seeds would settle a mean of the size seen, in a t-based design.

    In all; None where no size within reason settles it (a mean of 0 and no `rope`, say).

    Settled means that the mean stands out from 0 at `alpha`, or that its interval of `level` lies
    inside ±`rope`, either with the chance `power`. Tried first is more of what helps most, rows
    or seeds; then more of the other; then more of both by the same factor.

    Examples
    --------
    >>> import numpy as np
    >>> from graduel.stats.two_way import paired_t
    >>> estimate = paired_t(np.array([[0, 1, 1, 0], [0, 1, 0, 0]]))
    >>> rows_and_seeds_needed(estimate)
    (15, 2)
    """
    spread, mean = estimate.spread, abs(estimate.mean)

    def is_settled(rows: int, seeds: int) -> bool:
        return _is_settled(spread.resized(rows, seeds), mean, alpha, power, rope, level)

    def more_rows() -> tuple[int, int] | None:
        rows = _find_smallest(lambda k: is_settled(k, spread.seeds), spread.rows, _MOST_ROWS)
        return None if rows is None else (rows, spread.seeds)

    def more_seeds() -> tuple[int, int] | None:
        if spread.of_seeds + spread.of_both == 0:
            return None
        seeds = _find_smallest(lambda k: is_settled(spread.rows, k), spread.seeds, _MOST_SEEDS)
        return None if seeds is None else (spread.rows, seeds)

    def more_of_both() -> tuple[int, int] | None:
        k = _find_smallest(lambda k: is_settled(k * spread.rows, k * spread.seeds), 1, _MOST_SEEDS)
        return None if k is None else (k * spread.rows, k * spread.seeds)

    twice_the_rows = spread.resized(2 * spread.rows, spread.seeds).half_width(alpha)
    twice_the_seeds = spread.resized(spread.rows, 2 * spread.seeds).half_width(alpha)
    if twice_the_seeds < twice_the_rows:
        return more_seeds() or more_rows() or more_of_both()
    return more_rows() or more_seeds() or more_of_both()


def repeats_needed(
    estimate: CorrectedT,
    *,
    alpha: float = 0.05,
    power: float = 0.8,
    rope: float = 0.0,
    level: float = 0.9,
) -> int | None:
    """Return how many repeats of a cross-validation would settle a mean of the size seen.

    In all; None where even a hundred are not enough.

    Settled is as in `rows_and_seeds_needed`. Repeats reduce the variance of the division into
    folds, and no other: the variance never falls below ``n_test / n_train`` of one fold's,
    and repeats beyond the fits that count (`CorrectedT.most`) take nothing away.

    Examples
    --------
    >>> import numpy as np
    >>> from graduel.stats.corrected_t import corrected_t
    >>> d = np.array([[0.05, 0.01, 0.04, 0.05, 0.03, 0.06, 0.00, 0.03, 0.04, -0.01]])
    >>> repeats_needed(corrected_t(d, test_share=0.1))
    2
    """
    mean = abs(estimate.mean)
    repeats = _find_smallest(
        lambda k: _is_settled(estimate.resized(repeats=k), mean, alpha, power, rope, level),
        estimate.repeats,
        _MOST_REPEATS,
    )
    return None if repeats is None or repeats > _MOST_REPEATS else repeats


def rows_needed_corrected_t(
    estimate: CorrectedT,
    n: int,
    *,
    alpha: float = 0.05,
    power: float = 0.8,
    rope: float = 0.0,
    level: float = 0.9,
) -> int | None:
    """Return about how many rows of data would settle a mean of the size seen, as `estimate` was.

    In all; None where no number within reason is enough.

    A fold's variance is taken to fall as 1 / n. That is rough: it is so for the chance in the test
    rows; the chance in the training may fall faster or more slowly, and so may the difference.
    """
    mean = abs(estimate.mean)
    return _find_smallest(
        lambda k: _is_settled(estimate.resized(rows=k / n), mean, alpha, power, rope, level),
        n,
        _MOST_ROWS,
    )


def _is_settled(
    new: CorrectedT | Spread, mean: float, alpha: float, power: float, rope: float, level: float
) -> bool:
    """Return whether a mean of this size would be settled with the uncertainty of `new`."""
    if mean and new.half_width(alpha) + float(ndtri(power)) * new.se <= mean:
        return True
    return new.half_width(1 - level) + two_sided_z(power) * new.se < rope - mean


def _find_smallest(holds: Callable[[int], bool], low: int, most: int) -> int | None:
    """Smallest number above `low` for which `holds`, which stays true once it is."""
    high = low + 1
    while not holds(high):
        low, high = high, 2 * high
        if low >= most:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
