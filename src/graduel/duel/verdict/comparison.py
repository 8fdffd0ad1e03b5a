"""The rules of a verdict, for every pair of contenders and whatever the design.

In this order: (1) the 90 % interval of the paired difference, Bonferroni over the pairs, lies
inside ±ROPE: practically equal; (2) the Holm-adjusted p-value is below 0.05: one is better; (3)
undecided. ``docs/statistics.md`` says why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from math import inf
from typing import Any, Literal

from graduel.duel.verdict.evidence import Evidence, SampleSize
from graduel.duel.verdict.sentences import verdict_sentence
from graduel.metrics.metric import Metric
from graduel.stats.multiplicity import holm

ALPHA = 0.05
"""Chance of calling a pair different, over all the pairs, where none is."""

FITTED = (
    "This speaks of these fitted models on new test rows like these; trained again with "
    "another seed or on other rows they may compare otherwise."
)

Verdict = Literal["a better", "b better", "practically equal", "undecided"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the test rows say about one pair. Losses and differences of shares are 0 to 1."""

    a: str
    b: str
    metric: str
    error_a: float
    """The loss of a: lower is better, and a share is a share (AUC 0.98 is a loss of 0.02)."""
    error_b: float
    difference: float
    """Loss of a minus loss of b: positive where b is better."""
    interval: tuple[float, float]
    interval_level: float
    equivalence_interval: tuple[float, float]
    equivalence_level: float
    rope: float
    test: str
    why: str
    """Why that test."""
    p_value: float
    p_adjusted: float
    """Holm over all the pairs."""
    verdict: Verdict
    detectable: bool
    """Practically equal, and yet the adjusted p-value is below 0.05."""
    scope: str
    """What the verdict speaks of."""
    rows: int
    """How many rows were tested on; in cross-validation all of them."""
    seeds: int
    more_rows: int | None
    """Undecided: test rows in all that would settle it, after cross-validation rows of data; None
    where rows are not what is short."""
    more_seeds: int | None
    """Undecided: seeds in all that would settle it; None where seeds are not what is short."""
    sentence: str
    value_a: float | None = None
    """The metric of a as users know it: accuracy, say, where the loss is the error."""
    value_b: float | None = None
    repeats: int | None = None
    """Of a cross-validation; None without one."""
    folds: int | None = None
    more_repeats: int | None = None
    """Undecided after cross-validation: repeats in all that would settle it."""
    bayes: tuple[float, float, float] | None = None
    """The probabilities that a is better by more than the ROPE, that they are practically equal,
    and that b is better; of the Bayesian correlated t, None in other designs."""
    p_exact: float | None = None
    """McNemar's exact p, for those who ask for it; None where rows are not counted."""

    def as_dict(self) -> dict[str, Any]:
        """Return plain data, ready for JSON."""
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in asdict(self).items()
        }


def compare_pairs(
    losses: Mapping[str, float],
    weigh: Callable[[str, str, float], Evidence],
    *,
    metric: Metric,
    rope: float,
    rows: int,
    seeds: int = 1,
    repeats: int | None = None,
    folds: int | None = None,
    scope: str,
    titles: Mapping[str, str] | None,
    against: str | None,
) -> list[Comparison]:
    """Apply the rules to every pair, or to every pair with `against` in it.

    ``weigh(a, b, level)`` gives a design's evidence on one pair, its interval for equality of
    that level.
    """
    pairs = [pair for pair in combinations(losses, 2) if against is None or against in pair]
    level = 1 - 0.1 / max(len(pairs), 1)
    found = [weigh(a, b, level) for a, b in pairs]
    adjusted = holm([evidence.p_value for evidence in found])
    comparisons = []
    for (a, b), evidence, p_adjusted in zip(pairs, found, adjusted, strict=True):
        verdict = decide(evidence.difference, evidence.equivalence_interval, p_adjusted, rope)
        undecided = verdict == "undecided"
        more = evidence.needed(ALPHA / len(pairs), rope, level) if undecided else SampleSize()
        comparison = Comparison(
            a=a,
            b=b,
            metric=metric.name,
            error_a=losses[a],
            error_b=losses[b],
            difference=evidence.difference,
            interval=evidence.interval,
            interval_level=0.95,
            equivalence_interval=evidence.equivalence_interval,
            equivalence_level=level,
            rope=rope,
            test=evidence.test,
            why=evidence.why,
            p_value=evidence.p_value,
            p_adjusted=p_adjusted,
            verdict=verdict,
            detectable=verdict == "practically equal" and p_adjusted < ALPHA,
            scope=scope,
            rows=rows,
            seeds=seeds,
            more_rows=more.rows,
            more_seeds=more.seeds,
            sentence="",
            value_a=metric.shown(losses[a]),
            value_b=metric.shown(losses[b]),
            repeats=repeats,
            folds=folds,
            more_repeats=more.repeats,
            bayes=evidence.bayes,
            p_exact=evidence.p_exact,
        )
        words = verdict_sentence(comparison, metric, titles or {})
        comparisons.append(replace(comparison, sentence=words))
    return comparisons


def check_rope(rope: float, metric: Metric) -> None:
    """Refuse a region of practical equivalence that the metric cannot have."""
    if metric.unit and not 0 <= rope < 1:
        raise ValueError(
            f"rope must be a share of at least 0 and below 1 (0.005 is half a point); got {rope}"
        )
    if not 0 <= rope < inf:
        raise ValueError(f"rope must be a number of at least 0; got {rope}")


def procedure_scope(seeds: int) -> str:
    """Return what a verdict speaks of, of models fitted with so many seeds on one training set."""
    if seeds >= 3:
        return (
            "This speaks of these procedures, on this training set: of new seeds and new test rows "
            "like these, not of other training rows."
        )
    return FITTED


def decide(
    difference: float,
    equivalence_interval: tuple[float, float] | None,
    p_adjusted: float,
    rope: float,
) -> Verdict:
    """Apply the rules, in their order, to the loss of a minus the loss of b.

    An interval of None is one without limits.

    >>> decide(0.002, (-0.001, 0.004), 0.03, rope=0.005)
    'practically equal'
    """
    if equivalence_interval is not None:
        low, high = equivalence_interval
        if -rope < low and high < rope:
            return "practically equal"
    if p_adjusted < ALPHA and difference < 0:
        return "a better"
    if p_adjusted < ALPHA and difference > 0:
        return "b better"
    return "undecided"
