"""Confidence interval for a contender's metric."""

from __future__ import annotations

from math import inf

import numpy as np

from graduel.duel.verdict.runs import RunPredictions
from graduel.metrics.metric import Metric
from graduel.stats.corrected_t import corrected_t
from graduel.stats.two_way import paired_t, two_way_t


def metric_interval(
    predictions: RunPredictions, name: str, metric: Metric, level: float = 0.95
) -> tuple[float, float] | None:
    """Return the confidence interval of a contender's metric, or None.

    After cross-validation it is the corrected resampled t of the values by fold; on one test set,
    for a metric that is a mean over rows, the t by row, or from three seeds on the two-way t. For
    other metrics on one test set (AUC) no interval is worked out, nor where nothing varies.
    """
    if predictions.design.kind == "folds":
        over = corrected_t(predictions.fold_losses(name, metric), predictions.test_share)
        if over.se == 0:
            return None
        low, high = over.interval(level)
    elif metric.per_row is None or len(predictions.y[0]) < 2:
        return None
    else:
        losses = np.stack(
            [
                metric.per_row(p, y)
                for p, y in zip(predictions.probabilities[name], predictions.y, strict=True)
            ]
        )
        by_t = (paired_t if len(losses) < 3 else two_way_t)(losses, level)
        if by_t.se == 0:
            return None
        low, high = by_t.low, by_t.high
    # A loss is never below 0, and a share never above 1.
    low, high = max(low, 0.0), min(high, 1.0 if metric.unit else inf)
    first, second = metric.shown(low), metric.shown(high)
    return (first, second) if metric.lower_is_better else (second, first)
