"""How trees take each kind of column: as it is, in float32, NaN where missing.

Each encoder is a frozen value. ``fit`` reads the fitted rows of a column, ``fill`` writes any rows
of it into columns of a float32 matrix, one for each of ``names`` and of ``types``. XGBoost keeps
float32 whatever it is given, and refuses infinite values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graduel.data.prepare import values
from graduel.errors import UserError

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[Any]
FAR = 1e38
"""Where larger numbers are cut off, infinite ones too; the bins of a histogram reach to twice it.
"""


@dataclass(frozen=True, slots=True)
class Numeric:
    """y = x − shift, within ±10³⁸.

    The shift is 0, or a value from the middle of the column where float32 would otherwise merge
    values that are different, such as seconds since 1970. Trees do not mind a shift.
    """

    name: str
    shift: float
    whole: bool

    @classmethod
    def fit(cls, column: pl.Series) -> Numeric:
        """Choose the shift, and see whether all numbers are whole."""
        return cls(column.name, *shift_of(values.to_numbers(column)))

    @property
    def names(self) -> tuple[str, ...]:
        """What the column of the matrix is."""
        return (self.name,)

    @property
    def types(self) -> tuple[str, ...]:
        """XGBoost's feature type."""
        return ("int" if self.whole else "q",)

    def fill(self, column: pl.Series, out: Array) -> None:
        """Write the numbers."""
        out[:, 0] = shifted(values.to_numbers(column), self.shift)


@dataclass(frozen=True, slots=True)
class Category:
    """The number of the category, from 0; NaN if it is missing or was not seen.

    Where there are more categories than the limit, the rarer and the unseen ones share the last.
    """

    name: str
    categories: tuple[str, ...]
    others: bool

    @classmethod
    def fit(cls, column: pl.Series, limit: int) -> Category:
        """Find the categories."""
        return cls(column.name, *values.frequent_labels(values.to_labels(column), limit))

    @property
    def names(self) -> tuple[str, ...]:
        """What the column of the matrix is."""
        return (self.name,)

    @property
    def types(self) -> tuple[str, ...]:
        """XGBoost's feature type."""
        return ("c",)

    def fill(self, column: pl.Series, out: Array) -> None:
        """Write the codes."""
        code, known = values.encode(values.to_labels(column), self.categories), len(self.categories)
        unknown = (code < 0) | (code >= known + self.others)
        out[:, 0] = np.where(unknown, np.nan, code)


@dataclass(frozen=True, slots=True)
class Boolean:
    """1 for true, 0 for false."""

    name: str

    @classmethod
    def fit(cls, column: pl.Series) -> Boolean:
        """See that the column holds booleans."""
        values.to_flags(column)
        return cls(column.name)

    @property
    def names(self) -> tuple[str, ...]:
        """What the column of the matrix is."""
        return (self.name,)

    @property
    def types(self) -> tuple[str, ...]:
        """XGBoost's feature type."""
        return ("i",)

    def fill(self, column: pl.Series, out: Array) -> None:
        """Write zeros and ones."""
        out[:, 0] = values.to_flags(column)


@dataclass(frozen=True, slots=True)
class Date:
    """Days since 1970 like a number, and month, day, weekday, minute, each if it varies."""

    name: str
    shift: float
    whole: bool
    parts: tuple[str, ...]

    def __post_init__(self) -> None:
        if not set(self.parts) <= set(values.PERIODS):
            raise UserError(f"column {self.name!r} has unknown parts of a date: {self.parts}")

    @classmethod
    def fit(cls, column: pl.Series) -> Date:
        """Choose the shift, and see which parts vary."""
        times = values.to_datetimes(column)
        return cls(column.name, *shift_of(values.to_days(times)), values.varying_parts(times))

    @property
    def names(self) -> tuple[str, ...]:
        """What each column of the matrix is."""
        return (self.name, *(f"{self.name}, {part}" for part in self.parts))

    @property
    def types(self) -> tuple[str, ...]:
        """XGBoost's feature types."""
        return ("int" if self.whole else "q", *["int"] * len(self.parts))

    def fill(self, column: pl.Series, out: Array) -> None:
        """Write the days and the parts."""
        times = values.to_datetimes(column)
        out[:, 0] = shifted(values.to_days(times), self.shift)
        out[:, 1:] = np.nan
        known = np.flatnonzero(~np.isnat(times))
        found = values.date_parts(times[known])
        for i, part in enumerate(self.parts):
            out[known, 1 + i] = found[part]


def shift_of(x: Array) -> tuple[float, bool]:
    """Return what to subtract before x goes into float32, and whether whole numbers remain.

    >>> shift_of(np.array([1.5, 2.5])), shift_of(np.array([1e9, 1e9 + 1, 1e9 + 2]))
    ((0.0, False), (1000000001.0, True))
    """
    distinct = np.unique(x[np.isfinite(x)])
    if not len(distinct):
        return 0.0, False
    middle = float(distinct[len(distinct) // 2])
    # Among very many numbers a few always coincide: that is no reason to shift.
    apart = _apart(distinct, 0.0)
    shift = middle if apart < 0.99 * len(distinct) and apart < _apart(distinct, middle) else 0.0
    rest = shifted(distinct, shift)
    return shift, bool((rest == np.floor(rest)).all() and np.abs(rest).max() < 2**31)


def shifted(x: Array, shift: float) -> Array:
    """Return x − shift within ±10³⁸, so that float32 holds it."""
    with np.errstate(over="ignore"):
        return np.clip(x - shift, -FAR, FAR)


def _apart(distinct: Array, shift: float) -> int:
    """Count the values that are still different in float32."""
    return len(np.unique(shifted(distinct, shift).astype(np.float32)))
