"""The decision rules of a verdict, the same for every pair of contenders and every design.

In this order: (1) practically equal, if the 90 % CI of the paired difference (Bonferroni over the
pairs) lies inside ±ROPE; (2) one is better, if the Holm-adjusted p-value is below 0.05;
(3) undecided. ``docs/statistics.md`` gives the reasons.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import combinations
from math import inf
from typing import Any

import numpy as np

from graduel.duel.verdict.evidence import Evidence, SampleSize
from graduel.duel.verdict.reproduction import reproduction_probability
from graduel.duel.verdict.sentences import verdict_sentence
from graduel.duel.verdict.types import Comparison, Rope, RopeLike, Verdict, resolve_rope
from graduel.metrics.metric import Metric
from graduel.stats.multiplicity import holm

ALPHA = 0.05
"""Family-wise error rate: the probability of any false "better" over all pairs."""

FITTED_SCOPE = (
    "This verdict is about these fitted models on new test rows like these. Retrained with another "
    "seed or on other rows, they may compare differently."
)


def compare_pairs(
    losses: Mapping[str, float],
    get_evidence: Callable[[str, str], Evidence],
    *,
    metric: Metric,
    rope: RopeLike,
    rows: int,
    seeds: int = 1,
    repeats: int | None = None,
    folds: int | None = None,
    scope: str,
    titles: Mapping[str, str] | None,
    against: str | None,
    n_pairs: int | None = None,
) -> list[Comparison]:
    """Apply the rules to every pair, or only to the pairs that include `against`.

    ``get_evidence(a, b)`` returns the evidence of a design on one pair. `n_pairs` is the number of
    pairs of a plan of which these are a part; Bonferroni's correction then replaces Holm's, which
    needs the p-values of all of them.
    """
    pairs = [pair for pair in combinations(losses, 2) if against is None or against in pair]
    planned = n_pairs or len(pairs)
    level = 1 - 0.1 / max(planned, 1)
    evidences = [get_evidence(a, b) for a, b in pairs]
    p_values = [evidence.p_value for evidence in evidences]
    adjusted = holm(p_values) if n_pairs is None else [min(1.0, p * planned) for p in p_values]
    comparisons = []
    for (a, b), evidence, p_adjusted in zip(pairs, evidences, adjusted, strict=True):
        pair_rope = resolve_rope(rope, losses[a], losses[b])
        equivalence = evidence.interval(level)
        if isinstance(rope, Rope) and evidence.ratio_interval is not None:
            equivalence = _ratio_differences(evidence.ratio_interval(level), losses[a], losses[b])
        verdict = decide_verdict(evidence.difference, equivalence, p_adjusted, pair_rope)
        undecided = verdict == "undecided"
        sample_size = evidence.sample_size
        more = sample_size(ALPHA / planned, pair_rope, level) if undecided else SampleSize()
        at_95, decision = evidence.interval(0.95), evidence.interval(1 - ALPHA / max(planned, 1))
        comparison = Comparison(
            a=a,
            b=b,
            metric=metric.name,
            error_a=losses[a],
            error_b=losses[b],
            difference=evidence.difference,
            interval=at_95,
            interval_level=0.95,
            equivalence_interval=equivalence,
            equivalence_level=level,
            rope=pair_rope,
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
            simultaneous_interval=decision,
            reproduction=reproduction_probability(
                verdict,
                evidence.difference,
                interval=at_95,
                decision=decision,
                equivalence=equivalence,
                rope=pair_rope,
            )
            if seeds == 1 and folds is None
            else None,
        )
        sentence = verdict_sentence(comparison, metric, titles or {})
        comparisons.append(replace(comparison, sentence=sentence))
    return comparisons


def _ratio_differences(
    bounds: tuple[float, float], loss_a: float, loss_b: float
) -> tuple[float, float]:
    """Return the CI of a log ratio of losses as differences of the lower loss m.

    A log ratio x is m (exp |x| − 1), with the sign of x: below a share s of m where |x| is below
    log(1 + s). A difference of losses, with a ROPE from the same losses, would count too many
    pairs as equal, since both vary together.

    >>> low, high = _ratio_differences((-np.log(1.02), np.log(1.01)), 2.0, 3.0)
    >>> round(low, 6), round(high, 6)
    (-0.04, 0.02)
    """
    m = min(loss_a, loss_b)
    low, high = (float(np.sign(x) * m * np.expm1(abs(x))) for x in bounds)
    return low, high


def check_shapes(arrays: Mapping[str, Any], axes: tuple[str, ...]) -> tuple[int, ...]:
    """Return the shape that all contenders' arrays share.

    Raises
    ------
    ValueError
        If there is no array, the axes are not `axes`, one is empty, or the shapes differ.
    """
    shapes = {name: np.shape(array) for name, array in arrays.items()}
    shape = next(iter(shapes.values()), ())
    if len(shape) != len(axes) or 0 in shape or set(shapes.values()) != {shape}:
        raise ValueError(
            f"expected arrays of the same shape ({', '.join(axes)}) for all contenders; "
            f"got {shapes or 'none'}. Score all of them on the same {' and '.join(axes[1::-1])}."
        )
    return shape


def check_rope(rope: RopeLike, metric: Metric) -> None:
    """Raise `ValueError` if the ROPE is out of range for the metric."""
    value = rope.share if isinstance(rope, Rope) else rope
    if (metric.is_share or isinstance(rope, Rope)) and not 0 <= value < 1:
        raise ValueError(
            "rope must be a share, at least 0 and below 1 (0.005 is half a percentage point); "
            f"got {value}"
        )
    if not 0 <= value < inf:
        raise ValueError(f"rope must be a finite number, at least 0; got {value}")


def procedure_scope(seeds: int) -> str:
    """Return the scope of a verdict on contenders fitted with `seeds` seeds on one training set."""
    if seeds >= 3:
        return (
            "This verdict is about these procedures on this training set: new seeds and new test "
            "rows like these, but not other training rows."
        )
    return FITTED_SCOPE


def decide_verdict(
    difference: float,
    equivalence_interval: tuple[float, float] | None,
    p_adjusted: float,
    rope: float,
) -> Verdict:
    """Apply the rules, in their order, to the loss of a minus the loss of b.

    An `equivalence_interval` of None is unbounded.

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
