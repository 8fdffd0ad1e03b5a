"""What a model answers, from what: all that a later table or image is held against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graduel.data import Dataset
from graduel.data.coerce import conform_table, normalize_numbers
from graduel.data.column import KINDS, Column
from graduel.data.read.delimited.cells import to_numbers
from graduel.errors import UserError
from graduel.train.loop.batches import detect_scale

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[Any]

DAMAGED = "what the model notes of its task is damaged"


@dataclass(frozen=True, slots=True)
class Schema:
    """What is predicted, and what from, as plain data.

    Attributes
    ----------
    name : of the data that were learned from
    classes : the name of each class
    image : the shape (height, width, channels) of an example, where examples are images
    scale : what a network multiplies raw numbers by: 1/255 of pixels
    target : the column that is predicted, of a table
    columns : of a table, what each column is
    formats : how dates were written in columns that came as text
    numbers : columns whose categories are numbers: there 1.50 and 1.5 are one category
    """

    name: str
    classes: tuple[str, ...]
    image: tuple[int, int, int] | None = None
    scale: float = 1.0
    target: str | None = None
    columns: tuple[Column, ...] = ()
    formats: Mapping[str, str] = field(default_factory=dict)
    numbers: tuple[str, ...] = ()

    @classmethod
    def of(cls, dataset: Dataset) -> Schema:
        """Return the task of a data set.

        >>> from graduel.data.source import open_source
        >>> task = Schema.of(open_source("iris").load())
        >>> task.target, task.classes, task.columns[0].name
        ('target', ('setosa', 'versicolor', 'virginica'), 'sepal length (cm)')
        """
        if not dataset.columns:
            scale = detect_scale(dataset.X)
            return cls(dataset.name, dataset.classes, dataset.image, scale)
        table = dataset.understood
        numbers = (
            column.name
            for column in dataset.columns
            if column.kind == "categorical"
            and to_numbers(dataset.X[column.name].drop_nulls().unique()) is not None
        )
        return cls(
            dataset.name,
            dataset.classes,
            target=None if table is None else table.target,
            columns=dataset.columns,
            formats={} if table is None else dict(table.formats),
            numbers=tuple(numbers),
        )

    def frame(self, frame: pl.DataFrame, *, decimal: str = ".", first_row: int = 0) -> pl.DataFrame:
        """Bring a table to the columns that were learned from, in their order.

        Parameters
        ----------
        frame : columns in any order, and any others among them
        decimal : the decimal sign of numbers in columns of text
        first_row : rows that stood before these, for messages

        Raises
        ------
        UserError
            If columns lack or a cell does not fit; the message names them.
        """
        for name in self.numbers:
            if name in frame.columns:
                frame = frame.with_columns(normalize_numbers(frame[name]))
        return conform_table(
            frame, self.columns, formats=self.formats, decimal=decimal, first_row=first_row
        )

    def rows(self, X: Any) -> Array:
        """Return images or rows of numbers as a matrix, shape (n, features).

        Raises
        ------
        UserError
            If they are of another shape than those that were learned from.
        """
        X = np.asarray(X)
        features = None if self.image is None else int(np.prod(self.image))
        flat = X.reshape(len(X), -1) if X.ndim > 1 else X.reshape(1, -1)
        if features is not None and flat.shape[1] != features:
            height, width, channels = self.image or (0, 0, 0)
            colours = f" and {channels} channels" if channels > 1 else ""
            raise UserError(
                f"expected images of {height} × {width} pixels{colours}; got rows of "
                f"{flat.shape[1]:,} numbers"
            )
        return flat

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {
            "name": self.name,
            "classes": list(self.classes),
            "image": None if self.image is None else list(self.image),
            "scale": self.scale,
            "target": self.target,
            "columns": [[column.name, column.kind] for column in self.columns],
            "formats": dict(self.formats),
            "numbers": list(self.numbers),
        }

    @classmethod
    def from_dict(cls, data: Any) -> Schema:
        """Make a task of what :meth:`as_dict` returned, perhaps by way of a damaged file.

        Raises
        ------
        UserError
            If the data are not a task's.
        """
        try:
            image, target, scale = data["image"], data["target"], data["scale"]
            columns = tuple(Column(_text(name), kind) for name, kind in data["columns"])
            if not all(column.kind in KINDS for column in columns):
                raise ValueError("a column's kind is unknown")
            if image is not None and not (
                len(image) == 3 and all(type(n) is int and 0 < n < 1 << 16 for n in image)
            ):
                raise ValueError("the shape of an image is none")
            if type(scale) not in (int, float) or not 0 < scale < 1e6:
                raise ValueError("the scale is none")
            return cls(
                name=_text(data["name"]),
                classes=tuple(map(_text, data["classes"])),
                image=None if image is None else tuple(image),
                scale=float(scale),
                target=None if target is None else _text(target),
                columns=columns,
                formats={_text(k): _text(v) for k, v in data["formats"].items()},
                numbers=tuple(map(_text, data["numbers"])),
            )
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise UserError(f"{DAMAGED} ({error})") from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"expected text; got {str(value)[:40]!r}")
    return value
