"""Metrics of a model on the test rows of row groups, by one process or several."""

from __future__ import annotations

from typing import Any

import numpy as np

from graduel.contenders.contender import Array
from graduel.data.row_groups.row_assignment import TEST
from graduel.data.row_groups.sharded_table import ShardedTable
from graduel.errors import UserError
from graduel.metrics.metric import Metric, is_misclassified, log_loss
from graduel.models.model import Model


def sum_losses(model: Model, table: ShardedTable, metric: Metric) -> Array:
    """Return the number of test rows, errors, log losses and losses of the metric, summed.

    Raises
    ------
    UserError
        If a probability is not finite.
    """
    n, errors, losses, own = 0, 0, 0.0, 0.0
    assert model.preparation is not None
    assert metric.per_row is not None
    for features, y in table.blocks(TEST):
        if not len(y):
            continue
        p = model.predict_proba_prepared(model.preparation.transform(features))
        if not np.isfinite(p).all():
            raise UserError(
                "the network diverged: its probabilities are not finite. Lower the learning rate"
            )
        n += len(y)
        errors += int(is_misclassified(p, y).sum())
        losses += log_loss(p, y) * len(y)
        own += float(np.sum(metric.per_row(p, y)))
    return np.array([n, errors, losses, own])


def scores_of_sums(sums: Array, metric: Metric) -> dict[str, Any]:
    """Return the scores of the sums of :func:`sum_losses`, added up over all shards."""
    n, errors, losses, own = sums.tolist()
    scores: dict[str, Any] = {"test_error": errors / n, "test_log_loss": losses / n}
    if metric.name not in ("error", "log_loss"):
        scores |= {"metric": metric.name, f"test_{metric.name}": metric.shown(own / n)}
    return scores
