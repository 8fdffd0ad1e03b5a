"""What scikit-learn's classifiers, and those that follow its conventions, share as contenders."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from graduel.contenders.contender import Array, Checkpoint, Fitting, LabelledRows, Progress
from graduel.contenders.fit_job import FitJob
from graduel.contenders.prepared_table import PreparedTable
from graduel.data.prepare.preparation import NetPreparation, TreePreparation
from graduel.metrics.probabilities import expand_classes
from graduel.pixels import detect_scale

LIBRARY_METRICS = ("error", "accuracy", "log_loss")
"""Metrics where a booster stops by its library's own log loss (or error)."""


class ScaledTable(PreparedTable):
    """Prepares raw features; uint8 pixels become float32 from 0 to 1."""

    def __call__(self, X: Any) -> Array:
        """Return the float32 matrix of some rows."""
        matrix = PreparedTable.__call__(self, X)
        return (matrix * np.float32(detect_scale(matrix))).astype(np.float32, copy=False)


def prepare_for_network(train: LabelledRows) -> PreparedTable:
    """Prepare as for a network: every number finite and small, categories one-hot."""
    return ScaledTable(NetPreparation.fit(train.X, train.columns) if train.columns else None)


def prepare_for_trees(
    train: LabelledRows, limit: int | None = None
) -> tuple[PreparedTable, list[int]]:
    """Prepare as for trees; return also the indices of the categorical columns."""
    if not train.columns:
        return PreparedTable(), []
    preparation = TreePreparation.fit(train.X, train.columns, limit=limit)
    kinds = preparation.feature_types
    return PreparedTable(preparation), [i for i, kind in enumerate(kinds) if kind == "c"]


@dataclass(slots=True)
class FittedEstimator:
    """A fitted classifier and the preparation of its rows."""

    model: Any
    prepare: PreparedTable
    n_classes: int
    seconds: float = 0.0
    details: dict[str, Any] = field(default_factory=dict)

    def predict_proba(self, X: Any) -> Array:
        """Return float32 probabilities, shape (n, n_classes)."""
        return self.prepare.predict(X, self.predict)

    def predict(self, matrix: Any) -> Array:
        """Return the probabilities of prepared rows."""
        with silence_warnings():
            return self.expand(self.model.predict_proba(matrix))

    def predict_cached(self, X: Any) -> Array:
        """Return the probabilities of rows that come again at every checkpoint."""
        return self.prepare.predict_cached(X, self.predict)

    def expand(self, p: Any) -> Array:
        """Return probabilities of the training rows' classes as those of all classes."""
        return expand_classes(p, self.model.classes_, self.n_classes)

    def to_bytes(self) -> bytes:
        """Return the model, pickled to be measured and compared, and the preparation."""
        return pickle.dumps(self.model, protocol=5) + self.prepare.to_bytes()


def finish_single_fit(job: FitJob, fitted: Any, **details: Any) -> Fitting:
    """Evaluate a :class:`FittedEstimator` that was fitted in one go; yield its one checkpoint."""
    fitted.seconds = job.clock.stop()
    error, loss = job.evaluate(fitted.predict_proba(job.valid.X))
    job.notify(Progress(1.0, fitted.seconds, error, loss))
    fitted.details = {**details, "valid_error": error}
    yield Checkpoint(fitted.seconds, fitted.predict_cached)
    fitted.prepare.clear()
    return fitted


@contextmanager
def silence_warnings() -> Iterator[None]:
    """Suppress warnings about fits that end at their last round and missing feature names."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
