"""The schema of a model's data: its classes, and the columns or pixels of new data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graduel.data.coerce import CellRules, normalize_numbers, null_missing, to_kind
from graduel.data.column import Column
from graduel.data.dataset import Dataset
from graduel.data.prepare.calibration_scores import CalibrationScores
from graduel.data.prepare.pixel_format import (
    TOP,
    PixelFormat,
    convert_pixels,
    has_channels_first,
)
from graduel.data.prepare.target_scale import TargetScale
from graduel.data.read.column_names import join_names, quote_name
from graduel.data.read.delimited.cells import to_numbers
from graduel.errors import UserError
from graduel.number_format import agree, format_quantity
from graduel.pixels import detect_scale

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[Any]

MAX_SIDE = 1 << 16
"""Limit of an image's height and width in pixels, exclusive."""
MAX_SCALE = 1e6


@dataclass(frozen=True, slots=True)
class Schema:
    """Classes, and columns or pixels, of the data that a model was trained on.

    :mod:`graduel.serialize` converts it to plain data.

    Attributes
    ----------
    name : name of the data set
    classes : the name of each class; empty if the target is a number
    image : the shape (height, width, channels) of an image; None for other data
    scale : the factor that scales a network's inputs: 1/255 for pixels
    pixels : how the pixels of the training images were stored; None if the model does not state it
    target : the target column of a table
    columns : the features of a table, in the order of training
    date_formats : the formats of date columns of text, by column name
    numeric_categories : columns whose categories are numbers, where 1.50 and 1.5 are one category
    decimals : the decimal signs of numeric columns, by column name; a point if not given
    folded_categories : columns whose categories are in lower case
    missing : the cells of text that mean a missing value
    target_scale : the scale of the numbers that a network predicts; None for classes and trees
    calibration : scores of the validation rows, for intervals and sets; None without any

    Raises
    ------
    UserError
        If the image's shape, the scale or a column's name is invalid.
    """

    name: str = ""
    classes: tuple[str, ...] = ()
    image: tuple[int, int, int] | None = None
    scale: float = 1.0
    pixels: PixelFormat | None = None
    target: str | None = None
    columns: tuple[Column, ...] = ()
    date_formats: Mapping[str, str] = field(default_factory=dict)
    numeric_categories: tuple[str, ...] = ()
    decimals: Mapping[str, str] = field(default_factory=dict)
    folded_categories: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    target_scale: TargetScale | None = None
    calibration: CalibrationScores | None = None

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise UserError(
                f"columns of a schema must have distinct names; got {quote_name(twice)} twice"
            )
        named = {*self.date_formats, *self.numeric_categories, *self.decimals}
        if extra := {*named, *self.folded_categories} - set(names):
            raise UserError(
                "formats of a schema must be of its columns; got one for "
                f"{quote_name(min(extra))}, which is not a column"
            )
        if self.image is not None and not all(0 < side < MAX_SIDE for side in self.image):
            raise UserError(
                f"the sides of an image must be from 1 to {MAX_SIDE - 1:,}; got {self.image}"
            )
        if not 0 < self.scale < MAX_SCALE:
            raise UserError(f"the scale must be between 0 and {MAX_SCALE:,.0f}; got {self.scale}")

    @classmethod
    def of(cls, dataset: Dataset) -> Schema:
        """Return the schema of a data set.

        >>> from graduel.data.source import open_source
        >>> schema = Schema.of(open_source("iris").load())
        >>> schema.target, schema.classes, schema.columns[0].name
        ('target', ('setosa', 'versicolor', 'virginica'), 'sepal length (cm)')
        """
        table = dataset.inferred_table
        if table is None:
            scale = detect_scale(dataset.X)
            return cls(dataset.name, dataset.classes, dataset.image, scale, dataset.pixels)
        return cls(
            dataset.name,
            dataset.classes,
            target=table.target,
            columns=dataset.columns,
            date_formats=dict(table.formats),
            numeric_categories=find_numeric_categories(dataset.X, dataset.columns),
            decimals=dict(table.decimals),
            folded_categories=table.folded,
            missing=table.missing,
        )

    @property
    def input_scale(self) -> float:
        """The factor that scales pixels as given in the training data to a network's inputs.

        >>> Schema(image=(8, 8, 1), pixels=PixelFormat(high=65535.0)).input_scale == 1 / 65535
        True
        """
        if self.pixels is None or not self.pixels.is_known:
            return self.scale
        return 1 / self.pixels.high

    def conform(
        self,
        frame: pl.DataFrame,
        *,
        decimal: str | None = None,
        first_row: int = 0,
        remedy: str = "",
    ) -> pl.DataFrame:
        """Return a table with the columns of training, in their order and of their types.

        Parameters
        ----------
        frame : a table with these columns in any order; other columns are ignored
        decimal : decimal sign of numbers in columns of text; by default that of training
        first_row : number of rows before these in the source table, for messages
        remedy : what else a user can do about invalid cells; ``{}`` stands for the column

        Raises
        ------
        UserError
            If columns are missing or a cell is invalid; the message names them.

        Examples
        --------
        >>> import polars as pl
        >>> schema = Schema(columns=(Column("a", "numeric"),))
        >>> schema.conform(pl.DataFrame({"a": ["1", "?"], "b": [1, 2]})).rows()
        [(1,), (None,)]
        """
        import polars as pl

        missing = [column.name for column in self.columns if column.name not in frame.columns]
        if missing:
            raise self._missing_columns(missing, frame.columns)
        columns = [column.name for column in self.columns]
        frame = frame.with_columns([null_missing(frame[name], self.missing) for name in columns])
        frame = self.normalize_categories(frame)
        return pl.DataFrame(
            {
                c.name: to_kind(
                    frame[c.name], c.kind, self._rules(c.name, decimal, remedy), first_row
                )
                for c in self.columns
            }
        )

    def _rules(self, name: str, decimal: str | None, remedy: str) -> CellRules:
        """Return the rules by which the cells of a column are read."""
        return CellRules(
            self.date_formats.get(name),
            decimal or self.decimals.get(name, "."),
            name in self.folded_categories,
            remedy.format(quote_name(name)) if remedy else "",
        )

    def _missing_columns(self, missing: list[str], present: list[str]) -> UserError:
        """Return the error that a table lacks columns; it names those that differ by case only."""
        lower = {name.lower(): name for name in present}
        pairs = [(lower[name.lower()], name) for name in missing if name.lower() in lower]
        remedy = "Add or rename them"
        if pairs:
            some = ", ".join(f"{quote_name(a)} to {quote_name(b)}" for a, b in pairs[:3])
            n = "" if len(pairs) <= 3 else f" (and {len(pairs) - 3:,} more)"
            remedy = f"Names differ by case: rename {some}{n}"
        return UserError(
            f"expected {format_quantity(len(self.columns), 'column')}; {len(missing)} of them "
            f"{agree(len(missing), 'is', 'are')} not in the table: "
            f"{join_names(missing)}. {remedy}"
        )

    def normalize_categories(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the table with normalized spelling of the numbers among its categories."""
        present = [name for name in self.numeric_categories if name in frame.columns]
        return frame.with_columns([normalize_numbers(frame[name]) for name in present])

    def flatten(self, X: Any) -> Array:
        """Return images or rows of numbers as a matrix, shape (n_rows, n_features).

        Raises
        ------
        UserError
            If the shape or the scale of images differs from that in training.
        """
        X = np.asarray(X)
        if self.image is not None:
            return self.read_images(X)[0]
        return X.reshape(len(X), -1) if X.ndim > 1 else X.reshape(1, -1)

    def read_images(self, X: Array) -> tuple[Array, list[str]]:
        """Return images as a matrix of pixels on the scale of training, and notes on what changed.

        Parameters
        ----------
        X : images of shape (n, height, width), (n, height, width, channels) or (n, channels,
            height, width), or rows of pixels; a vector is one row

        Raises
        ------
        UserError
            If the shape differs from that in training, pixels are missing or infinite, or their
            scale cannot be converted.
        """
        assert self.image is not None
        height, width, channels = self.image
        shapes = {(height, width, channels), (height * width * channels,)}
        shapes |= {(height, width)} if channels == 1 else set()
        notes = []
        rows = X[np.newaxis] if X.ndim == 1 or X.shape in shapes else X
        if rows.shape[1:] == (channels, height, width) and has_channels_first(rows.shape):
            rows = np.moveaxis(rows, 1, -1)
            if channels > 1:
                notes.append(f"images of shape {X.shape} are read with the channels last")
        if rows.shape[1:] not in shapes:
            colors = f" and {channels} channels" if channels > 1 else ""
            last = ", channels" if channels > 1 else ""
            raise UserError(
                f"expected images of {height} × {width} pixels{colors}, shape (n, height, "
                f"width{last}); got an array of shape {X.shape}"
            )
        if rows.dtype.kind not in "biuf":
            raise UserError(f"expected images of numbers; got an array of type {rows.dtype}")
        is_8_bit = abs(self.scale * TOP - 1) < 1e-9
        expected = self.pixels or (PixelFormat() if is_8_bit else None)
        matrix, note = convert_pixels(
            rows.reshape(len(rows), height * width * channels), expected, self.scale
        )
        return matrix, [*notes, note] if note else notes


def find_numeric_categories(frame: pl.DataFrame, columns: Iterable[Column]) -> tuple[str, ...]:
    """Return the names of the categorical columns whose categories are all numbers."""
    return tuple(
        column.name
        for column in columns
        if column.kind == "categorical"
        and to_numbers(frame[column.name].drop_nulls().unique()) is not None
    )
