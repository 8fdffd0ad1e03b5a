"""The verdict by any metric on one test set, given or drawn once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.duel.verdict.comparison import (
    FITTED_SCOPE,
    check_rope,
    check_shapes,
    compare_pairs,
    procedure_scope,
)
from graduel.duel.verdict.evidence import (
    NO_VARIATION,
    Evidence,
    SampleSize,
    constant_evidence,
    equal_evidence,
    loss_evidence,
    mcnemar_evidence,
    permutation_evidence,
    plan_rows_and_seeds,
    t_evidence,
)
from graduel.duel.verdict.types import Comparison, RopeLike
from graduel.metrics.metric import Metric, is_misclassified
from graduel.metrics.number_losses import squared_errors
from graduel.stats.bootstrap import RESAMPLES, SEED, Bootstrap, draw_count_blocks
from graduel.stats.two_way import MeanEstimate, Spread

Array = NDArray[Any]
Probabilities = Mapping[str, Array]
Losses = dict[str, float]
GetEvidence = Callable[[str, str], Evidence]


def compare_rows(
    probabilities: Probabilities,
    y: Array,
    *,
    metric: Metric,
    rope: RopeLike,
    titles: Mapping[str, str] | None = None,
    against: str | None = None,
    n_pairs: int | None = None,
) -> list[Comparison]:
    """Compare every pair of contenders on one test set, or all contenders with one.

    Pairs are in the order of the contenders, a before b. The statistic depends on the metric and
    the number of seeds:

    - Error and accuracy: with one seed, McNemar's mid-p and Tango's score interval; with two, a
      t-test on the means by row.
    - Other means over rows (log loss, Brier score): with one or two seeds, a sign-flip permutation
      test on the differences by row and their bootstrap interval.
    - Any of these with three or more seeds: the two-way t-test over rows and seeds.
    - RMSE, R² and means over rows of predicted numbers: a paired t for heavy tails
      (:func:`~graduel.stats.paired_loss_t`), with three or more seeds over rows and seeds.
    - Any other metric (AUC, balanced accuracy, scorers): a paired bootstrap over the rows,
      of classification stratified by class, of the mean over seeds.

    Parameters
    ----------
    probabilities : by contender name, of the same seeds and rows, shape (seeds, n, classes); of
        predicted numbers, shape (seeds, n, 1)
    y : codes of the true classes, or the true numbers, shape (n,)
    metric : the metric to compare; see `get_metric`
    rope : the region of practical equivalence: the largest difference of the metric that does not
        matter in practice
    titles : titles of the contenders in sentences
    against : compare with this contender only; fewer pairs need less correction
    n_pairs : number of pairs to correct for, if these are a part of them

    Raises
    ------
    ValueError
        If the shapes of the arrays differ, or `rope` is out of range for the metric.
    UserError
        If the metric is not defined on these rows.

    Examples
    --------
    >>> from graduel.metrics.metric import get_metric
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(2, size=400)
    >>> def guess(noise):
    ...     p = 1 / (1 + np.exp(2 - 4 * y + noise * rng.normal(size=(1, 400))))
    ...     return np.stack([1 - p, p], axis=-1)
    >>> p = {"net": guess(1.0), "trees": guess(4.0)}
    >>> [comparison] = compare_rows(p, y, metric=get_metric("auc"), rope=0.005)
    >>> comparison.verdict, comparison.test
    ('a better', 'paired bootstrap over rows')
    """
    check_rope(rope, metric)
    seeds, rows, _ = check_shapes(probabilities, ("seeds", "rows", "classes"))
    if rows < 2 or rows != len(y):
        raise ValueError(
            f"expected 2 or more test rows and the true class of each row; got {rows} rows and "
            f"{len(y)} true classes"
        )
    is_by_row = metric.per_row is not None or metric.name in ("rmse", "r2")
    if metric.name in ("error", "accuracy"):
        losses, get_evidence = _error_evidence(probabilities, y)
    elif metric.task == "regression" and is_by_row:
        losses, get_evidence = _number_evidence(probabilities, y, metric)
    elif metric.per_row is not None:
        losses, get_evidence = _row_mean_evidence(probabilities, y, metric)
    else:
        losses, get_evidence = _bootstrap_evidence(probabilities, y, metric)
    return compare_pairs(
        losses,
        get_evidence,
        metric=metric,
        rope=rope,
        rows=rows,
        seeds=seeds,
        scope=procedure_scope(seeds) if is_by_row else FITTED_SCOPE,
        titles=titles,
        against=against,
        n_pairs=n_pairs,
    )


def _error_evidence(probabilities: Probabilities, y: Array) -> tuple[Losses, GetEvidence]:
    """Return losses and evidence from misclassified rows: counts for one seed, a t for more."""
    wrong = {name: is_misclassified(p, y) for name, p in probabilities.items()}

    def get_evidence(a: str, b: str) -> Evidence:
        of_a, of_b = wrong[a], wrong[b]
        if len(of_a) > 1:
            return t_evidence(of_a.astype(np.int8) - of_b.astype(np.int8), largest=1.0)
        return mcnemar_evidence(
            int((of_a & ~of_b).sum()),
            int((of_b & ~of_a).sum()),
            len(y),
            "Both were scored once on the same test rows, so only the rows that exactly one of "
            "them misclassifies carry information.",
        )

    return {name: float(array.mean()) for name, array in wrong.items()}, get_evidence


def _number_evidence(
    predictions: Probabilities, y: Array, metric: Metric
) -> tuple[Losses, GetEvidence]:
    """Return losses and evidence from losses of predicted numbers by row.

    The difference of two R² is that of the mean squared errors, divided by the variance of y.
    """
    per_row = metric.per_row or squared_errors
    scale = float(y.var()) if metric.name == "r2" else 1.0
    row_losses = {
        name: np.stack([per_row(seed, y) for seed in p]) / scale for name, p in predictions.items()
    }
    losses = {
        name: float(np.mean([metric.loss(seed, y) for seed in p]))
        for name, p in predictions.items()
    }
    is_root = metric.name == "rmse"

    def get_evidence(a: str, b: str) -> Evidence:
        evidence = loss_evidence(row_losses[a], row_losses[b], is_root=is_root)
        return replace(evidence, difference=losses[a] - losses[b])

    return losses, get_evidence


def _row_mean_evidence(
    probabilities: Probabilities, y: Array, metric: Metric
) -> tuple[Losses, GetEvidence]:
    """Return losses and evidence from losses by row.

    One or two seeds: sign-flip permutation and bootstrap. Three or more: the two-way t.
    """
    assert metric.per_row is not None
    row_losses = {
        name: np.stack([metric.per_row(seed, y) for seed in p]) for name, p in probabilities.items()
    }
    losses = {name: float(array.mean()) for name, array in row_losses.items()}

    def get_evidence(a: str, b: str) -> Evidence:
        d = row_losses[a] - row_losses[b]
        evidence = t_evidence(d) if len(d) > 2 else permutation_evidence(d)
        return replace(evidence, difference=losses[a] - losses[b])

    return losses, get_evidence


def _bootstrap_evidence(
    probabilities: Probabilities, y: Array, metric: Metric
) -> tuple[Losses, GetEvidence]:
    """Return losses and evidence from the metric on resampled rows, averaged over the seeds."""
    assert metric.by_counts is not None
    losses = {
        name: float(np.mean([metric.loss(seed, y) for seed in p]))
        for name, p in probabilities.items()
    }
    by_seed = {name: [metric.by_counts(seed, y) for seed in p] for name, p in probabilities.items()}
    blocks: dict[str, list[Array]] = {name: [] for name in probabilities}
    strata = y if metric.task == "classification" else np.zeros(len(y), np.intp)
    for counts in draw_count_blocks(strata, RESAMPLES, np.random.default_rng(SEED)):
        for name, values in by_seed.items():
            blocks[name].append(np.mean([value(counts) for value in values], axis=0))
    # Differences of values are differences of losses with the opposite sign.
    sign = 1 if metric.lower_is_better else -1
    draws = {name: sign * np.concatenate(parts) for name, parts in blocks.items()}
    seeds = len(next(iter(by_seed.values())))
    by_class = "stratified by class, " if metric.task == "classification" else ""

    def get_evidence(a: str, b: str) -> Evidence:
        d, mean = draws[a] - draws[b], losses[a] - losses[b]
        if np.ptp(d) <= NO_VARIATION:
            if metric.task == "regression":
                return equal_evidence(mean, len(y))
            return replace(_constant_bootstrap_evidence(mean, y), difference=mean)
        bootstrap = Bootstrap.of(d, strata)
        variance = bootstrap.stretch**2 * float(d.var(ddof=1))
        spread = Spread(variance, 0.0, 0.0, len(y), seeds)
        return Evidence(
            mean,
            bootstrap.interval,
            bootstrap.p_value,
            "paired bootstrap over rows",
            f"A metric such as {metric.title} is not a mean over rows, so the test rows are "
            f"resampled {RESAMPLES:,} times, {by_class}with the same resamples for both."
            + (f" The mean over the {seeds} seeds is compared." if seeds > 1 else ""),
            plan_rows_and_seeds(MeanEstimate.build(mean, spread, 0.95)),
        )

    return losses, get_evidence


def _constant_bootstrap_evidence(mean: float, y: Array) -> Evidence:
    """Return evidence from row counts of the rarest class, for resamples that are all equal.

    The rarest class limits what the resamples can show.
    """
    rarest = int(np.unique(y, return_counts=True)[1].min())
    evidence = constant_evidence(mean, rarest, "resamples")

    def sample_size(alpha: float, rope: float, level: float) -> SampleSize:
        rows = evidence.sample_size(alpha, rope, level).rows
        return SampleSize(rows=None if rows is None else ceil(rows * len(y) / rarest))

    return replace(evidence, sample_size=sample_size)
