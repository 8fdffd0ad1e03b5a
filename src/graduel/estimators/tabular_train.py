"""Epochs over a prepared table, judged on validation rows: the best of them answers."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from graduel.errors import UserError
from graduel.estimators.progress import Progress
from graduel.train import DivergedError, Epoch
from graduel.train.training import Best, Training

Array = NDArray[Any]

SMALLEST = float(np.finfo(np.float32).eps)
"""Probabilities count as at least this in a log loss, so that one mistake is not infinite."""


@dataclass(slots=True)
class Curves:
    """What each epoch came to."""

    losses: list[float] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    """On the validation rows, as the two below."""
    validation_losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)


class Judge:
    """What an epoch is chosen by, of probabilities of the validation rows; notes the curves.

    Rows count by their class's weight, where classes have weights: a fit that is to care for one
    class must not be chosen by the others. These rows are mostly few, and many epochs err alike on
    them: then the log loss decides.
    """

    def __init__(
        self, metric: str, weights: tuple[float, ...] | None, y: Array, curves: Curves
    ) -> None:
        self.metric, self.y, self.curves = metric, y, curves
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
        self.curves.errors.append(float(wrong.mean()))
        self.curves.validation_losses.append(float(logs.mean()))
        self.curves.scores.append(-first if self.metric == "log_loss" else 1 - first)
        return first, loss


@dataclass(frozen=True, slots=True)
class TableEpoch:
    """One epoch, as it is shown."""

    epoch: int
    loss: float
    validation_score: float | None


def train_and_judge(verbose: Any, training: Training, valid: Array, judge: Judge) -> Best:
    """Train; return the best epoch, or the last one where there are no validation rows."""
    best, end, curves = Best(training.answer.copy()), "", judge.curves
    quiet = np.errstate(over="ignore", invalid="ignore")  # divergence is told in words
    with quiet, Progress(verbose, training.recipe.epochs) as progress:
        try:
            for epoch in _epochs(training, valid, judge, best):
                curves.losses.append(epoch.loss)
                score = curves.scores[-1] if curves.scores else None
                progress.epoch(TableEpoch(epoch.epoch, epoch.loss, score))
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
    return best


def _epochs(training: Training, valid: Array, judge: Judge, best: Best) -> Iterator[Epoch]:
    if len(valid):
        for epoch, _ in training.judged(valid, judge.y, best, judge):
            yield epoch
        return
    for epoch in training.epochs():
        best.weights, best.epoch = training.answer.copy(), epoch.epoch
        yield epoch
