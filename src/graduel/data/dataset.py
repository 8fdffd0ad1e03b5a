"""A data set: features, target, and the predefined test split if there is one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graduel.data.column import Column
from graduel.data.finding import Finding
from graduel.data.prepare.pixel_format import PixelFormat
from graduel.data.task import Classification, Regression, Task
from graduel.number_format import format_value
from graduel.short_view import join_lines, render_table, render_view

if TYPE_CHECKING:
    from graduel.data.table import Table


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Features and target as read, before preparation.

    Attributes
    ----------
    name : the data set's name
    X : the features, one example per row; images as (n, height, width), a table as a Polars
        DataFrame. Neither scaled nor encoded.
    y : the target, shape (n,): class codes, 0 … n_classes − 1, or numbers of type float64
    classes : the name of each class; empty if the target is a number
    n_train : number of rows of the predefined training part, which come first; None without a split
    source : the origin of the data and their license
    inferred_table : the inferred schema of a table, with notes and reasons; None for arrays
    groups : the group code of each row; a group stays on one side of every split
    times : the rank in time of each row, where rows are split by time
    pixels : how the pixels of images were stored; None for other data
    notes : decisions of the reader of images, one sentence each; a table has its own
    findings : the findings of reading
    log_target : whether contenders predict the logarithm of the target
    """

    name: str
    X: Any
    y: NDArray[Any]
    classes: tuple[str, ...]
    n_train: int | None = None
    source: str = ""
    inferred_table: Table | None = None
    groups: NDArray[np.int64] | None = None
    times: NDArray[np.int64] | None = None
    pixels: PixelFormat | None = None
    notes: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    log_target: bool = False

    def __post_init__(self) -> None:
        if len(self.X) != len(self.y):
            raise ValueError(
                f"X and y must have the same number of rows; got {len(self.X)} and {len(self.y)}"
            )
        if self.n_train is not None and not 0 < self.n_train < len(self.X):
            raise ValueError(
                f"n_train must lie between 1 and {len(self.X) - 1}; got {self.n_train}"
            )

    def __repr__(self) -> str:
        columns = [f"{column.name} ({column.kind})" for column in self.columns]
        lines = [self._title()]
        lines += [f"columns: {', '.join(columns)}"] if columns else []
        summary = ", ".join(f"{name} {text}" for name, text in self._summarize_target())
        return join_lines([*lines, f"{'classes' if self.classes else 'target'}: {summary}"])

    def _repr_html_(self) -> str:
        headings = ("class", "rows") if self.classes else ("target", "value")
        parts = [render_table(headings, self._summarize_target())]
        if self.columns:
            columns = [(column.name, column.kind) for column in self.columns]
            parts.insert(0, render_table(("column", "kind"), columns))
        return render_view(self._title(), *parts)

    def _title(self) -> str:
        what = f"{len(self.X):,} rows, {self.n_features:,} features, "
        what += f"{len(self.classes)} classes" if self.classes else "a number as target"
        if self.image is not None:
            what += f", images of {' × '.join(map(str, self.image))}"
        if self.n_train is not None:
            what += f", the first {self.n_train:,} rows are training rows"
        return f"Dataset {self.name}: {what}"

    def _summarize_target(self) -> list[tuple[str, str]]:
        """Return the number of rows of each class, or the range of a numeric target."""
        if self.classes:
            counts = np.bincount(self.y, minlength=len(self.classes)).tolist()
            return [(name, f"{n:,}") for name, n in zip(self.classes, counts, strict=True)]
        values = zip(("least", "median", "most"), np.quantile(self.y, (0, 0.5, 1)), strict=True)
        return [(name, format_value(float(value))) for name, value in values]

    @classmethod
    def from_table(cls, table: Table, **fields: Any) -> Dataset:
        """Return the data set of a table with inferred schema; `fields` sets the other fields."""
        return cls(table.name, table.frame, table.y, table.classes, inferred_table=table, **fields)

    @property
    def task(self) -> Task:
        """The kind of target: one of some classes, or a number."""
        return Classification(self.classes) if self.classes else Regression(self.log_target)

    @property
    def strata(self) -> NDArray[np.int64]:
        """The stratum of each row in a stratified split: its class, or a range of numbers."""
        return self.task.strata(self.y)

    @property
    def columns(self) -> tuple[Column, ...]:
        """The name and kind of each column of a table; empty if X is an array."""
        return () if self.inferred_table is None else self.inferred_table.columns

    @property
    def n_features(self) -> int:
        """The number of columns of the flattened features, before preparation."""
        if self.columns:
            return len(self.columns)
        return int(np.prod(self.X.shape[1:]))

    @property
    def image(self) -> tuple[int, int, int] | None:
        """The shape (height, width, channels) of an image; None for other data."""
        if self.columns or self.X.ndim not in (3, 4):
            return None
        height, width, *channels = self.X.shape[1:]
        return int(height), int(width), int(channels[0]) if channels else 1

    @property
    def table(self) -> Any:
        """X with one flat row per example: a DataFrame, or an array (a view where possible)."""
        return self.X if self.columns else self.X.reshape(len(self.X), -1)

    @property
    def train_rows(self) -> NDArray[np.intp]:
        """The rows of the predefined training part."""
        return np.arange(self._split_point())

    @property
    def test_rows(self) -> NDArray[np.intp]:
        """The rows of the predefined test part."""
        return np.arange(self._split_point(), len(self.X))

    def _split_point(self) -> int:
        if self.n_train is None:
            raise ValueError(
                f"expected a data set with a predefined split; {self.name!r} has n_train=None"
            )
        return self.n_train
