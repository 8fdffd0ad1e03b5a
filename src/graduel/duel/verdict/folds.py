"""The verdict of a cross-validation, repeated or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.duel.verdict.comparison import check_rope, check_shapes, compare_pairs
from graduel.duel.verdict.evidence import (
    NO_VARIATION,
    Evidence,
    SampleSize,
    constant_evidence,
    equal_evidence,
)
from graduel.duel.verdict.types import Comparison, RopeLike, resolve_rope
from graduel.metrics.metric import Metric
from graduel.stats.corrected_t import MOST_FITS, CorrectedT, corrected_t
from graduel.stats.sample_size import repeats_needed, rows_needed_corrected_t

SCOPE = (
    "This verdict is about these procedures on data sets like this one, of this size: new rows, "
    "new splits and new seeds. With many more training rows they may compare differently."
)


def compare_folds(
    losses: Mapping[str, NDArray[Any]],
    *,
    metric: Metric,
    test_share: float,
    n: int,
    rope: RopeLike,
    titles: Mapping[str, str] | None = None,
    against: str | None = None,
    n_pairs: int | None = None,
) -> list[Comparison]:
    """Compare every pair of contenders after a cross-validation, or all contenders with one.

    Nadeau and Bengio's corrected resampled t-test decides; the Bayesian correlated t-test adds
    three probabilities. The mean is over all repeats; at most eight fits count as evidence, or one
    repeat if it has more: see :data:`~graduel.stats.corrected_t.MOST_FITS`.

    Parameters
    ----------
    losses : `metric.loss` on the test rows of each fold, shape (repeats, folds), on the same splits
        for all contenders; one repeat is enough
    metric : the metric of the losses
    test_share : share of the rows in the test set of one fold: 0.1 with ten folds
    n : number of rows of the data set
    rope, titles, against, n_pairs
        As in :func:`~graduel.duel.verdict.test_rows.compare_rows`.

    Raises
    ------
    ValueError
        If the losses are not finite or differ in shape, or another argument is out of range.

    Examples
    --------
    >>> from graduel.metrics.metric import get_metric
    >>> net = np.array([[0.12, 0.08, 0.11, 0.10, 0.09]])
    >>> losses = {"net": net, "trees": net - [[0.05, 0.04, 0.05, 0.06, 0.05]]}
    >>> error = get_metric("error")
    >>> [comparison] = compare_folds(losses, metric=error, test_share=0.2, n=500, rope=0.01)
    >>> print(comparison.sentence)
    trees is better than net: 5.0 % against 10.0 % error, a difference of 5.0 percentage points \
(95 % CI 3.7 to 6.3). By the Bayesian correlated t test, the probability is less than 1 % that \
net is better by more than 1 percentage point, less than 1 % that the two are practically equal, \
and more than 99 % that trees is better by more than 1 percentage point.
    """
    check_rope(rope, metric)
    repeats, folds = check_shapes(losses, ("repeats", "folds"))
    if not 2 <= folds <= n:
        raise ValueError(f"expected 2 or more folds and a row for each; got {folds} and {n} rows")
    return compare_pairs(
        {name: float(np.mean(array)) for name, array in losses.items()},
        lambda a, b: _evidence(
            losses[a] - losses[b],
            metric,
            test_share,
            n,
            resolve_rope(rope, float(losses[a].mean()), float(losses[b].mean())),
        ),
        metric=metric,
        rope=rope,
        rows=n,
        repeats=repeats,
        folds=folds,
        scope=SCOPE,
        titles=titles,
        against=against,
        n_pairs=n_pairs,
    )


def _evidence(d: NDArray[Any], metric: Metric, test_share: float, n: int, rope: float) -> Evidence:
    estimate = replace(corrected_t(d, test_share), max_fits=MOST_FITS)
    mean, fits = estimate.mean, estimate.repeats * estimate.folds
    if np.ptp(d) <= NO_VARIATION:
        constant = constant_evidence if metric.task == "classification" else equal_evidence
        return replace(constant(mean, n, "folds"), difference=mean)
    most = 1.0 if metric.is_share else inf

    def interval(level: float) -> tuple[float, float]:
        low, high = estimate.interval(level)
        return max(low, -most), min(high, most)

    repeated = f" with {estimate.repeats} repeats" if estimate.repeats > 1 else ""
    capped = (
        f" The mean is over all {fits} fits, of which {estimate.fits} count as evidence, because "
        "all repeats use the same rows."
        if fits > estimate.fits
        else ""
    )
    many_folds = (
        " With more than five folds the correction can be too small for unstable learners, such as "
        "small trees."
        if estimate.folds > 5
        else ""
    )
    return Evidence(
        mean,
        interval,
        estimate.p_value,
        "corrected resampled t",
        "Both were fitted and scored on the same splits of a "
        f"{estimate.folds}-fold cross-validation{repeated}. The folds share training rows and are "
        f"not independent, so the variance is corrected.{capped}{many_folds}",
        lambda alpha, rope, level: _sample_size(estimate, n, alpha, rope, level),
        estimate.probabilities(rope),
    )


def _sample_size(
    estimate: CorrectedT, n: int, alpha: float, rope: float, level: float
) -> SampleSize:
    repeats = repeats_needed(estimate, alpha=alpha, rope=rope, level=level)
    if repeats is not None:
        return SampleSize(repeats=repeats)
    rows = rows_needed_corrected_t(estimate, n, alpha=alpha, rope=rope, level=level)
    return SampleSize(rows=rows)
