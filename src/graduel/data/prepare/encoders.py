"""Encoders of a table's columns, for networks and for trees.

An encoder is an immutable value with the column's name. ``fit`` takes the training rows of a
column; ``fill`` writes any rows of it into columns of a float32 matrix, one per name in ``names``.
For networks all numbers are finite and around zero, except for category codes. For trees missing
values stay NaN, and ``types`` are the columns' XGBoost feature types.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from graduel.data.prepare import values
from graduel.data.prepare.column_summary import (
    CategorySummary,
    DateSummary,
    FlagSummary,
    NumberSummary,
)
from graduel.data.prepare.scalers import Both, Quantile, Robust, Shift, fill_missing

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[Any]


class Number(Struct, frozen=True, tag=True):
    """The encoder of a numeric column, which scales it."""

    name: str
    scaler: Robust | Quantile | Both | Shift

    @classmethod
    def fit(cls, column: pl.Series, scaler: type[Robust | Quantile | Both | Shift]) -> Number:
        """Fit a scaler of this class to the training rows."""
        return cls(column.name, scaler.fit(values.to_numbers(column)))

    @classmethod
    def from_summary(
        cls, summary: NumberSummary, scaler: type[Robust | Quantile | Both | Shift]
    ) -> Number:
        """Fit a scaler of this class to a summary of the training rows."""
        return cls(summary.name, scaler.from_summary(summary))

    @property
    def for_trees(self) -> bool:
        """Whether the encoder is for trees: missing values stay NaN."""
        return isinstance(self.scaler, Shift)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the matrix columns."""
        return self.scaler.names(self.name)

    @property
    def types(self) -> tuple[str, ...]:
        """The XGBoost feature type of the matrix column."""
        return ("int" if self.scaler.whole else "q",)

    def fill(self, column: pl.Series, out: Array) -> None:
        """Write the scaled numbers."""
        self.scaler.fill(values.to_numbers(column), out)


class OneHot(Struct, frozen=True, tag=True):
    """One-hot encoding of a categorical column; two categories are −1 and +1 in one column.

    Missing is a category if it occurs in the training rows. If there are more categories than the
    limit, the rarer ones share a column, also with unseen categories; otherwise an unseen category
    is 0 in all columns.
    """

    name: str
    categories: tuple[str, ...]
    others: bool
    missing: bool

    for_trees: ClassVar[bool] = False

    def __post_init__(self) -> None:
        _require_distinct(self.name, self.categories)

    @classmethod
    def fit(cls, column: pl.Series, limit: int) -> OneHot:
        """Fit the categories: the `limit` most frequent ones in the training rows."""
        text = values.to_labels(column)
        return cls(column.name, *values.frequent_labels(text, limit), text.null_count() > 0)

    @classmethod
    def from_summary(cls, summary: CategorySummary, limit: int) -> OneHot:
        """Fit the categories to a summary of the training rows."""
        frequent = values.frequent_of_counts(summary.counts, limit)
        return cls(summary.name, *frequent, summary.n_missing > 0)

    @property
    def _levels(self) -> tuple[str, ...]:
        known = [f"{self.name} = {category}" for category in self.categories]
        known += [f"{self.name} is another"] * self.others
        return (*known, *[f"{self.name} is missing"] * self.missing)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the matrix columns; with two categories, that of the one encoded as +1."""
        levels = self._levels
        return levels[1:] if len(levels) == 2 else levels

    def fill(self, column: pl.Series, out: Array) -> None:
        """Write the one-hot columns, or the signs."""
        code = values.encode(values.to_labels(column), self.categories)
        level = _merge_others(code, self.categories, self.others)
        if self.missing:
            level[code < 0] = len(self.categories) + self.others
        if len(self._levels) == 2:
            out[:, 0] = np.where(level < 0, 0, 2 * level - 1)
            return
        out.fill(0)
        rows = np.flatnonzero(level >= 0)
        out[rows, level[rows]] = 1


class CategoryCode(Struct, frozen=True, tag=True):
    """Integer codes of a categorical column: from 1 for networks, from 0 for trees.

    Missing and unseen categories are 0 for networks, NaN for trees. If there are more categories
    than the limit, the rarer and the unseen ones share the last code.
    """

    name: str
    categories: tuple[str, ...]
    others: bool
    for_trees: bool

    def __post_init__(self) -> None:
        _require_distinct(self.name, self.categories)

    @classmethod
    def fit(cls, column: pl.Series, limit: int, *, for_trees: bool = False) -> CategoryCode:
        """Fit the categories: the `limit` most frequent ones in the training rows."""
        frequent = values.frequent_labels(values.to_labels(column), limit)
        return cls(column.name, *frequent, for_trees)

    @classmethod
    def from_summary(
        cls, summary: CategorySummary, limit: int, *, for_trees: bool = False
    ) -> CategoryCode:
        """Fit the categories to a summary of the training rows."""
        return cls(summary.name, *values.frequent_of_counts(summary.counts, limit), for_trees)

    @property
    def names(self) -> tuple[str, ...]:
        """The name of the matrix column."""
        return (self.name,)

    @property
    def types(self) -> tuple[str, ...]:
        """The XGBoost feature type of the matrix column."""
        return ("c",)

    @property
    def cardinality(self) -> int:
        """The number of codes for networks, including 0."""
        return 1 + len(self.categories) + self.others

    def fill(self, column: pl.Series, out: Array) -> None:
        """Write the codes."""
        code = values.encode(values.to_labels(column), self.categories)
        level = _merge_others(code, self.categories, self.others)
        out[:, 0] = np.where(level < 0, np.nan, level) if self.for_trees else level + 1


class Boolean(Struct, frozen=True, tag=True):
    """The encoder of a boolean column: +1 and −1 for networks, 1 and 0 for trees.

    Missing values are encoded as in :class:`Robust` for networks, and stay NaN for trees.
    """

    name: str
    missing: bool
    for_trees: bool

    @classmethod
    def fit(cls, column: pl.Series, *, for_trees: bool = False) -> Boolean:
        """Fit to the training rows: detect missing values."""
        missing = bool(np.isnan(values.to_flags(column)).any())
        return cls(column.name, missing and not for_trees, for_trees)

    @classmethod
    def from_summary(cls, summary: FlagSummary, *, for_trees: bool = False) -> Boolean:
        """Fit to a summary of the training rows."""
        return cls(summary.name, summary.n_missing > 0 and not for_trees, for_trees)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the matrix columns."""
        return (self.name, f"{self.name} is missing")[: 1 + self.missing]

    @property
    def types(self) -> tuple[str, ...]:
        """The XGBoost feature type of the matrix column."""
        return ("i",)

    def fill(self, column: pl.Series, out: Array) -> None:
        """Write the flags, and for networks the indicator of missing values."""
        flags = values.to_flags(column)
        fill_missing(np.isnan(flags), out)
        out[:, 0] = flags if self.for_trees else np.nan_to_num(2 * flags - 1, nan=0.0)


