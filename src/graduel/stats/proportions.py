"""Statistics of counts on one test set: McNemar, Tango, Wilson.

SciPy is used for all that it implements.
"""

from __future__ import annotations

from math import sqrt

from scipy import stats
from scipy.optimize import brentq
from scipy.special import ndtri


def mcnemar_midp(b: int, c: int) -> float:
    """Return the two-sided mid-p value of McNemar's test; 1 if the two never differ.

    Only the b + c rows on which exactly one of the two is wrong carry information. Without a true
    difference, b follows Binomial(b + c, 1/2). The exact p-value counts the probability of the
    observed result in full, which makes it conservative; the mid-p value counts half of it::

        2 P(K <= min(b, c)) - P(K = b),   and   1 - P(K = b) / 2   when b = c

    Parameters
    ----------
    b, c : number of rows on which only the first is wrong, and only the second

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
    observed = float(stats.binom.pmf(b, b + c, 0.5))
    if b == c:
        return 1 - observed / 2
    return max(2 * float(stats.binom.cdf(min(b, c), b + c, 0.5)) - observed, 0.0)


def mcnemar_exact(b: int, c: int) -> float:
    """Return the two-sided exact p-value of McNemar's test: ``2 P(K <= min(b, c))``, at most 1.

    It never exceeds its level, but is conservative; see `mcnemar_midp`. From SciPy.

    Examples
    --------
    >>> round(mcnemar_exact(1, 7), 4)
    0.0703
    """
    check_counts(b, c, max(b + c, 1))
    return float(stats.binomtest(b, b + c).pvalue) if b + c else 1.0


def paired_score_interval(b: int, c: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return Tango's score interval for the difference (b - c) / n of two paired proportions.

    It contains every difference δ that the score test does not reject: those with abs(T(δ)) <= z,
    ::

        T(δ) = (b - c - n δ) / sqrt(n (2 q + δ (1 - δ)))

    where q, the probability under δ that only the second is wrong, is the larger root of
    ``2n q² - (b + c - (2n - b + c) δ) q - c δ (1 - δ) = 0`` (maximum likelihood). Unlike the Wald
    interval, estimate ± z standard errors, it stays in [-1, 1] and has a positive width when
    b = c = 0.

    Parameters
    ----------
    b, c : number of rows on which only the first is wrong, and only the second
    n : total number of rows
    level : confidence level, between 0 and 1

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
    z = two_sided_z(check_level(level))
    # By symmetry: swapping b and c swaps the limits exactly.
    return -_upper_limit(c, b, n, z), _upper_limit(b, c, n, z)


def _upper_limit(b: int, c: int, n: int, z: float) -> float:
    estimate = (b - c) / n
    # If the variance at the estimate is zero, the estimate is a spurious root.
    if b == n:
        return 1.0
    if c == n:
        return (z * z - n) / (n + z * z)
    if b == c == 0:
        return z * z / (n + z * z)

    def excess(delta: float) -> float:
        linear = (2 * n - b + c) * delta - b - c
        constant = -c * delta * (1 - delta)
        root = sqrt(max(linear**2 - 8 * n * constant, 0.0))
        # Two forms of the same root: each is accurate where the other suffers cancellation.
        q = -2 * constant / (linear + root) if linear > 0 else (root - linear) / (4 * n)
        return delta - estimate - z * sqrt(max(2 * q + delta * (1 - delta), 0.0) / n)

    return float(brentq(excess, estimate, 1.0, xtol=1e-15, rtol=1e-14))


def wilson_interval(k: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return Wilson's score interval for a proportion, k of n (Wilson 1927), from SciPy.

    Examples
    --------
    >>> low, high = wilson_interval(0, 100)
    >>> round(low, 4), round(high, 4)
    (0.0, 0.037)
    """
    check_counts(k, 0, n)
    interval = stats.binomtest(k, n).proportion_ci(check_level(level), method="wilson")
    return max(float(interval.low), 0.0), min(float(interval.high), 1.0)


def two_sided_z(level: float) -> float:
    """Return the z for which ±z contains `level` of a standard normal distribution."""
    return -float(ndtri((1 - level) / 2))


def check_level(level: float) -> float:
    """Return the level; raise `ValueError` unless it is between 0 and 1."""
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, for example 0.95; got {level}")
    return level


def check_counts(b: int, c: int, n: int) -> None:
    """Raise `ValueError` if b and c cannot be counts of n rows."""
    if n < 1 or b < 0 or c < 0 or b + c > n:
        raise ValueError(
            f"expected counts of at least 0 with a sum of at most the number of rows, at least 1; "
            f"got {b} and {c} of {n} rows"
        )
