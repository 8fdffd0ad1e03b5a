"""The verdict after cross-validation, repeated or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.duel.verdict.comparison import check_rope, check_shapes, compare_pairs
from graduel.duel.verdict.evidence import NO_VARIATION, Evidence, SampleSize, constant_evidence
from graduel.duel.verdict.types import Comparison
from graduel.metrics.metric import Metric
from graduel.stats.corrected_t import MOST_FITS, CorrectedT, corrected_t
from graduel.stats.sample_size import repeats_needed, rows_needed_corrected_t

SCOPE = (
    "This speaks of these procedures on data sets like this one, of this size: of new rows, new "
    "splits and new seeds. With many more training rows they may compare otherwise."
)


def compare_folds(
    losses: Mapping[str, NDArray[Any]],
    *,
    metric: Metric,
    test_share: float,
    n: int,
    rope: float,
    titles: Mapping[str, str] | None = None,
    against: str | None = None,
) -> list[Comparison]:
    """Compare every pair of contenders after R × K-fold cross-validation, or all of them with one.

    Nadeau and Bengio's corrected resampled t decides; the Bayesian correlated t gives the three
    probabilities beside it. Of many repeats the mean counts them all, and the evidence is that of
    eight fits, or of one repeat where that has more: see
    :data:`~graduel.stats.corrected_t.MOST_FITS`.

    Parameters
    ----------
    losses : `metric.loss` of each fold's test rows, shape (repeats, folds); the same splits for
        all. One repeat will do
    metric : what was measured
    test_share : the share of the rows that one fold is tested on: 0.1 with ten folds
    n : the rows of the data set
    rope, titles, against
        As in :func:`~graduel.duel.verdict.test_rows.compare_rows`.

    Raises
    ------
    ValueError
        If the losses are not finite or not of one shape, or another argument is out of range.

    Examples
    --------
    >>> from graduel.metrics.metric import get_metric
    >>> net = np.array([[0.12, 0.08, 0.11, 0.10, 0.09]])
    >>> losses = {"net": net, "trees": net - [[0.05, 0.04, 0.05, 0.06, 0.05]]}
    >>> error = get_metric("error")
    >>> [comparison] = compare_folds(losses, metric=error, test_share=0.2, n=500, rope=0.01)
    >>> print(comparison.sentence)
    trees is better than net: 5 % against 10 % error, a difference of 5 points \
(95 % interval 3.68 to 6.32). The probabilities (Bayesian correlated t) are less than 1 % that net \
is better by more than 1 point, less than 1 % that they are practically equal, more than 99 % that \
trees is.
    """
    check_rope(rope, metric)
    repeats, folds = check_shapes(losses, ("repeats", "folds"))
    if not 2 <= folds <= n:
        raise ValueError(f"expected 2 folds or more, and a row for each; got {folds} and {n} rows")
    return compare_pairs(
        {name: float(np.mean(array)) for name, array in losses.items()},
        lambda a, b, level: _evidence(losses[a] - losses[b], metric, test_share, n, rope, level),
        metric=metric,
        rope=rope,
        rows=n,
        repeats=repeats,
        folds=folds,
        scope=SCOPE,
        titles=titles,
        against=against,
    )


def _evidence(
    d: NDArray[Any], metric: Metric, test_share: float, n: int, rope: float, level: float
) -> Evidence:
    mean = replace(corrected_t(d, test_share), most=MOST_FITS)
    if np.ptp(d) <= NO_VARIATION:
        return replace(constant_evidence(mean.mean, n, level, "folds"), difference=mean.mean)
    most = 1.0 if metric.unit else inf

    def cut(interval: tuple[float, float]) -> tuple[float, float]:
        return max(interval[0], -most), min(interval[1], most)

    times = f", {mean.repeats} times" if mean.repeats > 1 else ""
    steady = (
        f" The mean is over all {mean.repeats * mean.folds} fits, of which {mean.fits} count as "
        "evidence: they are on the same rows."
        if mean.repeats * mean.folds > mean.fits
        else ""
    )
    short = (
        " With more than five folds the correction can fall short for learners that change much "
        "with their training rows, such as small trees."
        if mean.folds > 5
        else ""
    )
    return Evidence(
        mean.mean,
        cut(mean.interval(0.95)),
        cut(mean.interval(level)),
        mean.p_value,
        "corrected resampled t",
        f"Both were fitted and scored on the same splits of a {mean.folds}-fold cross-validation"
        f"{times}. Its folds share training rows and so are no independent sample; the variance "
        f"is corrected for that.{steady}{short}",
        lambda alpha, rope, level: _sample_size(mean, n, alpha, rope, level),
        mean.probabilities(rope),
    )


def _sample_size(mean: CorrectedT, n: int, alpha: float, rope: float, level: float) -> SampleSize:
    repeats = repeats_needed(mean, alpha=alpha, rope=rope, level=level)
    if repeats is not None:
        return SampleSize(repeats=repeats)
    return SampleSize(rows=rows_needed_corrected_t(mean, n, alpha=alpha, rope=rope, level=level))