class Date(Struct, frozen=True, tag=True):
    """The encoder of a date column: days since 1970 as a number, and periodic parts of the date.

    The parts are the month, the day of the month, the weekday, and the minute of the day, each only
    if it varies in the training rows. For networks they have cyclic encoding (sine and cosine), for
    trees they are whole numbers. For a missing date they are 0 for networks, NaN for trees.
    """

    name: str
    days: Robust | Shift
    parts: tuple[str, ...]

    def __post_init__(self) -> None:
        if not set(self.parts) <= set(values.PERIODS) or len(set(self.parts)) < len(self.parts):
            raise ValueError(
                f"date parts of column {self.name!r} must be distinct names of "
                f"{', '.join(values.PERIODS)}; got {', '.join(self.parts)}"
            )

    @classmethod
    def fit(cls, column: pl.Series, *, for_trees: bool = False) -> Date:
        """Fit the scaler of the days, and select the parts that vary."""
        times = values.to_datetimes(column)
        days = (Shift if for_trees else Robust).fit(values.to_days(times))
        return cls(column.name, days, values.varying_parts(times))

    @classmethod
    def from_summary(cls, summary: DateSummary, *, for_trees: bool = False) -> Date:
        """Fit to a summary of the training rows."""
        days = (Shift if for_trees else Robust).from_summary(summary.days)
        return cls(summary.name, days, summary.varying_parts)

    @property
    def for_trees(self) -> bool:
        """Whether the encoder is for trees: missing values stay NaN."""
        return isinstance(self.days, Shift)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the matrix columns."""
        prefixes = ("",) if self.for_trees else ("sine of ", "cosine of ")
        parts = (f"{self.name}, {prefix}{part}" for part in self.parts for prefix in prefixes)
        return (*self.days.names(self.name), *parts)

    @property
    def types(self) -> tuple[str, ...]:
        """The XGBoost feature types of the matrix columns."""
        return ("int" if self.days.whole else "q", *["int"] * len(self.parts))

    def fill(self, column: pl.Series, out: Array) -> None:
        """Write the days and the date parts."""
        times = values.to_datetimes(column)
        start = len(self.days.names(self.name))
        self.days.fill(values.to_days(times), out[:, :start])
        out[:, start:] = np.nan if self.for_trees else 0
        known = np.flatnonzero(~np.isnat(times))
        codes = values.date_parts(times[known])
        for i, part in enumerate(self.parts):
            if self.for_trees:
                out[known, start + i] = codes[part]
                continue
            # From a lookup table, so that a date gives the same bits whatever the other rows are.
            angle = 2 * np.pi * np.arange(values.PERIODS[part]) / values.PERIODS[part]
            out[known, start + 2 * i] = np.sin(angle)[codes[part]]
            out[known, start + 2 * i + 1] = np.cos(angle)[codes[part]]


def _merge_others(code: Array, categories: tuple[str, ...], others: bool) -> Array:
    """Replace the code of unseen categories with that of the rarer ones, or with −1."""
    known = len(categories)
    return np.where(code < known, code, known if others else -1)


def _require_distinct(name: str, categories: tuple[str, ...]) -> None:
    if len(set(categories)) < len(categories):
        twice = next(one for one in categories if categories.count(one) > 1)
        raise ValueError(f"categories of column {name!r} must be distinct; got {twice!r} twice")
