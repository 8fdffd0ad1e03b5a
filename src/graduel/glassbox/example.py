"""One example of a model: as it came, prepared, and as the numbers that the model computes with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from graduel.errors import UserError
from graduel.glassbox.plain_data import Array, PlainData
from graduel.models.model import Model

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class ModelInput(PlainData):
    """One number that a model takes."""

    name: str
    value: float
    """NaN where it is missing, which trees take."""


@dataclass(frozen=True, slots=True)
class Feature(PlainData):
    """One column of a table: its cell, and the numbers that its encoder makes of it."""

    name: str
    kind: str
    raw: str | None
    """As text; None where it is missing."""
    inputs: tuple[ModelInput, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Example(PlainData):
    """One example, raw and prepared."""

    WITHOUT: ClassVar[tuple[str, ...]] = ("matrix",)

    matrix: Array
    """Prepared, shape (n_inputs,): raw pixels, or the columns of a prepared table."""
    x: Array
    """The numbers that the model computes with: for a network scaled, pixels from 0 to 1."""
    image: Array | None
    """The pixels, shape (height, width, channels), where it is an image."""
    features: tuple[Feature, ...]
    """Of a table."""


def prepare_example(model: Model, X: Any, *, decimal: str = ".") -> Example:
    """Prepare one raw example for a model.

    Parameters
    ----------
    model : a fitted model
    X : a table of one row, or an array of one image or one row: (1, …)
    decimal : the decimal sign of numbers in columns of text

    Raises
    ------
    UserError
        If it does not fit the model, or is not one row.
    """
    if len(X) != 1:
        raise UserError(f"expected one example; got {len(X)} rows")
    matrix = model.prepare(X, decimal=decimal)
    image = None if model.image is None else matrix[0].reshape(model.image)
    return Example(matrix[0], model.scale(matrix)[0], image, _list_features(model, X, matrix[0]))


def _list_features(model: Model, X: Any, row: Array) -> tuple[Feature, ...]:
    """Return each column's cell beside the numbers that its encoder makes of it."""
    if model.preparation is None:
        return ()
    from graduel.data.read.dataframe import from_frame

    frame, _ = from_frame(X)
    kinds = {column.name: column.kind for column in model.columns}
    features, start = [], 0
    for encoder in model.preparation.encoders:
        stop = start + len(encoder.names)
        values = zip(encoder.names, row[start:stop], strict=True)
        cell = frame[encoder.name][0]
        features.append(
            Feature(
                encoder.name,
                kinds[encoder.name],
                None if cell is None else _format_cell(cell, frame[encoder.name].dtype),
                tuple(ModelInput(name, float(value)) for name, value in values),
            )
        )
        start = stop
    return tuple(features)


def _format_cell(cell: Any, dtype: pl.DataType) -> str:
    """Return a cell as text: a float32 with no more digits than it has."""
    import polars as pl

    return str(np.float32(cell)) if dtype == pl.Float32 else str(cell)
