"""Epochs over a prepared table, judged on validation rows: the best of them answers."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from graduel.errors import UserError
from graduel.estimators.fit.progress_bar import Progress
from graduel.train import DivergedError, Epoch
from graduel.train.loop.training import BestEpoch, Training

Array = NDArray[Any]

SMALLEST = float(np.finfo(np.float32).eps)
"""Probabilities count as at least this in a log loss, so that one mistake is not infinite."""


@dataclass(frozen=True, slots=True)
class TableEpoch:
    """What an epoch came to; but for the training loss, on the validation rows, None without."""

    epoch: int
    loss: float
    validation_error: float | None = None
    validation_loss: float | None = None
    validation_score: float | None = None


class EpochScorer:
    """What an epoch is chosen by, of probabilities of the validation rows.

    Rows count by their class's weight, where classes have weights: a fit that is to care for one
    class must not be chosen by the others. These rows are mostly few, and many epochs err alike on
    them: then the log loss decides.
    """

    def __init__(self, metric: str, weights: tuple[float, ...] | None, y: Array) -> None:
        self.metric, self.y = metric, y
        self.found: tuple[float, ...] = ()
        """Of the last epoch: share of errors, log loss, and score."""
        self._weight: Array | None = None if weights is None else np.array(weights)[y]
        if self._weight is not None and not self._weight.sum():
            self._weight = None
        counts = np.bincount(y)[y] if len(y) else y
        self._by_class = 1 / counts

    def __call__(self, proba: Array, y: Array) -> tuple[float, ...]:
        """Return the metric as a loss, and the log loss."""
        logs = -np.log(np.maximum(proba[np.arange(len(y)), y], SMALLEST), dtype=np.float64)
        wrong = proba.argmax(axis=1) != y
        loss = float(np.average(logs, weights=self._weight))
        if self.metric == "log_loss":
            first = loss
        else:
            balanced = self.metric == "balanced_accuracy"
            first = float(np.average(wrong, weights=self._by_class if balanced else self._weight))
        score = -first if self.metric == "log_loss" else 1 - first
        self.found = float(wrong.mean()), float(logs.mean()), score
        return first, loss


def train_and_select(
    verbose: Any, training: Training, valid: Array, judge: EpochScorer
) -> tuple[BestEpoch, list[TableEpoch]]:
    """Train; return the best epoch, or the last where there are no validation rows, and all."""
    best, done, end = BestEpoch(training.answer.copy()), list[TableEpoch](), ""
    quiet = np.errstate(over="ignore", invalid="ignore")  # divergence is told in words
    with quiet, Progress(verbose, training.recipe.epochs) as progress:
        try:
            for epoch in _epochs(training, valid, judge, best):
                done.append(TableEpoch(epoch.epoch, epoch.loss, *judge.found))
                progress.epoch(done[-1])
        except KeyboardInterrupt:
            if not best.epoch:
                raise
            end = "Training interrupted by user."
            warnings.warn(end, stacklevel=4)
        except DivergedError as error:
            if not best.epoch:
                raise UserError(f"{error}. Give a recipe with a lower lr") from None
            end = f"the training diverged, and the best epoch before is kept: {error}"
            warnings.warn(end, ConvergenceWarning, stacklevel=4)
        progress.end(end)
    return best, done


def _epochs(
    training: Training, valid: Array, judge: EpochScorer, best: BestEpoch
) -> Iterator[Epoch]:
    if len(valid):
        for epoch, _ in training.validated_epochs(valid, judge.y, best, judge):
            yield epoch
        return
    for epoch in training.epochs():
        best.weights, best.epoch = training.answer.copy(), epoch.epoch
        yield epoch
