"""A fitted model: raw rows in, predictions out."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.data.prepare.preparation import Preparation
from graduel.data.read.column_names import quote_name
from graduel.data.schema import Schema
from graduel.data.task import TaskKind
from graduel.errors import UserError
from graduel.metrics.probabilities import expand_classes, two_columns
from graduel.models.library_model import LibraryModel
from graduel.nn import Network, Weights
from graduel.train.loop.batches import Rows
from graduel.train.loop.training import to_probabilities

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Model:
    """A fitted network, booster or other model, with its preparation and its schema.

    Saving, serving, explaining, exporting and predicting all use this class.

    Attributes
    ----------
    family : ``net``, ``xgboost``, or the kind of `library_model`
    title : the display name of the contender
    schema : the columns or images that the model takes, and the classes that it predicts
    preparation : the fitted encoders of a table's columns; None for numeric rows and images
    network, weights : the network of the family ``net``
    booster : the ``xgboost.Booster`` of the family ``xgboost``, up to its best round
    class_codes : the codes of the classes in the training rows; empty for networks, which have all,
        and for numbers
    notes : additional plain data
    library_model : the model of another library; None for networks and XGBoost
    """

    family: str
    title: str
    schema: Schema
    preparation: Preparation | None = None
    network: Network | None = None
    weights: Weights | None = None
    booster: Any = None
    class_codes: tuple[int, ...] = ()
    notes: dict[str, Any] = field(default_factory=dict)
    library_model: LibraryModel | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes."""
        return self.schema.classes

    @property
    def task(self) -> TaskKind:
        """Whether the model predicts classes or a number."""
        return "classification" if self.classes else "regression"

    def require_classes(self, what: str) -> None:
        """Raise `UserError` if the model predicts a number, since `what` is for classes only."""
        if not self.classes:
            raise UserError(
                f"{what}: expected a model of classes; this one predicts the number "
                f"{quote_name(self.schema.target or self.title)}. Use graduel predict"
            )

    @property
    def columns(self) -> tuple[Any, ...]:
        """The columns of a table; empty for numeric rows and images."""
        return self.schema.columns

    @property
    def image(self) -> tuple[int, int, int] | None:
        """The shape (height, width, channels) of an example, or None if it is not an image."""
        return self.schema.image

    @cached_property
    def input_names(self) -> tuple[str, ...]:
        """A readable name of each input of the model."""
        if self.preparation is not None:
            return self.preparation.names
        if self.image is not None:
            height, width, channels = self.image
            return tuple(
                f"row {r}, column {c}" + (f", channel {k}" if channels > 1 else "")
                for r in range(height)
                for c in range(width)
                for k in range(channels)
            )
        if self.network is not None:
            n = int(np.prod(self.network.input_shape))
        elif self.library_model is not None:
            n = len(self.columns) or self.library_model.n_features
        else:
            n = self.booster.num_features()
        return tuple(f"input {i}" for i in range(n))

    def prepare(self, X: Any, *, decimal: str | None = None, first_row: int = 0) -> Any:
        """Return raw rows as the input matrix of the model, shape (n_rows, n_inputs).

        For a library model that takes a DataFrame it is a pandas DataFrame.

        Parameters
        ----------
        X : a Polars or pandas DataFrame, or images or numeric rows, like the training rows
        decimal, first_row : see :meth:`Schema.conform`

        Raises
        ------
        UserError
            If the rows do not match the schema.
        """
        takes_frame = self.library_model is not None and self.library_model.input == "frame"
        if self.preparation is None and not takes_frame:
            return self.schema.flatten(X)
        from graduel.data.read.dataframe import from_frame

        frame, _ = from_frame(X)
        frame = self.schema.conform(frame, decimal=decimal, first_row=first_row)
        if self.preparation is None:
            from graduel.data.prepare.pandas_frame import to_pandas

            return to_pandas(frame, self.columns)
        return self.preparation.transform(frame)

    def scale(self, matrix: Array) -> Array:
        """Return prepared rows scaled as the model does it.

        A network multiplies them by the schema's scale (pixels by 1/255) in its own dtype; trees
        use them unscaled.
        """
        if self.network is None:
            return matrix
        return Rows(matrix, self.schema.scale, self.network.dtype).block(0, len(matrix))

    def predict_proba(self, X: Any) -> Array:
        """Return float32 probabilities of raw rows, shape (n_rows, n_classes).

        Of a model that predicts a number, the numbers, float64 (n_rows, 1).
        """
        return self.predict_proba_prepared(self.prepare(X))

    def predict_proba_prepared(self, matrix: Any) -> Array:
        """Return float32 probabilities of prepared rows, shape (n_rows, n_classes).

        Of a model that predicts a number, the numbers, float64 (n_rows, 1).
        """
        if not self.classes:
            return self._predict_numbers(matrix)
        if self.network is not None and self.weights is not None:
            rows = Rows(matrix, self.schema.scale, self.network.dtype)
            outputs = self.network.predict(matrix, self.weights, rows=rows.block)
            return to_probabilities(self.network.loss, outputs).astype(np.float32, copy=False)
        if self.library_model is not None:
            p = self.library_model.predict(matrix, self.class_codes)
            return expand_classes(p, self.class_codes, len(self.classes))
        p = np.asarray(self.booster.inplace_predict(matrix), np.float32)
        return expand_classes(two_columns(p), self.class_codes, len(self.classes))

    def _predict_numbers(self, matrix: Any) -> Array:
        """Return the predicted numbers of prepared rows, float64 (n_rows, 1)."""
        if self.network is not None and self.weights is not None:
            rows = Rows(matrix, self.schema.scale, self.network.dtype)
            outputs = self.network.predict(matrix, self.weights, rows=rows.block)
        elif self.library_model is not None:
            outputs = self.library_model.predict_numbers(matrix)
        else:
            outputs = self.booster.inplace_predict(matrix)
        outputs = np.asarray(outputs, np.float64).reshape(-1, 1)
        scale = self.schema.target_scale
        return outputs if scale is None else scale.decode(outputs)
