"""How a network takes each kind of column: small numbers around zero.

Each encoder is a frozen value. ``fit`` reads the fitted rows of a column, ``fill`` writes any rows
of it into columns of a float32 matrix, one for each of ``names``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graduel.data.prepare import values
from graduel.data.prepare.numeric_encoders import measure, put_missing, squash
from graduel.errors import UserError

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class OneHot:
    """1 in the column of the category, 0 in the others; two categories are −1 and +1 in one column.

    Missing is a category if the fitted rows have it. Where there are more categories than the
    limit, the rarer ones share a column, and an unseen category belongs there too; otherwise what
    was not seen is 0 everywhere.
    """

    name: str
    categories: tuple[str, ...]
    others: bool
    missing: bool

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
        """What each column of the matrix is; of two categories, the one that is +1."""
        levels = self._levels
        return levels[1:] if len(levels) == 2 else levels

    def fill(self, column: pl.Series, out: Array) -> None:
        """Write ones, or signs."""
        code, known = values.encode(values.to_labels(column), self.categories), len(self.categories)
        level = np.where(code < known, code, known if self.others else -1)
        if self.missing:
            level[code < 0] = known + self.others
        if len(self._levels) == 2:
            out[:, 0] = np.where(level < 0, 0, 2 * level - 1)
            return
        out.fill(0)
        rows = np.flatnonzero(level >= 0)
        out[rows, level[rows]] = 1


@dataclass(frozen=True, slots=True)
class CategoryCode:
    """The number of the category, from 1; 0 if it is missing or was not seen.

    Where there are more categories than the limit, the rarer and the unseen ones share the last.
    """

    name: str
    categories: tuple[str, ...]
    others: bool

    @classmethod
    def fit(cls, column: pl.Series, limit: int) -> CategoryCode:
        """Find the categories."""
        return cls(column.name, *values.frequent_labels(values.to_labels(column), limit))

    @property
    def names(self) -> tuple[str, ...]:
        """What the column of the matrix is."""
        return (self.name,)

    @property
    def cardinality(self) -> int:
        """How many codes there are, 0 among them."""
        return 1 + len(self.categories) + self.others

    def fill(self, column: pl.Series, out: Array) -> None:
        """Write the codes."""
        code, known = values.encode(values.to_labels(column), self.categories), len(self.categories)
        out[:, 0] = np.where(code < known, code, known if self.others else -1) + 1


@dataclass(frozen=True, slots=True)
class Boolean:
    """+1 for true, −1 for false; a missing value as in :class:`Numeric`."""

    name: str
    missing: bool

    @classmethod
    def fit(cls, column: pl.Series) -> Boolean:
        """Look for missing values."""
        return cls(column.name, bool(np.isnan(values.to_flags(column)).any()))

    @property
    def names(self) -> tuple[str, ...]:
        """What each column of the matrix is."""
        return (self.name, f"{self.name} is missing")[: 1 + self.missing]

    def fill(self, column: pl.Series, out: Array) -> None:
        """Write signs, and which are missing."""
        found = values.to_flags(column)
        put_missing(np.isnan(found), out)
        out[:, 0] = np.nan_to_num(2 * found - 1, nan=0.0)


@dataclass(frozen=True, slots=True)
class Date:
    """Days since 1970 like a number, and sine and cosine of what comes round again.

    That is the month in the year, the day in the month, the weekday, and the minute in the day,
    each if it varies in the fitted rows. Where the date is missing, all of these are 0.
    """

    name: str
    center: float
    width: float
    missing: bool
    parts: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.width < 0 or not set(self.parts) <= set(values.PERIODS):
            raise UserError(f"column {self.name!r} has a wrong width or parts {self.parts}")

    @classmethod
    def fit(cls, column: pl.Series) -> Date:
        """Measure center and width, and see which parts vary."""
        times = values.to_datetimes(column)
        return cls(column.name, *measure(values.to_days(times)), values.varying_parts(times))

    @property
    def names(self) -> tuple[str, ...]:
        """What each column of the matrix is."""
        waves = (f"{self.name}, {f} of {part}" for part in self.parts for f in ("sine", "cosine"))
        return (self.name, *[f"{self.name} is missing"] * self.missing, *waves)

    def fill(self, column: pl.Series, out: Array) -> None:
        """Write the days, which are missing, and the waves."""
        times = values.to_datetimes(column)
        start = 1 + self.missing
        squash(values.to_days(times), self.center, self.width, out[:, :start])
        out[:, start:] = 0
        known = np.flatnonzero(~np.isnat(times))
        found = values.date_parts(times[known])
        for i, part in enumerate(self.parts):
            # From a table, so that a date gives the same bits in whatever company it comes.
            angle = 2 * np.pi * np.arange(values.PERIODS[part]) / values.PERIODS[part]
            out[known, start + 2 * i] = np.sin(angle)[found[part]]
            out[known, start + 2 * i + 1] = np.cos(angle)[found[part]]
