"""The predictions of all runs of a duel, and their metrics and comparisons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.duel.plan.design import Design
from graduel.duel.verdict.folds import compare_folds
from graduel.duel.verdict.test_rows import compare_rows
from graduel.duel.verdict.types import Comparison, RopeLike
from graduel.metrics.metric import Metric, get_metric, is_misclassified
from graduel.metrics.number_losses import squared_errors
from graduel.stats.corrected_t import corrected_t
from graduel.stats.row_losses import paired_loss_t
from graduel.stats.two_way import error_interval, paired_t, two_way_t

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class RunPredictions:
    """The predicted probabilities of all contenders, by run and by row.

    Attributes
    ----------
    design, seeds : design and number of seeds of the duel
    test_rows : row numbers of each run's test rows
    y : codes of the true classes of each run's test rows
    probabilities : by contender name, the probabilities of each run's test rows
    splits : number of each run's split in a cross-validation of which repeats are incomplete; None
        if all are complete
    """

    design: Design
    seeds: int
    test_rows: Sequence[Array]
    y: Sequence[Array]
    probabilities: Mapping[str, Sequence[Array]]
    splits: Sequence[int] | None = None

    @property
    def y_by_row(self) -> Array:
        """Codes of the true classes of all test rows, in row order."""
        return self.in_row_order(self.y)

    def in_row_order(self, parts: Sequence[Array]) -> Array:
        """Return one value for each test row, in row order; the values must not vary by run."""
        return self._gather(parts)[0] if self.design.kind == "folds" else parts[0]

    def probabilities_by_row(self, name: str) -> Array:
        """Return the probabilities of all test rows, shape (seeds, n, classes).

        In a cross-validation every row is a test row of one fold in each repeat, and the first
        axis counts repeats and seeds.
        """
        if self.design.kind != "folds":
            return np.stack(self.probabilities[name])
        return self._gather(self.probabilities[name])

    def _gather(self, parts: Sequence[Array]) -> Array:
        """Return the values of all runs' test rows in row order, shape (repeats · seeds, n, …)."""
        n = sum(len(self.test_rows[fold * self.seeds]) for fold in range(self.design.folds))
        times = self.design.repeats * self.seeds
        gathered = np.empty((times, n, *parts[0].shape[1:]), parts[0].dtype)
        for run, (rows, part) in enumerate(zip(self.test_rows, parts, strict=True)):
            number, seed = divmod(run, self.seeds)
            gathered[number // self.design.folds * self.seeds + seed, rows] = part
        return gathered

    def run_losses(self, name: str, metric: Metric) -> list[float]:
        """Return the loss of each run."""
        return [metric.loss(p, y) for p, y in zip(self.probabilities[name], self.y, strict=True)]

    def fold_losses(self, name: str, metric: Metric) -> Array:
        """Return the mean loss over seeds by repeat and fold, shape (repeats, folds).

        The folds of incomplete repeats are one row.
        """
        if self.splits is not None:
            losses, splits = np.array(self.run_losses(name, metric)), np.array(self.splits)
            return np.array([[losses[splits == one].mean() for one in np.unique(splits)]])
        shape = (self.design.repeats, self.design.folds, self.seeds)
        return np.array(self.run_losses(name, metric)).reshape(shape).mean(axis=2)

    def error_rate(self, name: str) -> tuple[float, tuple[float, float]]:
        """Return a contender's error rate and its 95 % CI."""
        if self.design.kind != "folds":
            misses = is_misclassified(self.probabilities_by_row(name), self.y_by_row)
            return float(misses.mean()), error_interval(misses, 0.95)
        if self.splits is not None and len(set(self.splits)) < 2:
            misses = is_misclassified(np.stack(self.probabilities[name]), self.y[0])
            return float(misses.mean()), error_interval(misses[:1], 0.95)
        estimate = corrected_t(self.fold_losses(name, get_metric("error")), self.design.test_share)
        low, high = estimate.interval(0.95)
        if estimate.se == 0:
            if self.splits is None:
                misses = is_misclassified(self.probabilities_by_row(name), self.y_by_row)
            else:
                first = [self.splits.index(one) for one in dict.fromkeys(self.splits)]
                p = np.concatenate([self.probabilities[name][run] for run in first])
                misses = is_misclassified(p, np.concatenate([self.y[run] for run in first]))[None]
            low, high = error_interval(misses[:1], 0.95)
        return estimate.mean, (max(low, 0.0), min(high, 1.0))

    def rmse_interval(self, name: str) -> tuple[float, float]:
        """Return the 95 % CI of a contender's RMSE.

        On one test set it is that of :func:`~graduel.stats.paired_loss_t`, by row or, with three or
        more seeds, by row and seed; after cross-validation, the corrected resampled t interval of
        the values by fold. A single row or fold gives the value itself.
        """
        value = float(np.mean(self.run_losses(name, get_metric("rmse"))))
        if self.design.kind == "folds":
            losses = self.fold_losses(name, get_metric("rmse"))
            if losses.size < 2:
                return value, value
            low, high = corrected_t(losses, self.design.test_share).interval(0.95)
            return max(low, 0.0), high
        if len(self.y[0]) < 2:
            return value, value
        pairs = zip(self.probabilities[name], self.y, strict=True)
        squares = np.stack([squared_errors(p, y) for p, y in pairs])
        mean = paired_loss_t(squares, np.zeros_like(squares), is_root=True)
        return max(mean.low, 0.0), mean.high

    def metric_interval(
        self, name: str, metric: Metric, level: float = 0.95
    ) -> tuple[float, float] | None:
        """Return the confidence interval of a contender's metric, or None.

        After cross-validation it is the corrected resampled t interval of the values by fold; on
        one test set, for a metric that is a mean over rows, the t interval by row, or with three or
        more seeds the two-way t interval. None for other metrics on one test set (AUC), and if
        nothing varies. That of the RMSE is :meth:`rmse_interval`.
        """
        if metric.name == "rmse":
            return self.rmse_interval(name)
        if self.splits is not None and len(set(self.splits)) < 2:
            return None
        if self.design.kind == "folds":
            estimate = corrected_t(self.fold_losses(name, metric), self.design.test_share)
            se, (low, high) = estimate.se, estimate.interval(level)
        elif metric.per_row is None or len(self.y[0]) < 2:
            return None
        else:
            pairs = zip(self.probabilities[name], self.y, strict=True)
            losses = np.stack([metric.per_row(p, y) for p, y in pairs])
            mean = (paired_t if len(losses) < 3 else two_way_t)(losses, level)
            se, low, high = mean.se, mean.low, mean.high
        if se == 0:
            return None
        # A loss is at least 0, a share at most 1.
        low, high = max(low, 0.0), min(high, 1.0 if metric.is_share else inf)
        return (low, high) if metric.lower_is_better else (metric.shown(high), metric.shown(low))

    def compare(
        self,
        metric: Metric,
        rope: RopeLike,
        titles: Mapping[str, str],
        against: str | None,
        *,
        n_pairs: int | None = None,
    ) -> list[Comparison]:
        """Compare every pair, or all contenders with `against`, by the design's statistics.

        `n_pairs` is the number of pairs to correct for, if these are a part of them.
        """
        if self.design.kind == "folds":
            return compare_folds(
                {name: self.fold_losses(name, metric) for name in self.probabilities},
                metric=metric,
                test_share=self.design.test_share,
                n=len(self.y_by_row),
                rope=rope,
                titles=titles,
                against=against,
                n_pairs=n_pairs,
            )
        return compare_rows(
            {name: self.probabilities_by_row(name) for name in self.probabilities},
            self.y_by_row,
            metric=metric,
            rope=rope,
            titles=titles,
            against=against,
            n_pairs=n_pairs,
        )
