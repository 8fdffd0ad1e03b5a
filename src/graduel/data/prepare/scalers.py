"""How numbers are scaled: to small ones around zero for networks, moved into float32 for trees.

Each scaler is a frozen value. ``fit`` reads the training rows of a column, ``fill`` writes any rows
of it into columns of a float32 matrix, one for each of ``names``; NaN stands for missing. They are
structures of msgspec, which reads unions of these from a file but not unions of dataclasses.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from graduel.data.prepare.values import HIGHEST

Array = NDArray[Any]

ROWS_PER_KNOT, FEWEST_KNOTS, MOST_KNOTS = 30, 10, 256
"""How finely :class:`Quantile` sees a column: coarser than its rows, so that it smooths them."""
FAR = 1e38
"""Where :class:`Shift` cuts off numbers; the bins of a histogram reach to twice it."""


class Robust(Struct, frozen=True, tag=True):
    """y = z / √(1 + (z / 3)²),   z = (x − center) / width.

    The center is the median, the width the distance of the quartiles, or half the range where
    they are equal; infinite values do not count for them. A column that is constant gives 0, one
    of a constant and infinite values 0 and ±3. A missing value is 0, and 1 in a second column if
    one was missing in the training rows.

    Source: Holzmüller et al., *Better by Default: Strong Pre-Tuned MLPs and Boosted Trees on
    Tabular Data*, 2024.
    """

    center: float
    width: float
    missing: bool

    whole: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.width < 0:
            raise ValueError(f"a width must be positive; got {self.width}")

    @classmethod
    def fit(cls, x: Array) -> Robust:
        """Measure center and width."""
        finite = x[np.isfinite(x)]
        missing, infinite = bool(np.isnan(x).any()), float(np.isinf(x).any())
        if not len(finite):
            return cls(0.0, infinite, missing)
        finite /= 2  # so that no difference overflows
        low, center, high = np.quantile(finite, [0.25, 0.5, 0.75])
        width = high - low or np.ptp(finite) / 2
        if not width:
            width = infinite / 2
        return cls(float(2 * center), 2 * min(float(width), HIGHEST / 2), missing)

    def names(self, name: str) -> tuple[str, ...]:
        """Return the names of the columns of the matrix."""
        return (name, f"{name} is missing")[: 1 + self.missing]

    def fill(self, x: Array, out: Array) -> None:
        """Write the clipped numbers, and whether they are missing.

        >>> out = np.empty((4, 2), np.float32)
        >>> Robust(2.0, 1.0, True).fill(np.array([5.0, np.inf, np.nan, 2.0]), out)
        >>> out.tolist()
        [[2.1213202476501465, 0.0], [3.0, 0.0], [0.0, 1.0], [0.0, 0.0]]
        """
        missing = np.isnan(x)
        fill_missing(missing, out)
        half = self.width / 2
        if not half:
            out[:, 0] = 0
            return
        with np.errstate(over="ignore"):
            z = (x / 2 - self.center / 2) / half
        np.clip(z, -1e9, 1e9, out=z)  # its square is finite, and y is ±3 all the same
        z /= np.sqrt(1 + np.square(z / 3))
        z[missing] = 0
        out[:, 0] = z


class Quantile(Struct, frozen=True, tag=True):
    """y = Φ⁻¹(F(x)), F the share of the training rows below x: as a normal variable, within ±3.

    F is a straight line between the knots, which are quantiles of the training rows at equal
    shares. Among equal rows it is in their middle: a value that half of the rows have stands for
    all the shares from where it begins to where it ends. Infinite values count as the largest
    numbers. Missing values are as in :class:`Robust`; a column that was constant gives 0.

    Only the order of a column counts: amounts that spread over many powers of ten, of which a
    scaled number shows but the largest, become as easy to tell apart as others.

    Source: Gorishniy et al., *Revisiting Deep Learning Models for Tabular Data*, 2021, after
    scikit-learn's ``QuantileTransformer`` (which sends all rows that equal the lowest to the end).
    """

    knots: tuple[float, ...]
    missing: bool

    whole: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if any(a > b for a, b in pairwise(self.knots)):
            raise ValueError("knots must rise")

    @classmethod
    def fit(cls, x: Array) -> Quantile:
        """Find the quantiles: one for every thirty rows, no more than a few hundred."""
        is_missing = np.isnan(x)
        known, missing = np.clip(x[~is_missing], -HIGHEST, HIGHEST), bool(is_missing.any())
        if not len(known):
            return cls((), missing)
        count = min(max(len(known) // ROWS_PER_KNOT, FEWEST_KNOTS), MOST_KNOTS)
        knots = np.quantile(known, np.linspace(0, 1, count), method="inverted_cdf")
        return cls(tuple(knots.tolist()), missing)

    def names(self, name: str) -> tuple[str, ...]:
        """Return the names of the columns of the matrix."""
        return (name, f"{name} is missing")[: 1 + self.missing]

    def fill(self, x: Array, out: Array) -> None:
        """Write normal scores, and whether they are missing."""
        fill_missing(np.isnan(x), out)
        out[:, 0] = self.scores(x)

    def scores(self, x: Array) -> Array:
        """Return Φ⁻¹ of the shares of x between the knots, within ±3; NaN gives 0.

        >>> quantile = Quantile((0.0, 1.0, 2.0), False)
        >>> quantile.scores(np.array([-5.0, 0.0, 1.0, 2.0, np.nan])).round(3).tolist()
        [-3.0, -3.0, 0.0, 3.0, 0.0]
        """
        from scipy.special import ndtri

        if not self.knots or self.knots[0] == self.knots[-1]:
            return np.zeros(len(x))
        missing = np.isnan(x)
        # Halves, so that no difference overflows.
        at, shares = np.array(self.knots) / 2, np.linspace(0, 1, len(self.knots))
        x = np.clip(np.where(missing, at[0], x / 2), at[0], at[-1])
        # From the left and from the right: of equal knots one takes the last, the other the first.
        share = np.interp(x, at, shares)
        share += 1 - np.interp(-x, -at[::-1], shares)
        return np.where(missing, 0.0, np.clip(ndtri(share / 2), -3, 3))


class Both(Struct, frozen=True, tag=True):
    """The normal score of :class:`Quantile`, and beside it the number of :class:`Robust`.

    The score tells values apart wherever there are many; the number keeps what is proportional to
    it a straight line.
    """

    quantile: Quantile
    robust: Robust

    whole: ClassVar[bool] = False

    @classmethod
    def fit(cls, x: Array) -> Both:
        """Find the quantiles, measure center and width."""
        return cls(Quantile.fit(x), Robust.fit(x))

    def names(self, name: str) -> tuple[str, ...]:
        """Return the names of the columns of the matrix."""
        return (f"{name}, its rank", *self.robust.names(name))

    def fill(self, x: Array, out: Array) -> None:
        """Write normal scores, the clipped numbers, and whether they are missing."""
        self.robust.fill(x, out[:, 1:])
        out[:, 0] = self.quantile.scores(x)


class Shift(Struct, frozen=True, tag=True):
    """y = x − shift, within ±10³⁸; missing values stay NaN.

    The shift is 0, or a value from the middle of the column where float32 would otherwise merge
    values that are different, such as seconds since 1970. Trees do not mind a shift. `whole` tells
    whether whole numbers remain.
    """

    shift: float
    whole: bool

    @classmethod
    def fit(cls, x: Array) -> Shift:
        """Choose the shift.

        >>> Shift.fit(np.array([1.5, 2.5])), Shift.fit(np.array([1e9, 1e9 + 1, 1e9 + 2]))
        (Shift(shift=0.0, whole=False), Shift(shift=1000000001.0, whole=True))
        """
        distinct = np.unique(x[np.isfinite(x)])
        if not len(distinct):
            return cls(0.0, False)
        middle = float(distinct[len(distinct) // 2])
        # Among very many numbers a few always coincide: that is no reason to shift.
        count = _count_in_float32(distinct, 0.0)
        better = count < 0.99 * len(distinct) and count < _count_in_float32(distinct, middle)
        shift = middle if better else 0.0
        rest = subtract(distinct, shift)
        return cls(shift, bool((rest == np.floor(rest)).all() and np.abs(rest).max() < 2**31))

    def names(self, name: str) -> tuple[str, ...]:
        """Return the name of the column of the matrix."""
        return (name,)

    def fill(self, x: Array, out: Array) -> None:
        """Write the numbers."""
        out[:, 0] = subtract(x, self.shift)


def subtract(x: Array, shift: float) -> Array:
    """Return x − shift within ±10³⁸, so that float32 holds it."""
    with np.errstate(over="ignore"):
        return np.clip(x - shift, -FAR, FAR)


def fill_missing(missing: Array, out: Array) -> None:
    """Write 1 where a value is missing into the second column of `out`, if there is one."""
    if out.shape[1] > 1:
        out[:, 1] = missing


def _count_in_float32(distinct: Array, shift: float) -> int:
    """Return the number of values that are still different in float32."""
    return len(np.unique(subtract(distinct, shift).astype(np.float32)))
