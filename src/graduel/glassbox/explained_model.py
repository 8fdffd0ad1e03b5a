"""A kept model and one example, as the glass box looks at them: raw, prepared, as numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from graduel.data.prepare.encoders import CategoryCode
from graduel.errors import UserError
from graduel.glassbox.network.layer_info import Array
from graduel.glassbox.plain_data import PlainData
from graduel.glassbox.trees.tree_arrays import Forest, read_forest
from graduel.models.model import Model
from graduel.nn import Network, Weights

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class ModelInput(PlainData):
    """One number that a model is given."""

    name: str
    value: float
    """NaN where it is missing, which trees take."""


@dataclass(frozen=True, slots=True)
class Feature(PlainData):
    """One column of a table: what stands there, and the numbers that are made of it."""

    name: str
    kind: str
    raw: str | None
    """As text; None where it is missing."""
    inputs: tuple[ModelInput, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Example(PlainData):
    """One example: as it came, and as the model takes it."""

    WITHOUT: ClassVar[tuple[str, ...]] = ("matrix",)

    matrix: Array
    """Prepared, shape (inputs,): raw pixels, or the columns of a prepared table."""
    x: Array
    """The numbers that the model computes with: for a network scaled, pixels from 0 to 1."""
    image: Array | None
    """The pixels, shape (height, width, channels), where it is an image."""
    features: tuple[Feature, ...]
    """Of a table."""


@dataclass(frozen=True, eq=False)
class ExplainedModel:
    """A kept model, with all that the glass box asks of it.

    Attributes
    ----------
    kept : the model
    """

    kept: Model

    @property
    def family(self) -> str:
        """Either ``net`` or ``xgboost``."""
        return self.kept.family

    @property
    def classes(self) -> tuple[str, ...]:
        """The name of each class."""
        return self.kept.classes

    @property
    def image(self) -> tuple[int, int, int] | None:
        """The shape of an example, where examples are images."""
        return self.kept.image

    @property
    def network(self) -> Network:
        """The network; of a model that is one."""
        if self.kept.network is None:
            raise UserError("expected a network; this model is XGBoost's")
        return self.kept.network

    @property
    def weights(self) -> Weights:
        """The network's weights."""
        assert self.kept.weights is not None or self.network
        weights = self.kept.weights
        assert weights is not None
        return weights

    @cached_property
    def forest(self) -> Forest:
        """The trees, read once; of a model of XGBoost's."""
        if self.kept.booster is None:
            raise UserError("expected trees of XGBoost's; this model is a network")
        return read_forest(self.kept.booster)

    @property
    def groups(self) -> tuple[str, ...]:
        """The class of each margin of the trees; of two classes, the second."""
        learned = [self.classes[code] for code in self.kept.learned]
        return tuple(learned[1:] if self.forest.n_classes == 1 else learned)

    @cached_property
    def levels(self) -> dict[int, tuple[str, ...]]:
        """The names of the categories that stand as codes in an input, by the input's number."""
        found: dict[int, tuple[str, ...]] = {}
        place = 0
        for encoder in () if self.kept.preparation is None else self.kept.preparation.encoders:
            if isinstance(encoder, CategoryCode) and encoder.for_trees:
                others = ("another",) * encoder.others
                found[place] = (*encoder.categories, *others)
            place += len(encoder.names)
        return found

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What each of the model's inputs is, for people to read."""
        if self.kept.preparation is not None:
            return self.kept.preparation.names
        if self.image is not None:
            height, width, channels = self.image
            return tuple(
                f"row {r}, column {c}" + (f", channel {k}" if channels > 1 else "")
                for r in range(height)
                for c in range(width)
                for k in range(channels)
            )
        if self.kept.network is not None:
            n = int(np.prod(self.kept.network.input_shape))
        else:
            n = self.kept.booster.num_features()
        return tuple(f"input {i}" for i in range(n))

    def example(self, X: Any, *, decimal: str = ".") -> Example:
        """Prepare one example as the model takes it.

        Parameters
        ----------
        X : a table of one row, or an array of one image or one row: (1, …)
        decimal : the decimal sign of numbers in columns of text

        Raises
        ------
        UserError
            If it does not fit the model, or is not one row.
        """
        if len(X) != 1:
            raise UserError(f"expected one example; got {len(X)} rows")
        matrix = self.kept.matrix(X, decimal=decimal)[0]
        x = matrix
        if self.kept.network is not None:
            scale = self.kept.task.scale
            x = np.multiply(matrix, scale, dtype=self.kept.network.dtype, casting="unsafe")
        image = None if self.image is None else matrix.reshape(self.image)
        return Example(matrix, x, image, self._features(X, matrix))

    def _features(self, X: Any, matrix: Array) -> tuple[Feature, ...]:
        """Put each column's cell beside the numbers that its encoder makes of it."""
        preparation = self.kept.preparation
        if preparation is None:
            return ()
        from graduel.data.read.dataframe import from_frame

        frame, _ = from_frame(X)
        kinds = {column.name: column.kind for column in self.kept.columns}
        found, start = [], 0
        for encoder in preparation.encoders:
            stop = start + len(encoder.names)
            values = zip(encoder.names, matrix[start:stop], strict=True)
            cell = frame[encoder.name][0]
            found.append(
                Feature(
                    encoder.name,
                    kinds[encoder.name],
                    None if cell is None else _text(cell, frame[encoder.name].dtype),
                    tuple(ModelInput(name, float(value)) for name, value in values),
                )
            )
            start = stop
        return tuple(found)

    def answers(self, example: Example) -> Array:
        """Return the probabilities of every class, as the kept model gives them."""
        found: Array = self.kept.scores(example.matrix[np.newaxis])[0]
        return found


def _text(cell: Any, dtype: pl.DataType) -> str:
    """Write a cell as it came: a float32 in no more digits than it has."""
    import polars as pl

    return str(np.float32(cell)) if dtype == pl.Float32 else str(cell)
