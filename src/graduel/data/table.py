"""A table with its inferred schema: features, target, and dropped columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from graduel.data.column import Column
from graduel.data.finding import COLUMNS_DROPPED, Finding
from graduel.data.read.column_names import join_names, quote_name

if TYPE_CHECKING:
    import polars as pl

Why = Literal["missing", "constant", "identifier", "time stamp", "text", "nested", "dropped"]


@dataclass(frozen=True, slots=True)
class DroppedColumn:
    """A column that is not used: its name, the type of reason, and the reason in words."""

    name: str
    why: Why
    reason: str

    @property
    def public_reason(self) -> str:
        """The reason without the value of a constant column, which is the value of every row."""
        return "the same in every row" if self.why == "constant" else self.reason


MOST_LINES = 8
"""Maximum number of dropped columns with the same reason that get a line each."""


def report_dropped(
    set_aside: Iterable[DroppedColumn], *, with_values: bool = True
) -> Iterator[Finding]:
    """Yield a finding for each dropped column, or one for many with the same reason.

    Parameters
    ----------
    with_values : whether the findings hold the values of constant columns

    Examples
    --------
    >>> print(*report_dropped([DroppedColumn("a", "constant", "every row holds 0")]))
    info GRD026: column 'a' is dropped: every row holds 0
    >>> many = [DroppedColumn(f"f{i}", "constant", "every row holds 0") for i in range(99)]
    >>> print(*report_dropped(many))
    info GRD026: 99 columns are dropped (constant): 'f0', 'f1', 'f2', 'f3', 'f4' and 94 more
    """
    by_why: dict[Why, list[DroppedColumn]] = {}
    for column in set_aside:
        by_why.setdefault(column.why, []).append(column)
    for why, columns in by_why.items():
        if len(columns) > MOST_LINES:
            names = join_names(column.name for column in columns)
            message = f"{len(columns):,} columns are dropped ({why}): {names}"
            yield COLUMNS_DROPPED.report(message)
            continue
        for column in columns:
            reason = column.reason if with_values else column.public_reason
            message = f"column {quote_name(column.name)} is dropped: {reason}"
            yield COLUMNS_DROPPED.report(message, column.name)


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Features and target of a table, ready to be prepared.

    Attributes
    ----------
    name : name of the table
    frame : the features. Missing values are null, never NaN or infinite. Types by kind: numeric, a
        number type of Polars; categorical, String; boolean, Boolean; date, Datetime in microseconds
    columns : the features, in the frame's order
    target : the target column
    y : the target, shape (n,): class codes, 0 … n_classes − 1, or numbers of type float64
    classes : the name of each class; empty if the target is a number
    rows : the number of each row in the source table, from 0; rows without a target are dropped
    set_aside : the dropped columns, with reasons
    notes : decisions of the inference, one sentence each
    formats : the formats of date columns of text, by column name
    decimals : the decimal signs of numeric columns of text, by column name; a point if not given
    folded : categorical columns whose categories are in lower case
    missing : the cells of text that mean a missing value
    merges_classes : whether class names that differ by case only are one class
    findings : findings on how the cells are read
    """

    name: str
    frame: pl.DataFrame
    columns: tuple[Column, ...]
    target: str
    y: NDArray[Any]
    classes: tuple[str, ...]
    rows: NDArray[np.int64]
    set_aside: tuple[DroppedColumn, ...] = ()
    notes: tuple[str, ...] = ()
    formats: Mapping[str, str] = field(default_factory=dict)
    decimals: Mapping[str, str] = field(default_factory=dict)
    folded: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    merges_classes: bool = False
    findings: tuple[Finding, ...] = ()

    def __post_init__(self) -> None:
        if not self.frame.height == len(self.y) == len(self.rows):
            raise ValueError(
                f"features, y and rows must have the same length; got {self.frame.height}, "
                f"{len(self.y)} and {len(self.rows)}"
            )
        if self.frame.columns != (names := [column.name for column in self.columns]):
            raise ValueError(
                "columns must be those of the frame, in the same order; got "
                f"{join_names(names)} for {join_names(self.frame.columns)}"
            )

    @property
    def counts(self) -> NDArray[np.int64]:
        """The number of rows of each class."""
        return np.bincount(self.y, minlength=len(self.classes))
