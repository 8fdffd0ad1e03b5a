"""The rules of a verdict, for every pair of contenders and whatever the design.

In this order: (1) the 90 % interval of the paired difference, Bonferroni over the pairs, lies
inside ±ROPE: practically equal; (2) the Holm-adjusted p-value is below 0.05: one is better; (3)
undecided. ``docs/statistics.md`` says why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import combinations
from math import inf
from typing import Any

import numpy as np

from graduel.duel.verdict.evidence import Evidence, SampleSize
from graduel.duel.verdict.sentences import verdict_sentence
from graduel.duel.verdict.types import Comparison, Verdict
from graduel.metrics.metric import Metric
from graduel.stats.multiplicity import holm

ALPHA = 0.05
"""Chance of calling a pair different, over all the pairs, where none is."""

FITTED = (
    "This speaks of these fitted models on new test rows like these; trained again with "
    "another seed or on other rows they may compare otherwise."
)


def compare_pairs(
    losses: Mapping[str, float],
    get_evidence: Callable[[str, str, float], Evidence],
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

    ``get_evidence(a, b, level)`` returns a design's evidence on one pair, with an equivalence
    interval of that level.
    """
    pairs = [pair for pair in combinations(losses, 2) if against is None or against in pair]
    level = 1 - 0.1 / max(len(pairs), 1)
    evidences = [get_evidence(a, b, level) for a, b in pairs]
    adjusted = holm([evidence.p_value for evidence in evidences])
    comparisons = []
    for (a, b), evidence, p_adjusted in zip(pairs, evidences, adjusted, strict=True):
        verdict = decide_verdict(
            evidence.difference, evidence.equivalence_interval, p_adjusted, rope
        )
        undecided = verdict == "undecided"
        more = evidence.sample_size(ALPHA / len(pairs), rope, level) if undecided else SampleSize()
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


def check_shapes(arrays: Mapping[str, Any], axes: tuple[str, ...]) -> tuple[int, ...]:
    """Return the shape of the contenders' arrays; raise unless all have the same, with these axes.

    Raises
    ------
    ValueError
        If there is no array, an axis is missing or empty, or the shapes differ.
    """
    shapes = {name: np.shape(array) for name, array in arrays.items()}
    shape = next(iter(shapes.values()), ())
    if len(shape) != len(axes) or 0 in shape or set(shapes.values()) != {shape}:
        raise ValueError(
            f"expected for all contenders one and the same shape ({', '.join(axes)}), so that they "
            f"can be compared; got {shapes or 'none'}. Score all of them on the same "
            f"{' and '.join(axes[1::-1])}."
        )
    return shape


def check_rope(rope: float, metric: Metric) -> None:
    """Raise if the metric cannot have this region of practical equivalence."""
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


def decide_verdict(
    difference: float,
    equivalence_interval: tuple[float, float] | None,
    p_adjusted: float,
    rope: float,
) -> Verdict:
    """Apply the rules, in their order, to the loss of a minus the loss of b.

    An interval of None is one without limits.

    >>> decide_verdict(0.002, (-0.001, 0.004), 0.03, rope=0.005)
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
