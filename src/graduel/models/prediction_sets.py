"""Intervals of predicted numbers, and sets of classes, that contain the truth at a level."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.data.prepare.calibration_scores import CalibrationScores
from graduel.data.schema import Schema
from graduel.errors import UserError
from graduel.models.model import Model

Array = NDArray[Any]
SEPARATOR = " | "
"""Between the classes of a set."""


def calibrate(schema: Schema, predictions: Array, y: Array) -> Schema:
    """Return the schema with the scores of validation rows, by their predictions and targets."""
    if len(y):
        schema = replace(schema, calibration=CalibrationScores.of(true_scores(predictions, y)))
    return schema


def true_scores(predictions: Array, y: Array) -> NDArray[np.float64]:
    """Return the score of each row's truth: its absolute error, or 1 minus its probability.

    >>> true_scores(np.array([[0.75, 0.25]]), np.array([1])).tolist()
    [0.75]
    """
    if y.dtype.kind == "f":
        return np.asarray(np.abs(y - predictions[:, 0]))
    return np.asarray(1 - predictions[np.arange(len(y)), y], np.float64)


@dataclass(frozen=True, eq=False)
class CalibratedModel(Model):
    """A model with the largest score within its intervals or sets of a level.

    Attributes
    ----------
    level, bound : the level, and that score; both 0 without intervals
    """

    level: float = 0.0
    bound: float = 0.0

    @classmethod
    def of(cls, model: Model, level: float | None) -> CalibratedModel:
        """Return a model with intervals or sets of a level; None for none.

        Raises
        ------
        UserError
            If the level is out of range, or the model has no scores or too few of them.
        """
        values = {one.name: getattr(model, one.name) for one in fields(Model)}
        if level is None:
            return cls(**values)
        return cls(**values, level=level, bound=find_bound(model, level))

    def select(self, predictions: Array) -> tuple[Array, ...]:
        """Return the columns of intervals or sets: the ends of intervals, or texts of sets."""
        if not self.classes:
            return predictions[:, 0] - self.bound, predictions[:, 0] + self.bound
        names, inside = np.array(self.classes, object), 1 - predictions <= self.bound
        return (np.array([SEPARATOR.join(names[row]) for row in inside], object),)


def find_bound(model: Model, level: float) -> float:
    """Return the largest score within intervals or sets of a level.

    Raises
    ------
    UserError
        If the level is out of range, or the model has no scores or too few of them.
    """
    if not 0 < level < 1:
        raise UserError(f"--intervals: expected a level between 0 and 1, such as 0.9; got {level}")
    scores = model.schema.calibration
    if scores is None:
        raise UserError(
            "--intervals: expected a model with scores of its validation rows; this one was saved "
            "without. Train it again"
        )
    bound = scores.quantile(level)
    if bound == np.inf:
        raise UserError(
            f"--intervals: a level of {level:g} needs more validation rows than the {scores.n:,} "
            f"of this model. Give at most {scores.n / (scores.n + 1):.3f}, or train on more rows"
        )
    return bound
