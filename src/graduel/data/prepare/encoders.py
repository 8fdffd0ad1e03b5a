"""Encoders of the columns of a table, for networks and for trees.

Each encoder is a frozen value with the column's name. ``fit`` reads the training rows of a column,
``fill`` writes any rows of it into columns of a float32 matrix, one for each of ``names``. For
networks every number is finite and around zero (but for codes of categories); for trees a missing
value stays NaN, and ``types`` are XGBoost's types of the columns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from graduel.data.prepare import values
from graduel.data.prepare.scalers import Both, Quantile, Robust, Shift, fill_missing

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[Any]


class Number(Struct, frozen=True, tag=True):
    """A column of numbers, scaled."""

    name: str
    scaler: Robust | Quantile | Both | Shift

    @classmethod
    def fit(cls, column: pl.Series, scaler: type[Robust | Quantile | Both | Shift]) -> Number:
        """Fit a scaler of this class to the numbers."""
        return cls(column.name, scaler.fit(values.to_numbers(column)))

    @property
    def for_trees(self) -> bool:
        """Whether missing values stay NaN."""
        return isinstance(self.scaler, Shift)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns of the matrix."""
        return self.scaler.names(self.name)

    @property
    def types(self) -> tuple[str, ...]:
        """XGBoost's feature type."""
        return ("int" if self.scaler.whole else "q",)

    def fill(self, column: pl.Series, out: Array) -> None:
        """Write the scaled numbers."""
        self.scaler.fill(values.to_numbers(column), out)


class OneHot(Struct, frozen=True, tag=True):
    """1 in the column of the category, 0 in the others; two categories are −1 and +1 in one column.

    Missing is a category if the training rows have it. Where there are more categories than the
    limit, the rarer ones share a column, and an unseen category belongs there too; otherwise what
    was not seen is 0 everywhere.
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
        """Find the categories."""
        text = values.to_labels(column)
        return cls(column.name, *values.frequent_labels(text, limit), text.null_count() > 0)

    @property
    def _levels(self) -> tuple[str, ...]:
        known = [f"{self.name} = {category}" for category in self.categories]
        known += [f"{self.name} is another"] * self.others
        return (*known, *[f"{self.name} is missing"] * self.missing)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns of the matrix; of two categories, the one that is +1."""
        levels = self._levels
        return levels[1:] if len(levels) == 2 else levels

    def fill(self, column: pl.Series, out: Array) -> None:
        """Write ones, or signs."""
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
    """The number of the category: from 1 for networks, from 0 for trees.

    A category that is missing or was not seen is 0 for networks, NaN for trees. Where there are
    more categories than the limit, the rarer and the unseen ones share the last code.
    """

    name: str
    categories: tuple[str, ...]
    others: bool
    for_trees: bool

    def __post_init__(self) -> None:
        _require_distinct(self.name, self.categories)

    @classmethod
    def fit(cls, column: pl.Series, limit: int, *, for_trees: bool = False) -> CategoryCode:
        """Find the categories."""
        frequent = values.frequent_labels(values.to_labels(column), limit)
        return cls(column.name, *frequent, for_trees)

    @property
    def names(self) -> tuple[str, ...]:
        """Name of the column of the matrix."""
        return (self.name,)

    @property
    def types(self) -> tuple[str, ...]:
        """XGBoost's feature type."""
        return ("c",)

    @property
    def cardinality(self) -> int:
        """How many codes there are for networks, 0 among them."""
        return 1 + len(self.categories) + self.others

    def fill(self, column: pl.Series, out: Array) -> None:
        """Write the codes."""
        code = values.encode(values.to_labels(column), self.categories)
        level = _merge_others(code, self.categories, self.others)
        out[:, 0] = np.where(level < 0, np.nan, level) if self.for_trees else level + 1


class Boolean(Struct, frozen=True, tag=True):
    """For networks +1 for true, −1 for false, missing as in :class:`Robust`; for trees 1 and 0."""

    name: str
    missing: bool
    for_trees: bool

    @classmethod
    def fit(cls, column: pl.Series, *, for_trees: bool = False) -> Boolean:
        """Look for missing values."""
        missing = bool(np.isnan(values.to_flags(column)).any())
        return cls(column.name, missing and not for_trees, for_trees)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns of the matrix."""
        return (self.name, f"{self.name} is missing")[: 1 + self.missing]

    @property
    def types(self) -> tuple[str, ...]:
        """XGBoost's feature type."""
        return ("i",)

    def fill(self, column: pl.Series, out: Array) -> None:
        """Write the flags, and for networks whether they are missing."""
        flags = values.to_flags(column)
        fill_missing(np.isnan(flags), out)
        out[:, 0] = flags if self.for_trees else np.nan_to_num(2 * flags - 1, nan=0.0)


class Date(Struct, frozen=True, tag=True):
    """Days since 1970 like a number, and the parts of the date that recur.

    These are the month in the year, the day in the month, the weekday, and the minute in the day,
    each if it varies in the training rows: as sine and cosine for networks, as whole numbers for
    trees. Where the date is missing they are 0 for networks, NaN for trees.
    """

    name: str
    days: Robust | Shift
    parts: tuple[str, ...]

    def __post_init__(self) -> None:
        if not set(self.parts) <= set(values.PERIODS) or len(set(self.parts)) < len(self.parts):
            raise ValueError(f"column {self.name!r} has wrong parts of a date: {self.parts}")

    @classmethod
    def fit(cls, column: pl.Series, *, for_trees: bool = False) -> Date:
        """Fit the scaler of the days, and find the parts that vary."""
        times = values.to_datetimes(column)
        days = (Shift if for_trees else Robust).fit(values.to_days(times))
        return cls(column.name, days, values.varying_parts(times))

    @property
    def for_trees(self) -> bool:
        """Whether missing values stay NaN."""
        return isinstance(self.days, Shift)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns of the matrix."""
        prefixes = ("",) if self.for_trees else ("sine of ", "cosine of ")
        parts = (f"{self.name}, {prefix}{part}" for part in self.parts for prefix in prefixes)
        return (*self.days.names(self.name), *parts)

    @property
    def types(self) -> tuple[str, ...]:
        """XGBoost's feature types."""
        return ("int" if self.days.whole else "q", *["int"] * len(self.parts))

    def fill(self, column: pl.Series, out: Array) -> None:
        """Write the days and the parts."""
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
            # From a table, so that a date gives the same bits in whatever company it comes.
            angle = 2 * np.pi * np.arange(values.PERIODS[part]) / values.PERIODS[part]
            out[known, start + 2 * i] = np.sin(angle)[codes[part]]
            out[known, start + 2 * i + 1] = np.cos(angle)[codes[part]]


def _merge_others(code: Array, categories: tuple[str, ...], others: bool) -> Array:
    """Return codes with what was not seen as the others, or as −1 where there are none."""
    known = len(categories)
    return np.where(code < known, code, known if others else -1)


def _require_distinct(name: str, categories: tuple[str, ...]) -> None:
    if len(set(categories)) < len(categories):
        raise ValueError(f"a category of column {name!r} stands twice")
