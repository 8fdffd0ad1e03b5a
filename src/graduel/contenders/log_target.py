"""Contenders that predict the logarithm of a positive target; predictions are on its own scale."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from graduel.contenders.contender import Array, Checkpoint, FittedContender, Fitting, LabelledRows
from graduel.contenders.fit_job import NumberFitJob
from graduel.data.prepare.target_scale import MOST_LOG, TargetScale
from graduel.metrics.metric import Metric

if TYPE_CHECKING:
    from graduel.models.model import Model


def undo_logarithm(logarithms: Array) -> Array:
    """Return exp of predicted logarithms, at most the largest finite number."""
    return np.exp(np.minimum(logarithms, MOST_LOG))


def take_logarithm(rows: LabelledRows) -> LabelledRows:
    """Return rows whose targets are the logarithms."""
    return replace(rows, y=np.log(rows.y))


def find_scale(train: LabelledRows) -> TargetScale:
    """Return the scale of logarithms, within the range of the training targets."""
    return TargetScale(0.0, 1.0, float(train.y.min()), float(train.y.max()), is_log=True)


class LogFitJob(NumberFitJob):
    """The job of a fit to logarithms: it is evaluated on the scale of the target."""

    __slots__ = ()

    def evaluate(self, p: Array, y: Array | None = None) -> tuple[float, float]:
        """Return the RMSE and the leading metric's loss of predicted logarithms."""
        y = self.valid.y if y is None else y
        return NumberFitJob.evaluate(self, self._scale().decode(p), undo_logarithm(y))

    def losses(self, p: Array, y: Array, metric: Metric | None = None) -> tuple[float, float]:
        """Return the sort key for the best epoch: a metric's loss, then the RMSE."""
        return NumberFitJob.losses(self, self._scale().decode(p), undo_logarithm(y), metric)

    def _scale(self) -> TargetScale:
        return find_scale(self.train)


@dataclass(slots=True)
class LogFit:
    """A model fitted to logarithms, with predictions on the scale of the target."""

    inner: FittedContender
    scale: TargetScale
    """exp of predicted logarithms, within the range of the training targets."""
    seconds: float
    details: dict[str, Any]

    def predict_proba(self, X: Any) -> Array:
        """Return the predicted numbers, float64 `(n_rows, 1)`."""
        return self.scale.decode(self.inner.predict_proba(X))

    def to_bytes(self) -> bytes:
        """Return the serialized model of the logarithms."""
        return self.inner.to_bytes()

    def rescale(self, model: Model) -> Model:
        """Return the model of the logarithms as one whose predictions are on the target's scale."""
        scale = model.schema.target_scale
        scale = self.scale if scale is None else replace(scale, is_log=True)
        schema = replace(model.schema, target_scale=scale)
        return replace(model, schema=schema)


def fit_logarithms(fitting: Fitting, train: LabelledRows) -> Fitting:
    """Yield the checkpoints of a fit to logarithms, and return its model, on the target's scale."""
    scale = find_scale(train)
    while True:
        try:
            checkpoint = next(fitting)
        except StopIteration as end:
            fitted = end.value
            return LogFit(fitted, scale, fitted.seconds, fitted.details)
        predict = checkpoint.predict_proba
        if predict is not None:
            checkpoint = Checkpoint(checkpoint.seconds, partial(_predict, scale, predict))
        yield checkpoint


def _predict(scale: TargetScale, predict: Callable[[Any], Array], X: Any) -> Array:
    return scale.decode(predict(X))
