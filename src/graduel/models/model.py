"""A fitted contender as it is used: raw features in, probabilities out."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.data.prepare.preparation import Preparation
from graduel.data.schema import Schema
from graduel.nn import Network, Weights
from graduel.train.loop.batches import Rows
from graduel.train.loop.training import to_probabilities

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Model:
    """A model as it is used: raw features in, probabilities out.

    Attributes
    ----------
    family : ``net`` or ``xgboost``
    title : what the contender was called
    task : what is predicted, and what from
    preparation : of a table
    network, weights : of the family ``net``
    booster : of the family ``xgboost``: an ``xgboost.Booster`` of the chosen rounds
    learned : of the family ``xgboost``, the codes of the classes that it knows
    notes : what else its writer noted
    """

    family: str
    title: str
    task: Schema
    preparation: Preparation | None = None
    network: Network | None = None
    weights: Weights | None = None
    booster: Any = None
    learned: tuple[int, ...] = ()
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def classes(self) -> tuple[str, ...]:
        """The name of each class."""
        return self.task.classes

    @property
    def columns(self) -> tuple[Any, ...]:
        """Of a table, what each column is."""
        return self.task.columns

    @property
    def image(self) -> tuple[int, int, int] | None:
        """The shape (height, width, channels) of an example, where examples are images."""
        return self.task.image

    def matrix(self, X: Any, *, decimal: str = ".", first_row: int = 0) -> Array:
        """Return features as the model takes them, shape (n, inputs).

        Parameters
        ----------
        X : a table of Polars or pandas; or images or rows of numbers, as they were learned from
        decimal, first_row : see :meth:`Schema.conform`

        Raises
        ------
        UserError
            If they do not fit.
        """
        if self.preparation is None:
            return self.task.flatten(X)
        from graduel.data.read.dataframe import from_frame

        frame, _ = from_frame(X)
        return self.preparation.transform(
            self.task.conform(frame, decimal=decimal, first_row=first_row)
        )

    def scores(self, matrix: Array) -> Array:
        """Return float32 probabilities of rows that are prepared, shape (n, classes)."""
        if self.network is not None and self.weights is not None:
            rows = Rows(matrix, self.task.scale, self.network.dtype)
            answers = self.network.predict(matrix, self.weights, rows=rows.block)
            return to_probabilities(self.network.loss, answers).astype(np.float32, copy=False)
        found = np.asarray(self._trees.predict_proba(matrix), np.float32)
        if len(self.learned) == len(self.classes):
            return found
        whole = np.zeros((len(found), len(self.classes)), np.float32)
        whole[:, list(self.learned)] = found
        return whole

    def predict_proba(self, X: Any) -> Array:
        """Return float32 probabilities, shape (n, classes), of features as they come."""
        return self.scores(self.matrix(X))

    @cached_property
    def _trees(self) -> Any:
        from xgboost import XGBClassifier

        model = XGBClassifier()
        model.load_model(bytearray(self.booster.save_raw("ubj")))
        return model
