"""One example of a model: the raw values, the prepared inputs, and the scaled inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from graduel.errors import UserError
from graduel.export.table.formulas import describe_encoder
from graduel.glassbox.plain_data import Array, PlainData
from graduel.models.model import Model

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class ModelInput(PlainData):
    """One input of a model."""

    name: str
    value: float
    """NaN if missing (trees only)."""
    formula: str
    """How the value follows from the raw cell x, with the numbers of the fitted preparation."""


@dataclass(frozen=True, slots=True)
class Feature(PlainData):
    """One column of a table: its raw cell and the encoded model inputs."""

    name: str
    kind: str
    raw: str | None
    """The cell as text; None if missing."""
    inputs: tuple[ModelInput, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Example(PlainData):
    """One example, raw and prepared."""

    WITHOUT: ClassVar[tuple[str, ...]] = ("matrix",)

    matrix: Array
    """Prepared inputs, shape (n_inputs,): raw pixels, or the encoded columns of a table."""
    x: Array
    """Model inputs: for a network, scaled (pixels from 0 to 1)."""
    image: Array | None
    """The pixels, shape (height, width, channels); None for a table."""
    features: tuple[Feature, ...]
    """The columns of a table; empty for an image."""


def prepare_example(model: Model, X: Any, *, decimal: str | None = None) -> Example:
    """Prepare one raw example for a model.

    Parameters
    ----------
    model : a fitted model
    X : a DataFrame of one row, or an array of one image or one row, shape (1, …)
    decimal : the decimal separator in text columns; by default that of training

    Raises
    ------
    UserError
        If `X` does not fit the model, or has more or fewer rows than one, or the model is neither
        a network nor XGBoost.
    """
    if model.library_model is not None:
        raise UserError(
            f"expected a network or XGBoost, whose computations can be shown; got {model.title}. "
            "graduel predict works with every model"
        )
    if len(X) != 1:
        raise UserError(f"expected one example; got {len(X)} rows")
    matrix = model.prepare(X, decimal=decimal)
    image = None if model.image is None else matrix[0].reshape(model.image)
    return Example(matrix[0], model.scale(matrix)[0], image, _list_features(model, X, matrix[0]))


def _list_features(model: Model, X: Any, row: Array) -> tuple[Feature, ...]:
    """Return the raw cell and the encoded inputs of each column."""
    if model.preparation is None:
        return ()
    from graduel.data.read.dataframe import from_frame

    frame, _ = from_frame(X)
    kinds = {column.name: column.kind for column in model.columns}
    features, start = [], 0
    for encoder in model.preparation.encoders:
        stop = start + len(encoder.names)
        formulas = describe_encoder(encoder).fill()
        values = zip(encoder.names, row[start:stop], formulas, strict=True)
        cell = frame[encoder.name][0]
        features.append(
            Feature(
                encoder.name,
                kinds[encoder.name],
                None if cell is None else _format_cell(cell, frame[encoder.name].dtype),
                tuple(ModelInput(name, float(value), formula) for name, value, formula in values),
            )
        )
        start = stop
    return tuple(features)


def _format_cell(cell: Any, dtype: pl.DataType) -> str:
    """Return a cell as text; a float32 in its shortest exact form."""
    import polars as pl

    return str(np.float32(cell)) if dtype == pl.Float32 else str(cell)
