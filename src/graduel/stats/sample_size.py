"""Sample sizes that would decide an undecided pair: rows, seeds and repeats.

A pair is decided if the test rejects equality, or the equivalence interval lies inside ±rope. Every
function returns a total, not an increment.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, sqrt

from scipy.special import ndtri

from graduel.stats.corrected_t import CorrectedT
from graduel.stats.proportions import check_counts, two_sided_z
from graduel.stats.two_way import MeanEstimate, Spread

_MAX_ROWS, _MAX_SEEDS, _MAX_REPEATS = 10**9, 10**3, 10**2


def rows_needed_mcnemar(
    b: int, c: int, n: int, alpha: float = 0.05, power: float = 0.8
) -> int | None:
    """Return the number of test rows that McNemar's test needs to detect the observed difference.

    Rounded up; None when b = c, because no number of rows is enough then. With the observed share
    p = (b + c) / n of rows on which the two differ, and the observed difference δ = (b - c) / n::

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
    """Return the number of test rows at which the score interval lies inside ±`rope`.

    Rounded up; None when the observed difference is not inside ±`rope`. With p and δ as in
    `rows_needed_mcnemar`, and both ends of the interval taken into account::

        N = (z_((1 + level)/2) + z_((1 + power)/2))² (p - δ²) / (rope - abs(δ))²

    and at least ``z² (1 - rope) / rope``, which the interval needs when b = c = 0.

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
    if rope - delta < 1e-9:  # no practical number of rows
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
    """Return the rows and seeds that would decide the observed mean in a t-based design.

    None if no practical size does, for example with a mean of 0 and no `rope`. A mean is decided if
    it differs from 0 at `alpha`, or its interval of `level` lies inside ±`rope`, each with
    probability `power`. The function first increases the dimension that helps most, rows or seeds;
    then the other; then both by the same factor.

    Examples
    --------
    >>> import numpy as np
    >>> from graduel.stats.two_way import paired_t
    >>> estimate = paired_t(np.array([[0, 1, 1, 0], [0, 1, 0, 0]]))
    >>> rows_and_seeds_needed(estimate)
    (15, 2)
    """
    spread, mean = estimate.spread, abs(estimate.mean)

    def is_decided(rows: int, seeds: int) -> bool:
        return _is_decided(spread.resized(rows, seeds), mean, alpha, power, rope, level)

    def more_rows() -> tuple[int, int] | None:
        rows = _find_smallest(lambda k: is_decided(k, spread.seeds), spread.rows, _MAX_ROWS)
        return None if rows is None else (rows, spread.seeds)

    def more_seeds() -> tuple[int, int] | None:
        if spread.of_seeds + spread.of_both == 0:
            return None
        seeds = _find_smallest(lambda k: is_decided(spread.rows, k), spread.seeds, _MAX_SEEDS)
        return None if seeds is None else (spread.rows, seeds)

    def more_of_both() -> tuple[int, int] | None:
        k = _find_smallest(lambda k: is_decided(k * spread.rows, k * spread.seeds), 1, _MAX_SEEDS)
        return None if k is None else (k * spread.rows, k * spread.seeds)

    with_twice_the_rows = spread.resized(2 * spread.rows, spread.seeds).half_width(alpha)
    with_twice_the_seeds = spread.resized(spread.rows, 2 * spread.seeds).half_width(alpha)
    if with_twice_the_seeds < with_twice_the_rows:
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
    """Return the number of cross-validation repeats that would decide the observed mean.

    None if a hundred are not enough; decided as in `rows_and_seeds_needed`. Repeats reduce only the
    variance due to the division into folds. The variance stays above ``n_test / n_train`` of one
    fold's, and repeats beyond `CorrectedT.max_fits` fits do not reduce it.

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
        lambda k: _is_decided(estimate.resized(repeats=k), mean, alpha, power, rope, level),
        estimate.repeats,
        _MAX_REPEATS,
    )
    return None if repeats is None or repeats > _MAX_REPEATS else repeats


def rows_needed_corrected_t(
    estimate: CorrectedT,
    n: int,
    *,
    alpha: float = 0.05,
    power: float = 0.8,
    rope: float = 0.0,
    level: float = 0.9,
) -> int | None:
    """Return the approximate number of rows of data that would decide the observed mean.

    None if no practical number does. `n` is the number of rows that `estimate` comes from. The
    variance of a fold is assumed to fall as 1 / n. This is rough: it holds for the sampling of test
    rows, but the variance of training may fall faster or more slowly, and so may the difference.
    """
    mean = abs(estimate.mean)
    return _find_smallest(
        lambda k: _is_decided(estimate.resized(rows=k / n), mean, alpha, power, rope, level),
        n,
        _MAX_ROWS,
    )


def _is_decided(
    new: CorrectedT | Spread, mean: float, alpha: float, power: float, rope: float, level: float
) -> bool:
    """Return whether a mean of this size would be decided with the standard error of `new`."""
    if mean and new.half_width(alpha) + float(ndtri(power)) * new.se <= mean:
        return True
    return new.half_width(1 - level) + two_sided_z(power) * new.se < rope - mean


def _find_smallest(holds: Callable[[int], bool], low: int, highest: int) -> int | None:
    """Return the smallest number above `low` for which the monotone condition `holds`.

    None if the search, which doubles, passes `highest`.
    """
    high = low + 1
    while not holds(high):
        low, high = high, 2 * high
        if low >= highest:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
