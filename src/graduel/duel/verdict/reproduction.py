"""The probability that a repetition of a comparison gives the same verdict."""

from __future__ import annotations

from statistics import NormalDist

from graduel.duel.verdict.types import Interval, Verdict

LIKELY = 2 / 3
"""A verdict with a lower probability in a repetition is called close to a boundary."""


def reproduction_probability(
    verdict: Verdict,
    difference: float,
    *,
    interval: Interval,
    decision: Interval,
    equivalence: Interval,
    rope: float,
) -> float | None:
    """Return the probability that a repetition with as many rows gives the same verdict.

    The difference d of this run and the d′ of a repetition vary about the same true difference,
    both with the standard error s, so that d′ − d is normal with the variance 2 s². s and the two
    critical differences are the half-widths h of CIs, and the ROPE δ:

        s = h₉₅ / 1.96;   better: |d′| > h_decision;   practically equal: |d′| < δ − h_equivalence

    where "practically equal" comes first. With one seed, s stems from the rows that only one of two
    fitted models gets wrong. Fits that differ by their seed alone disagree on about as many, which
    is why s also stands for the change by another seed.

    Source: Goodman, *A Comment on Replication, P-values and Evidence*, Statistics in Medicine 1992.

    Parameters
    ----------
    verdict, difference : of this run, loss of a minus loss of b
    interval : the 95 % CI of the difference
    decision : the CI that excludes 0 if one is better
    equivalence : the CI that lies inside ±ROPE if both are practically equal
    rope : the region of practical equivalence

    Returns
    -------
    float or None
        The probability; None if the differences do not vary.

    Examples
    --------
    >>> same = {"interval": (0.0, 0.4), "decision": (0.0, 0.4), "equivalence": (0.03, 0.37)}
    >>> reproduction_probability("a better", 0.2, **same, rope=0.0)
    0.0...
    >>> round(reproduction_probability("b better", 0.2, **same, rope=0.0), 6)
    0.5
    """
    spread = 2**0.5 * _half(interval) / NormalDist().inv_cdf(0.975)
    if not spread > 0:
        return None
    below = NormalDist(difference, spread).cdf
    critical, equal = _half(decision), max(rope - _half(equivalence), 0.0)
    outer = max(critical, equal)
    shares: dict[Verdict, float] = {
        "a better": below(-outer),
        "b better": 1 - below(outer),
        "practically equal": below(equal) - below(-equal),
    }
    shares["undecided"] = 1 - sum(shares.values())
    return min(max(shares[verdict], 0.0), 1.0)


def _half(interval: Interval) -> float:
    return (interval[1] - interval[0]) / 2
