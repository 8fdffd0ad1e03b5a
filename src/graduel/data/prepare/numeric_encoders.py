"""How a network takes a column of numbers: scaled, as normal scores, or both.

Each encoder is a frozen value. ``fit`` reads the fitted rows of a column, ``fill`` writes any rows
of it into columns of a float32 matrix, one for each of ``names``.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graduel.data.prepare import values
from graduel.data.prepare.encoder import HIGHEST
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
        return cls(column.name, *measure(values.to_numbers(column)))

    @property
    def names(self) -> tuple[str, ...]:
        """What each column of the matrix is."""
        return (self.name, f"{self.name} is missing")[: 1 + self.missing]

    def fill(self, column: pl.Series, out: Array) -> None:
        """Write the clipped numbers, and which are missing."""
        squash(values.to_numbers(column), self.center, self.width, out)


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
        x = values.to_numbers(column)
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
        x = values.to_numbers(column)
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
        return cls(column.name, Quantile.fit(column).knots, *measure(values.to_numbers(column)))

    @property
    def names(self) -> tuple[str, ...]:
        """What each column of the matrix is."""
        names = f"{self.name}, its rank", self.name, f"{self.name} is missing"
        return names[: 2 + self.missing]

    def fill(self, column: pl.Series, out: Array) -> None:
        """Write normal scores, the clipped numbers, and which are missing."""
        x = values.to_numbers(column)
        squash(x, self.center, self.width, out[:, 1:])
        out[:, 0] = scores(x, self.knots)


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
