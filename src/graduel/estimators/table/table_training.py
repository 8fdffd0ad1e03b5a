"""Training on a prepared table, and selection of the best epoch on validation rows."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from graduel.cores import limit_fit
from graduel.data.prepare.target_scale import TargetScale
from graduel.errors import UserError
from graduel.estimators.fit.progress_bar import Progress
from graduel.train import DivergedError, Epoch
from graduel.train.loop.training import BestEpoch, Training

Array = NDArray[Any]

SMALLEST = float(np.finfo(np.float32).eps)
"""Lower bound of probabilities in the log loss, so that one row cannot make it infinite."""


@dataclass(frozen=True, slots=True)
class TableEpoch:
    """The training loss of an epoch and its metrics on the validation rows, if there are any."""

    epoch: int
    loss: float
    validation_error: float | None = None
    validation_loss: float | None = None
    validation_score: float | None = None


class EpochScorer:
    """Losses of an epoch from the probabilities of the validation rows.

    Rows are weighted by their class weights and their own, so that the metric agrees with the loss.
    On few validation rows many epochs have the same error; then the log loss breaks the tie.
    """

    def __init__(
        self,
        metric: str,
        weights: tuple[float, ...] | None,
        y: Array,
        row_weight: Array | None = None,
    ) -> None:
        self.metric, self.y = metric, y
        self.last: tuple[float, ...] = ()
        """The error, log loss and score of the last epoch."""
        self._weight: Array | None = row_weight
        if weights is not None:
            self._weight = np.array(weights)[y] * (1 if row_weight is None else row_weight)
        if self._weight is not None and not self._weight.sum():
            self._weight = None
        counts = np.bincount(y, row_weight)[y] if len(y) else y
        self._by_class = (1 if row_weight is None else row_weight) / counts

    error_of: Callable[[Array, Array], float] | None = None
    """The error of predictions; None for the share of misclassified rows."""

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
        self.last = float(wrong.mean()), float(logs.mean()), score
        return first, loss


class NumberScorer:
    """Losses of an epoch from the predicted numbers of the validation rows.

    The metric is 'rmse' or 'mae'; the other one breaks ties. Rows are weighted by their weights.
    """

    def __init__(
        self, metric: str, scale: TargetScale, y: Array, row_weight: Array | None = None
    ) -> None:
        self.metric, self.scale, self.y = metric, scale, y
        self.last: tuple[float, ...] = ()
        """The RMSE, the mean absolute error and the score, the negative metric."""
        self._weight = row_weight

    def __call__(self, outputs: Array, y: Array) -> tuple[float, ...]:
        """Return the metric, and the other one."""
        error = self.scale.decode(outputs)[:, 0] - y
        rmse = float(np.sqrt(np.average(error**2, weights=self._weight)))
        mae = float(np.average(np.abs(error), weights=self._weight))
        first, second = (rmse, mae) if self.metric == "rmse" else (mae, rmse)
        self.last = rmse, mae, -first
        return first, second

    def error_of(self, outputs: Array, y: Array) -> float:
        """Return the RMSE."""
        return self(outputs, y)[0 if self.metric == "rmse" else 1]


def train_and_select(
    verbose: Any, training: Training, valid: Array, scorer: EpochScorer | NumberScorer
) -> tuple[BestEpoch, list[TableEpoch]]:
    """Train; return the best epoch (without validation rows, the last) and all epochs."""
    best, epochs, end = BestEpoch(training.prediction_weights.copy()), list[TableEpoch](), ""
    quiet = np.errstate(over="ignore", invalid="ignore")  # divergence raises DivergedError
    work = training.network.multiply_adds * len(training.rows) * training.recipe.epochs
    with quiet, limit_fit(work), Progress(verbose, training.recipe.epochs) as progress:
        try:
            for epoch in _epochs(training, valid, scorer, best):
                epochs.append(TableEpoch(epoch.epoch, epoch.loss, *scorer.last))
                progress.epoch(epoch.epoch, epoch.loss, epochs[-1].validation_score)
        except KeyboardInterrupt:
            if not best.epoch:
                raise
            end = "Training interrupted by user."
            warnings.warn(end, stacklevel=4)
        except DivergedError as error:
            if not best.epoch:
                raise UserError(f"{error}. Use a recipe with a lower lr") from None
            end = f"the training diverged; the best epoch before is used: {error}"
            warnings.warn(end, ConvergenceWarning, stacklevel=4)
        progress.end(end)
    return best, epochs


def _epochs(
    training: Training, valid: Array, scorer: EpochScorer | NumberScorer, best: BestEpoch
) -> Iterator[Epoch]:
    if len(valid):
        for epoch, _ in training.validated_epochs(valid, scorer.y, best, scorer, scorer.error_of):
            yield epoch
        return
    for epoch in training.epochs():
        best.weights, best.epoch = training.prediction_weights.copy(), epoch.epoch
        yield epoch
