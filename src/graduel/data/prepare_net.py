"""How a network takes each kind of column: small numbers around zero.

Each encoder is a frozen value. ``fit`` reads the fitted rows of a column, ``fill`` writes any rows
of it into columns of a float32 matrix, one for each of ``names``.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graduel.data import prepare_values as values
from graduel.data.prepare_base import HIGHEST
from graduel.errors import UserError

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[Any]

ROWS_A_KNOT, FEWEST_KNOTS, MOST_KNOTS = 30, 10, 256
"""How finely :class:`Quantile` sees a column: coarser than its rows, so that it smooths them."""


@dataclass(frozen=True, slots=True)
class Numeric:
    """y = z / √(1 + (z / 3)²),   z = (x − center) / width.

    The center is the median, the width the distance of the quartiles, or half the range where
    they are equal; infinite values do not count for them. A column that is constant gives 0, one
    of a constant and infinite values 0 and ±3. A missing value is 0, and 1 in a second column if
    one was missing in the fitted rows.

    Source: Holzmüller et al., *Better by Default: Strong Pre-Tuned MLPs and Boosted Trees on
    Tabular Data*, 2024.
    """

    name: str
    center: float
    width: float
    missing: bool

    def __post_init__(self) -> None:
        if self.width < 0:
            raise UserError(f"the width of column {self.name!r} must be positive; got {self.width}")

    @classmethod
    def fit(cls, column: pl.Series) -> Numeric:
        """Measure center and width."""
        return cls(column.name, *measure(values.numbers(column)))

    @property
    def names(self) -> tuple[str, ...]:
        """What each column of the matrix is."""
        return (self.name, f"{self.name} is missing")[: 1 + self.missing]

    def fill(self, column: pl.Series, out: Array) -> None:
        """Write the clipped numbers, and which are missing."""
        squash(values.numbers(column), self.center, self.width, out)


@dataclass(frozen=True, slots=True)
class Quantile:
    """y = Φ⁻¹(F(x)), F the share of the fitted rows below x: as a normal variable, within ±3.

    F is a straight line between the knots, which are quantiles of the fitted rows at equal
    shares. Among equal rows it is in their middle: a value that half of the rows have stands for
    all the shares from where it begins to where it ends. Infinite values count as the largest
    numbers. Missing values are as in :class:`Numeric`; a column that was constant gives 0.

    Only the order of a column counts: amounts that spread over many powers of ten, of which a
    scaled number shows but the largest, become as easy to tell apart as others.

    Source: Gorishniy et al., *Revisiting Deep Learning Models for Tabular Data*, 2021, after
    scikit-learn's ``QuantileTransformer`` (which sends all rows that equal the lowest to the end).
    """

    name: str
    knots: tuple[float, ...]
    missing: bool

    def __post_init__(self) -> None:
        if any(a > b for a, b in pairwise(self.knots)):
            raise UserError(f"the knots of column {self.name!r} must rise; the file is damaged")

    @classmethod
    def fit(cls, column: pl.Series) -> Quantile:
        """Find the quantiles: one for every thirty rows, no more than a few hundred."""
        x = values.numbers(column)
        unknown = np.isnan(x)
        known, missing = np.clip(x[~unknown], -HIGHEST, HIGHEST), bool(unknown.any())
        if not len(known):
            return cls(column.name, (), missing)
        count = min(max(len(known) // ROWS_A_KNOT, FEWEST_KNOTS), MOST_KNOTS)
        knots = np.quantile(known, np.linspace(0, 1, count), method="inverted_cdf")
        return cls(column.name, tuple(knots.tolist()), missing)

    @property
    def names(self) -> tuple[str, ...]:
        """What each column of the matrix is."""
        return (self.name, f"{self.name} is missing")[: 1 + self.missing]

    def fill(self, column: pl.Series, out: Array) -> None:
        """Write normal scores, and which are missing."""
        x = values.numbers(column)
        put_missing(np.isnan(x), out)
        out[:, 0] = scores(x, self.knots)


@dataclass(frozen=True, slots=True)
class Both:
    """The normal score of :class:`Quantile`, and beside it the number of :class:`Numeric`.

    The score tells values apart wherever there are many; the number keeps what is proportional to
    it a straight line.
    """

    name: str
    knots: tuple[float, ...]
    center: float
    width: float
    missing: bool

    def __post_init__(self) -> None:
        Quantile(self.name, self.knots, self.missing)
        Numeric(self.name, self.center, self.width, self.missing)

    @classmethod
    def fit(cls, column: pl.Series) -> Both:
        """Find the quantiles, measure center and width."""
        return cls(column.name, Quantile.fit(column).knots, *measure(values.numbers(column)))

    @property
    def names(self) -> tuple[str, ...]:
        """What each column of the matrix is."""
        names = f"{self.name}, its rank", self.name, f"{self.name} is missing"
        return names[: 2 + self.missing]

    def fill(self, column: pl.Series, out: Array) -> None:
        """Write normal scores, the clipped numbers, and which are missing."""
        x = values.numbers(column)
        squash(x, self.center, self.width, out[:, 1:])
        out[:, 0] = scores(x, self.knots)


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
        text = values.labels(column)
        return cls(column.name, *values.frequent(text, limit), text.null_count() > 0)

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
        code, known = values.encode(values.labels(column), self.categories), len(self.categories)
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
class Codes:
    """The number of the category, from 1; 0 if it is missing or was not seen.

    Where there are more categories than the limit, the rarer and the unseen ones share the last.
    """

    name: str
    categories: tuple[str, ...]
    others: bool

    @classmethod
    def fit(cls, column: pl.Series, limit: int) -> Codes:
        """Find the categories."""
        return cls(column.name, *values.frequent(values.labels(column), limit))

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
        code, known = values.encode(values.labels(column), self.categories), len(self.categories)
        out[:, 0] = np.where(code < known, code, known if self.others else -1) + 1


@dataclass(frozen=True, slots=True)
class Boolean:
    """+1 for true, −1 for false; a missing value as in :class:`Numeric`."""

    name: str
    missing: bool

    @classmethod
    def fit(cls, column: pl.Series) -> Boolean:
        """Look for missing values."""
        return cls(column.name, bool(np.isnan(values.flags(column)).any()))

    @property
    def names(self) -> tuple[str, ...]:
        """What each column of the matrix is."""
        return (self.name, f"{self.name} is missing")[: 1 + self.missing]

    def fill(self, column: pl.Series, out: Array) -> None:
        """Write signs, and which are missing."""
        found = values.flags(column)
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
        times = values.moments(column)
        return cls(column.name, *measure(values.days(times)), values.varying(times))

    @property
    def names(self) -> tuple[str, ...]:
        """What each column of the matrix is."""
        waves = (f"{self.name}, {f} of {part}" for part in self.parts for f in ("sine", "cosine"))
        return (self.name, *[f"{self.name} is missing"] * self.missing, *waves)

    def fill(self, column: pl.Series, out: Array) -> None:
        """Write the days, which are missing, and the waves."""
        times = values.moments(column)
        start = 1 + self.missing
        squash(values.days(times), self.center, self.width, out[:, :start])
        out[:, start:] = 0
        known = np.flatnonzero(~np.isnat(times))
        found = values.parts(times[known])
        for i, part in enumerate(self.parts):
            # From a table, so that a date gives the same bits in whatever company it comes.
            angle = 2 * np.pi * np.arange(values.PERIODS[part]) / values.PERIODS[part]
            out[known, start + 2 * i] = np.sin(angle)[found[part]]
            out[known, start + 2 * i + 1] = np.cos(angle)[found[part]]


def measure(x: Array) -> tuple[float, float, bool]:
    """Return center and width, and whether any is missing (NaN).

    >>> measure(np.array([1.0, 2, 3, 4, 5, np.nan]))
    (3.0, 2.0, True)
    """
    finite = x[np.isfinite(x)]
    missing = bool(np.isnan(x).any())
    if not len(finite):
        return 0.0, float(np.isinf(x).any()), missing
    finite /= 2  # so that no difference overflows
    low, center, high = np.quantile(finite, [0.25, 0.5, 0.75])
    width = high - low or np.ptp(finite) / 2
    if not width:
        width = float(np.isinf(x).any()) / 2
    return float(2 * center), 2 * min(float(width), HIGHEST / 2), missing


def scores(x: Array, knots: tuple[float, ...]) -> Array:
    """Return Φ⁻¹ of the shares of x between rising knots, within ±3; NaN gives 0.

    >>> scores(np.array([-5.0, 0.0, 1.0, 2.0, np.nan]), (0.0, 1.0, 2.0)).round(3).tolist()
    [-3.0, -3.0, 0.0, 3.0, 0.0]
    """
    from scipy.special import ndtri

    if not knots or knots[0] == knots[-1]:
        return np.zeros(len(x))
    unknown = np.isnan(x)
    # Halves, so that no difference overflows.
    at, shares = np.array(knots) / 2, np.linspace(0, 1, len(knots))
    x = np.clip(np.where(unknown, at[0], x / 2), at[0], at[-1])
    # From the left and from the right: of equal knots one takes the last, the other the first.
    share = np.interp(x, at, shares)
    share += 1 - np.interp(-x, -at[::-1], shares)
    return np.where(unknown, 0.0, np.clip(ndtri(share / 2), -3, 3))


def squash(x: Array, center: float, width: float, out: Array) -> None:
    """Write clipped numbers into the first column of `out`, and NaN as 1 into the second, if any.

    >>> out = np.empty((4, 2), np.float32)
    >>> squash(np.array([5.0, np.inf, np.nan, 2.0]), 2.0, 1.0, out)
    >>> out.tolist()
    [[2.1213202476501465, 0.0], [3.0, 0.0], [0.0, 1.0], [0.0, 0.0]]
    """
    unknown = np.isnan(x)
    put_missing(unknown, out)
    half = width / 2
    if not half:
        out[:, 0] = 0
        return
    with np.errstate(over="ignore"):
        z = (x / 2 - center / 2) / half
    np.clip(z, -1e9, 1e9, out=z)  # its square is finite, and y is ±3 all the same
    z /= np.sqrt(1 + np.square(z / 3))
    z[unknown] = 0
    out[:, 0] = z


def put_missing(unknown: Array, out: Array) -> None:
    """Write 1 where a value is missing into the second column of `out`, if there is one."""
    if out.shape[1] > 1:
        out[:, 1] = unknown
