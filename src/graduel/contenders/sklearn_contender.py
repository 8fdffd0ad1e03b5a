"""scikit-learn's way of fitting, as a contender: what all of its classifiers share."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from graduel.contenders.contender import Array, LabelledRows
from graduel.contenders.prepared_table import PreparedTable
from graduel.data.prepare.preparation import NetPreparation, TreePreparation
from graduel.pixels import detect_scale

CHECKPOINTS = 50
"""How often the curve is sampled over a fit."""


class ScaledTable(PreparedTable):
    """A preparation at work; uint8 pixels become float32 from 0 to 1."""

    def __call__(self, X: Any) -> Array:
        """Return the float32 matrix of some rows."""
        found = PreparedTable.__call__(self, X)
        return (found * np.float32(detect_scale(found))).astype(np.float32, copy=False)


def prepare_for_network(train: LabelledRows) -> PreparedTable:
    """Prepare as for a network: every number finite and small, categories one-hot."""
    return ScaledTable(NetPreparation.fit(train.X, train.columns) if train.columns else None)


def prepare_for_trees(
    train: LabelledRows, limit: int | None = None
) -> tuple[PreparedTable, list[int]]:
    """Prepare as for trees; return the numbers of the columns that hold categories beside."""
    if not train.columns:
        return PreparedTable(), []
    preparation = TreePreparation.fit(train.X, train.columns, limit=limit)
    kinds = preparation.feature_types
    return PreparedTable(preparation), [i for i, kind in enumerate(kinds) if kind == "c"]


@dataclass(slots=True)
class FittedEstimator:
    """A fitted classifier and what prepares its rows."""

    model: Any
    ready: PreparedTable
    n_classes: int
    seconds: float = 0.0
    details: dict[str, Any] = field(default_factory=dict)

    def predict_proba(self, X: Any) -> Array:
        """Return float32 probabilities, shape (n, classes)."""
        return self.ready.answer(X, self.predict)

    def predict(self, matrix: Any) -> Array:
        """Return the probabilities of rows that are prepared."""
        with silence_warnings():
            return self.spread(self.model.predict_proba(matrix))

    def spread(self, found: Any) -> Array:
        """Return probabilities of the classes that were learned as those of all classes."""
        return expand_classes(found, self.model.classes_, self.n_classes)

    def to_bytes(self) -> bytes:
        """Return the model, pickled to be measured and compared, and the preparation."""
        return pickle.dumps(self.model, protocol=5) + self.ready.to_bytes()


def expand_classes(found: Any, classes: Any, n_classes: int) -> Array:
    """Return float32 probabilities of all classes; those that were not learned have none.

    >>> expand_classes([[0.25, 0.75]], [0, 2], 3).tolist()
    [[0.25, 0.0, 0.75]]
    """
    found, codes = np.asarray(found, np.float32), np.asarray(classes).astype(np.intp)
    if len(codes) == n_classes:
        return found
    answers = np.zeros((len(found), n_classes), np.float32)
    answers[:, codes] = found
    return answers


def softmax(raw: Array) -> Array:
    """Return probabilities of raw scores: of shape (n,) or (n, 1) for two classes, else (n, k).

    >>> softmax(np.array([0.0])).tolist(), softmax(np.zeros((1, 4))).tolist()
    ([[0.5, 0.5]], [[0.25, 0.25, 0.25, 0.25]])
    """
    if raw.ndim == 1 or raw.shape[1] == 1:
        score = raw.reshape(-1, 1)
        raw = np.concatenate([np.zeros_like(score), score], axis=1)
    found = np.exp(raw - raw.max(axis=1, keepdims=True))
    return np.asarray(found / found.sum(axis=1, keepdims=True))


def draw_seed(rng: np.random.Generator) -> int:
    """Return a seed for a library that takes whole numbers."""
    return int(rng.integers(2**31))


def has_known_class(train: LabelledRows, valid_y: Array) -> Array:
    """Tell which validation rows are of a class that is there to learn."""
    return np.isin(valid_y, train.y)


@contextmanager
def silence_warnings() -> Iterator[None]:
    """Leave warnings unsaid: of a fit that ends at its last round, of names that are not there."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
