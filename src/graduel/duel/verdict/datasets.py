"""The verdict across data sets, each of which counts once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.duel.verdict.comparison import ALPHA, check_rope, check_shapes, decide_verdict
from graduel.duel.verdict.dataset_sentences import dataset_sentence
from graduel.duel.verdict.types import DatasetComparison, DatasetVerdict
from graduel.metrics.metric import Metric
from graduel.stats.multiplicity import holm
from graduel.stats.ranks import critical_difference, find_groups, friedman, mean_ranks
from graduel.stats.signed_rank import SignedRank

Array = NDArray[Any]
MIN_CONTENDERS = 5
"""Fewest contenders with a critical difference."""

TEST = "Wilcoxon signed rank"
WHY = (
    "Each data set gives one difference. Differences on different data sets have no common scale, "
    "so their signs and the ranks of their sizes count, not the sizes themselves."
)
SCOPE = (
    "This verdict is about these procedures on data sets like these, provided that these are a "
    "representative sample."
)


def compare_datasets(
    losses: Mapping[str, Sequence[float]],
    *,
    metric: Metric,
    rope: float,
    titles: Mapping[str, str] | None = None,
    against: str | None = None,
) -> DatasetVerdict:
    """Compare every pair of contenders across data sets, or all contenders with one.

    Wilcoxon's signed-rank test decides, by the same rules as in every verdict; the Bayesian
    signed-rank test adds three probabilities. With three or more contenders, Friedman's test asks
    whether any differ; with five or more, Nemenyi's critical difference shows which ranks do.

    Parameters
    ----------
    losses : by contender name, `metric.loss` on each data set, in the same order for all
    metric : the metric of the losses
    rope, titles, against
        As in :func:`~graduel.duel.verdict.test_rows.compare_rows`.

    Raises
    ------
    ValueError
        If the losses are not finite or differ in length, `rope` is out of range, or `against` is
        not a contender.

    References
    ----------
    Demšar, "Statistical comparisons of classifiers over multiple data sets", Journal of Machine
    Learning Research 7, 2006; Benavoli, Corani, Demšar and Zaffalon, "Time for a change", Journal
    of Machine Learning Research 18, 2017.

    Examples
    --------
    >>> from graduel.metrics.metric import get_metric
    >>> net = [0.12, 0.08, 0.31, 0.05, 0.22, 0.15, 0.09]
    >>> trees = [0.10, 0.07, 0.27, 0.02, 0.16, 0.10, 0.02]
    >>> losses = {"net": net, "trees": trees}
    >>> verdict = compare_datasets(losses, metric=get_metric("error"), rope=0.01)
    >>> verdict.pairs[0].verdict, verdict.pairs[0].p_value, verdict.ranks
    ('b better', 0.015625, {'net': 2.0, 'trees': 1.0})
    """
    check_rope(rope, metric)
    table = _check(losses, against)
    rows, (k, n) = dict(zip(losses, table, strict=True)), table.shape
    pairs = [pair for pair in combinations(losses, 2) if against is None or against in pair]
    tests = [SignedRank.of(rows[a] - rows[b]) for a, b in pairs]
    adjusted = holm([test.p_value for test in tests])
    level = 1 - 0.1 / max(len(pairs), 1)
    ranks = dict(zip(losses, mean_ranks(table).tolist(), strict=True))
    overall = friedman(table) if k > 2 and n > 1 else (None, None)
    difference = critical_difference(k, n) if k >= MIN_CONTENDERS and n > 1 else None
    return DatasetVerdict(
        metric=metric.name,
        rope=rope,
        datasets=n,
        ranks=ranks,
        pairs=tuple(
            _pair(a, b, test, p, rope, level, metric, titles or {})
            for (a, b), test, p in zip(pairs, tests, adjusted, strict=True)
        ),
        friedman_p=overall[0],
        iman_davenport_p=overall[1],
        critical_difference=difference,
        groups=() if difference is None else tuple(find_groups(ranks, difference)),
        test=TEST,
        why=WHY,
        scope=SCOPE,
    )


def _pair(
    a: str,
    b: str,
    test: SignedRank,
    p_adjusted: float,
    rope: float,
    level: float,
    metric: Metric,
    titles: Mapping[str, str],
) -> DatasetComparison:
    d, equivalence = test.d, test.interval(level)
    verdict = decide_verdict(test.median, equivalence, p_adjusted, rope)
    alpha = ALPHA * (1 - level) / 0.1  # Bonferroni over the pairs
    pair = DatasetComparison(
        a=a,
        b=b,
        wins=int((d < -rope).sum()),
        ties=int((np.abs(d) <= rope).sum()),
        losses=int((d > rope).sum()),
        equal=int((d == 0).sum()),
        median_difference=test.median,
        interval=test.interval(0.95),
        interval_level=0.95,
        equivalence_interval=equivalence,
        equivalence_level=level,
        p_value=test.p_value,
        p_adjusted=p_adjusted,
        bayes=test.probabilities(rope),
        verdict=verdict,
        detectable=verdict == "practically equal" and p_adjusted < ALPHA,
        more_datasets=test.datasets_needed(alpha, rope, level) if verdict == "undecided" else None,
        sentence="",
        simultaneous_interval=test.interval(1 - alpha),
    )
    return replace(pair, sentence=dataset_sentence(pair, len(d), rope, metric, titles))


def _check(losses: Mapping[str, Sequence[float]], against: str | None) -> Array:
    check_shapes(losses, ("data sets",))
    if against is not None and against not in losses:
        raise ValueError(f"against must be one of {list(losses)}; got {against!r}")
    table = np.array([list(values) for values in losses.values()], dtype=np.float64)
    if not np.isfinite(table).all():
        name = list(losses)[int(np.flatnonzero(~np.isfinite(table).all(axis=1))[0])]
        raise ValueError(
            f"expected finite losses; got {losses[name]!r} for {name!r}. Leave out the data sets "
            "without a loss of every contender"
        )
    return table
