"""What one design's statistics say about one pair of contenders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.stats.bootstrap import RESAMPLES
from graduel.stats.permutation import FLIPS, bootstrap_means, pool_rows, sign_flip_test
from graduel.stats.proportions import mcnemar_exact, mcnemar_midp, paired_score_interval
from graduel.stats.sample_size import rows_and_seeds_needed, rows_needed_equal, rows_needed_mcnemar
from graduel.stats.two_way import MeanEstimate, paired_t, two_way_t

Array = NDArray[Any]
TWO_SEEDS = (
    "Both were scored on the same test rows with two seeds each; two are too few to tell how seeds "
    "vary, so that each row's mean over them"
)
NO_VARIATION = 1e-12
"""Differences that vary by no more than this do not vary."""


@dataclass(frozen=True, slots=True)
class SampleSize:
    """How large a duel would settle it, in all; None for what need not grow."""

    rows: int | None = None
    seeds: int | None = None
    repeats: int | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """The difference of two losses, with all that a verdict needs."""

    difference: float
    interval: tuple[float, float]
    equivalence_interval: tuple[float, float]
    p_value: float
    test: str
    why: str
    sample_size: Callable[[float, float, float], SampleSize]
    """Of alpha, rope and level."""
    bayes: tuple[float, float, float] | None = None
    """The probabilities that a is better by more than the ROPE, that they are equal, that b is."""
    p_exact: float | None = None
    """McNemar's exact p, where rows are counted."""


def mcnemar_evidence(b: int, c: int, rows: int, level: float, why: str) -> Evidence:
    """McNemar's test and Tango's interval: b rows only the first gets wrong, c only the second."""

    def sample_size(alpha: float, rope: float, level: float) -> SampleSize:
        for_difference = rows_needed_mcnemar(b, c, rows, alpha)
        for_equality = rows_needed_equal(b, c, rows, rope=rope, level=level)
        sizes = [size for size in (for_difference, for_equality) if size is not None]
        return SampleSize(rows=max(min(sizes), rows + 1) if sizes else None)

    return Evidence(
        (b - c) / rows,
        paired_score_interval(b, c, rows, 0.95),
        paired_score_interval(b, c, rows, level),
        mcnemar_midp(b, c),
        "McNemar mid-p",
        why,
        sample_size,
        p_exact=mcnemar_exact(b, c),
    )


def t_evidence(d: Array, level: float, *, most: float = inf) -> Evidence:
    """Apply a t on the means by row of two seeds, or from three seeds on the two-way t.

    `d` are differences of losses, of shape (seeds, rows); `most` is the largest that can be.
    """
    seeds, rows = d.shape
    estimate = paired_t if seeds < 3 else two_way_t
    at_95, at_level = estimate(d), estimate(d, level)
    if at_95.se == 0 or np.ptp(d) <= NO_VARIATION:
        return constant_evidence(at_95.mean, rows, level)
    return Evidence(
        at_95.mean,
        (max(at_95.low, -most), min(at_95.high, most)),
        (max(at_level.low, -most), min(at_level.high, most)),
        at_95.p_value,
        "paired t by row" if seeds < 3 else "two-way t (rows and seeds)",
        _why(seeds),
        plan_rows_and_seeds(at_95),
    )


def permutation_evidence(d: Array, level: float) -> Evidence:
    """Flip the signs of the differences by row for p, draw the rows again for the intervals.

    `d` are differences of losses, of shape (seeds, rows), one seed or two.
    """
    seeds, rows = d.shape
    estimate = paired_t(d)
    if estimate.se == 0 or np.ptp(d) <= NO_VARIATION:
        return constant_evidence(estimate.mean, rows, level)
    sums = pool_rows(d.mean(axis=0))
    bootstrap = bootstrap_means(sums)
    who = "Both were scored once on the same test rows." if seeds == 1 else f"{TWO_SEEDS} counts."
    return Evidence(
        estimate.mean,
        bootstrap.interval(0.95),
        bootstrap.interval(level),
        sign_flip_test(sums),
        "paired sign-flip permutation",
        f"{who} If neither were better, each row's difference of losses could as well have the "
        f"other sign; so the signs are flipped at random {FLIPS:,} times. The interval comes from "
        f"drawing the rows again {RESAMPLES:,} times (bootstrap), as such losses are far from "
        "normal.",
        plan_rows_and_seeds(estimate),
    )


def _why(seeds: int) -> str:
    if seeds == 2:
        return f"{TWO_SEEDS} is compared."
    return (
        f"Both were scored on the same test rows with {seeds} seeds each, so that the chance "
        "in the rows and the chance in the seeds both count."
    )


def constant_evidence(mean: float, rows: int, level: float, what: str = "rows") -> Evidence:
    """Count the rows where nothing varies, as if each of them won or lost a whole unit.

    Two models that agree on 20 rows may differ on the next: with no variation to go by, any other
    interval would have no width.
    """
    signed = max(-rows, min(rows, round(mean * rows)))
    return mcnemar_evidence(
        max(signed, 0),
        max(-signed, 0),
        rows,
        level,
        f"All {what} say the same, so that a t has no variation to go by; the rows are counted.",
    )


def plan_rows_and_seeds(estimate: MeanEstimate) -> Callable[[float, float, float], SampleSize]:
    """Plan for a mean over rows and seeds."""

    def sample_size(alpha: float, rope: float, level: float) -> SampleSize:
        size = rows_and_seeds_needed(estimate, alpha=alpha, rope=rope, level=level)
        if size is None:
            return SampleSize()
        rows, seeds = size
        return SampleSize(
            rows=rows if rows > estimate.spread.rows else None,
            seeds=seeds if seeds > estimate.spread.seeds else None,
        )

    return sample_size
