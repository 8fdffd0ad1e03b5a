"""Evidence about a pair of contenders: which test and interval a duel's splits and seeds allow."""

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
from graduel.stats.row_losses import paired_loss_t
from graduel.stats.sample_size import rows_and_seeds_needed, rows_needed_equal, rows_needed_mcnemar
from graduel.stats.two_way import MeanEstimate, paired_t, two_way_t

Array = NDArray[Any]
TWO_SEEDS = (
    "Both were scored on the same test rows with two seeds each. Two seeds are too few to estimate "
    "the variance between seeds, so each row's mean over them"
)
NO_VARIATION = 1e-12
"""Differences whose range is at most this count as constant."""


@dataclass(frozen=True, slots=True)
class SampleSize:
    """The total sample size with 80 % power; None for a dimension that need not grow."""

    rows: int | None = None
    seeds: int | None = None
    repeats: int | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """The difference of two losses, its interval and p-value, the test and its reason."""

    difference: float
    interval: Callable[[float], tuple[float, float]]
    """The CI of the difference, a function of its level."""
    p_value: float
    test: str
    why: str
    sample_size: Callable[[float, float, float], SampleSize]
    """A function of alpha, rope and level."""
    bayes: tuple[float, float, float] | None = None
    """Probabilities that a is better by more than the ROPE, that they are equal, and that b is."""
    p_exact: float | None = None
    """McNemar's exact p-value, for evidence from counts."""
    ratio_interval: Callable[[float], tuple[float, float]] | None = None
    """The CI of the logarithm of the ratio of two losses, for a ROPE that is a share of them."""


def mcnemar_evidence(b: int, c: int, rows: int, why: str) -> Evidence:
    """Return evidence from McNemar's test and Tango's interval.

    `b` rows are misclassified by the first contender only, `c` by the second only, of `rows`.
    """

    def sample_size(alpha: float, rope: float, level: float) -> SampleSize:
        for_difference = rows_needed_mcnemar(b, c, rows, alpha)
        for_equality = rows_needed_equal(b, c, rows, rope=rope, level=level)
        sizes = [size for size in (for_difference, for_equality) if size is not None]
        return SampleSize(rows=max(min(sizes), rows + 1) if sizes else None)

    return Evidence(
        (b - c) / rows,
        lambda level: paired_score_interval(b, c, rows, level),
        mcnemar_midp(b, c),
        "McNemar mid-p",
        why,
        sample_size,
        p_exact=mcnemar_exact(b, c),
    )


def t_evidence(d: Array, *, largest: float = inf) -> Evidence:
    """Return evidence from a t on the means by row (two seeds), or the two-way t (three or more).

    `d` are differences of losses, shape (seeds, rows); `largest` is their largest possible value.
    """
    seeds, rows = d.shape
    estimate = paired_t if seeds < 3 else two_way_t
    at_95 = estimate(d)
    if at_95.se == 0 or np.ptp(d) <= NO_VARIATION:
        return constant_evidence(at_95.mean, rows)

    def interval(level: float) -> tuple[float, float]:
        one = estimate(d, level)
        return max(one.low, -largest), min(one.high, largest)

    return Evidence(
        at_95.mean,
        interval,
        at_95.p_value,
        "paired t by row" if seeds < 3 else "two-way t (rows and seeds)",
        _why(seeds),
        plan_rows_and_seeds(at_95),
    )


def permutation_evidence(d: Array) -> Evidence:
    """Return evidence from a sign-flip permutation test and bootstrap intervals.

    `d` are differences of losses, shape (seeds, rows), of one or two seeds.
    """
    seeds, rows = d.shape
    estimate = paired_t(d)
    if estimate.se == 0 or np.ptp(d) <= NO_VARIATION:
        return constant_evidence(estimate.mean, rows)
    sums = pool_rows(d.mean(axis=0))
    bootstrap = bootstrap_means(sums)
    design = (
        "Both were scored once on the same test rows." if seeds == 1 else f"{TWO_SEEDS} counts."
    )
    return Evidence(
        estimate.mean,
        bootstrap.interval,
        sign_flip_test(sums),
        "paired sign-flip permutation",
        f"{design} If neither were better, each row's difference of losses would be as likely to "
        f"have the opposite sign, so the signs are flipped at random {FLIPS:,} times. The CI comes "
        f"from {RESAMPLES:,} bootstrap resamples of the rows, because such losses are far from "
        "normal.",
        plan_rows_and_seeds(estimate),
    )


def _why(seeds: int) -> str:
    if seeds == 2:
        return f"{TWO_SEEDS} is compared."
    return (
        f"Both were scored on the same test rows with {seeds} seeds each, so the variance between "
        "rows and the variance between seeds both count."
    )


def constant_evidence(mean: float, rows: int, what: str = "rows") -> Evidence:
    """Return evidence from row counts, for differences that do not vary.

    Each row counts as a difference of 0 or 1. Two models that agree on 20 rows may differ on the
    next one, but a t interval without variance would have no width. `what` names the constant
    items in the reason.
    """
    signed = max(-rows, min(rows, round(mean * rows)))
    return mcnemar_evidence(
        max(signed, 0),
        max(-signed, 0),
        rows,
        f"All {what} give the same difference, so a t-test has no variance to work with; the rows "
        "are counted instead.",
    )


def loss_evidence(a: Array, b: Array, *, is_root: bool = False) -> Evidence:
    """Return evidence from the paired t of losses with heavy tails, shape (seeds, rows).

    With `is_root` it is about the roots of the mean losses, such as RMSE.
    """
    seeds, rows = a.shape
    at_95 = paired_loss_t(a, b, is_root=is_root)
    if at_95.se == 0:
        return equal_evidence(at_95.mean, rows)

    def interval(level: float) -> tuple[float, float]:
        one = paired_loss_t(a, b, is_root=is_root, level=level)
        return one.low, one.high

    def ratio_interval(level: float) -> tuple[float, float]:
        one = paired_loss_t(a, b, is_root=is_root, is_ratio=True, level=level)
        return one.low, one.high

    has_ratio = bool(a.any(axis=1).all() and b.any(axis=1).all())
    design = (
        f"Both were scored on the same test rows with {seeds} seeds each, so the variance between "
        "rows and the variance between seeds both count. "
        if seeds > 2
        else ""
    )
    return Evidence(
        at_95.mean,
        interval,
        at_95.p_value,
        "paired t by row (heavy tails)" if seeds < 3 else "two-way t (heavy tails)",
        f"{design}Errors of predicted numbers have heavy tails: a few rows decide their mean. The "
        "t allows for it by degrees of freedom that fall with the kurtosis of the differences, and "
        "by a wider interval on few rows.",
        plan_rows_and_seeds(at_95),
        ratio_interval=ratio_interval if has_ratio else None,
    )


def equal_evidence(mean: float, rows: int, what: str = "rows") -> Evidence:
    """Return evidence for losses without bounds whose differences do not vary.

    Only equal predictions have such losses, in practice, and there is nothing to estimate.
    """
    return Evidence(
        mean,
        lambda level: (mean, mean),
        1.0 if mean == 0 else 2.0 ** (1 - rows),
        "sign test",
        f"All {what} give the same difference, so there is no variance to work with.",
        lambda alpha, rope, level: SampleSize(),
    )


def plan_rows_and_seeds(estimate: MeanEstimate) -> Callable[[float, float, float], SampleSize]:
    """Return the sample-size function of a mean over rows and seeds."""

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
