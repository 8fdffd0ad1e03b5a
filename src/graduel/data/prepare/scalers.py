"""Scalers of numeric columns: to a range around zero for networks, into float32 for trees.

A scaler is an immutable value. ``fit`` takes the training rows of a column; ``fill`` writes any
rows of it into columns of a float32 matrix, one per name in ``names``; NaN means missing. Scalers
are msgspec Structs, because msgspec reads unions of Structs, but not of dataclasses.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from graduel.data.prepare.column_summary import NumberSummary
from graduel.data.prepare.values import HIGHEST

Array = NDArray[Any]

ROWS_PER_KNOT, FEWEST_KNOTS, MOST_KNOTS = 30, 10, 256
"""The number of knots of :class:`Quantile`: fewer than rows, so that it smooths the column."""
FAR = 1e38
"""Limit to which :class:`Shift` clips; XGBoost's histogram bins extend to twice the limit."""


class Robust(Struct, frozen=True, tag=True):
    """Robust scaling with smooth clipping: y = z / √(1 + (z / 3)²), z = (x − center) / width.

    The center is the median; the width is the interquartile range, or half the range if the
    quartiles are equal. Both ignore infinite values. A constant column gives 0; a column of a
    constant and infinite values gives 0 and ±3. A missing value gives 0, and 1 in a second column,
    which exists if a value was missing in the training rows.

    Source: Holzmüller et al., *Better by Default: Strong Pre-Tuned MLPs and Boosted Trees on
    Tabular Data*, 2024.
    """

    center: float
    width: float
    missing: bool

    whole: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.width < 0:
            raise ValueError(f"width must be at least 0; got {self.width}")

    @classmethod
    def fit(cls, x: Array) -> Robust:
        """Compute center and width of the training rows."""
        finite = x[np.isfinite(x)]
        missing, infinite = bool(np.isnan(x).any()), float(np.isinf(x).any())
        if not len(finite):
            return cls(0.0, infinite, missing)
        finite /= 2  # so that no difference overflows
        low, center, high = np.quantile(finite, [0.25, 0.5, 0.75])
        width = high - low or np.ptp(finite) / 2
        if not width:
            width = infinite / 2
        return cls._from_halves(center, width, missing)

    @classmethod
    def from_summary(cls, summary: NumberSummary) -> Robust:
        """Compute center and width from a summary of the training rows."""
        values, missing = summary.distribution, summary.n_missing > 0
        if not values.n:
            return cls(0.0, 0.0, missing)
        low, center, high = values.quantiles(np.array([0.25, 0.5, 0.75]))
        width = high - low or (values.high / 2 - values.low / 2) / 2
        return cls._from_halves(center, width, missing)

    @classmethod
    def _from_halves(cls, center: Any, width: Any, missing: bool) -> Robust:
        return cls(float(2 * center), 2 * min(float(width), HIGHEST / 2), missing)

    def names(self, name: str) -> tuple[str, ...]:
        """Return the names of the matrix columns."""
        return (name, f"{name} is missing")[: 1 + self.missing]

    def fill(self, x: Array, out: Array) -> None:
        """Write the scaled numbers, and the indicator of missing values.

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
        np.clip(z, -1e9, 1e9, out=z)  # keeps its square finite; y is ±3 anyway
        z /= np.sqrt(1 + np.square(z / 3))
        z[missing] = 0
        out[:, 0] = z


class Quantile(Struct, frozen=True, tag=True):
    """Quantile transform to normal scores: y = Φ⁻¹(F(x)), clipped to ±3.

    F, the share of the training rows below x, is linear between the knots, which are quantiles of
    the training rows at equally spaced shares. For equal rows F is the middle of their shares.
    Infinite values count as the largest numbers. Missing values are encoded as in :class:`Robust`;
    a constant column gives 0.

    Only the order of the values matters: values over many powers of ten, of which robust scaling
    resolves only the largest, become evenly spread.

    Source: Gorishniy et al., *Revisiting Deep Learning Models for Tabular Data*, 2021, after
    scikit-learn's ``QuantileTransformer``, which maps ties with the minimum or maximum to the ends.
    """

    knots: tuple[float, ...]
    missing: bool

    whole: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if any(a > b for a, b in pairwise(self.knots)):
            raise ValueError(f"knots must be in ascending order; got {list(self.knots[:20])}")

    @classmethod
    def fit(cls, x: Array) -> Quantile:
        """Compute the knots from the training rows: one per 30 rows, from 10 to 256."""
        is_missing = np.isnan(x)
        known, missing = np.clip(x[~is_missing], -HIGHEST, HIGHEST), bool(is_missing.any())
        if not len(known):
            return cls((), missing)
        knots = np.quantile(known, np.linspace(0, 1, _n_knots(len(known))), method="inverted_cdf")
        return cls(tuple(knots.tolist()), missing)

    @classmethod
    def from_summary(cls, summary: NumberSummary) -> Quantile:
        """Compute the knots from a summary of the training rows."""
        values, missing = summary.distribution, summary.n_missing > 0
        if not values.n:
            return cls((), missing)
        return cls(tuple(values.knots(_n_knots(values.n)).tolist()), missing)

    def names(self, name: str) -> tuple[str, ...]:
        """Return the names of the matrix columns."""
        return (name, f"{name} is missing")[: 1 + self.missing]

    def fill(self, x: Array, out: Array) -> None:
        """Write the normal scores, and the indicator of missing values."""
        fill_missing(np.isnan(x), out)
        out[:, 0] = self.scores(x)

    def scores(self, x: Array) -> Array:
        """Return the normal scores of x, within ±3; NaN gives 0.

        >>> quantile = Quantile((0.0, 1.0, 2.0), False)
        >>> quantile.scores(np.array([-5.0, 0.0, 1.0, 2.0, np.nan])).round(3).tolist()
        [-3.0, -3.0, 0.0, 3.0, 0.0]
        """
        from scipy.special import ndtri

        if not self.knots or self.knots[0] == self.knots[-1]:
            return np.zeros(len(x))
        missing = np.isnan(x)
        # Halved, so that no difference overflows.
        at, shares = np.array(self.knots) / 2, np.linspace(0, 1, len(self.knots))
        x = np.clip(np.where(missing, at[0], x / 2), at[0], at[-1])
        # np.interp takes the last of equal knots; from the right it takes the first. Add both.
        share = np.interp(x, at, shares)
        share += 1 - np.interp(-x, -at[::-1], shares)
        return np.where(missing, 0.0, np.clip(ndtri(share / 2), -3, 3))


class Both(Struct, frozen=True, tag=True):
    """Both the normal score of :class:`Quantile` and the scaled number of :class:`Robust`.

    The score separates values where they are dense; the scaled number preserves linear relations.
    """

    quantile: Quantile
    robust: Robust

    whole: ClassVar[bool] = False

    @classmethod
    def fit(cls, x: Array) -> Both:
        """Fit both scalers to the training rows."""
        return cls(Quantile.fit(x), Robust.fit(x))

    @classmethod
    def from_summary(cls, summary: NumberSummary) -> Both:
        """Compute both scalers from a summary of the training rows."""
        return cls(Quantile.from_summary(summary), Robust.from_summary(summary))

    def names(self, name: str) -> tuple[str, ...]:
        """Return the names of the matrix columns."""
        return (f"{name}, normal score", *self.robust.names(name))

    def fill(self, x: Array, out: Array) -> None:
        """Write the normal scores, the scaled numbers, and the indicator of missing values."""
        self.robust.fill(x, out[:, 1:])
        out[:, 0] = self.quantile.scores(x)


class Shift(Struct, frozen=True, tag=True):
    """Shift into the precision of float32: y = x − shift, clipped to ±10³⁸; NaN stays NaN.

    The shift is 0, or the median of the distinct values if float32 would otherwise merge values,
    such as seconds since 1970. A shift does not change a tree's splits. `whole` is whether the
    results are whole numbers.
    """

    shift: float
    whole: bool

    @classmethod
    def fit(cls, x: Array) -> Shift:
        """Choose the shift from the training rows.

        >>> Shift.fit(np.array([1.5, 2.5])), Shift.fit(np.array([1e9, 1e9 + 1, 1e9 + 2]))
        (Shift(shift=0.0, whole=False), Shift(shift=1000000001.0, whole=True))
        """
        distinct = np.unique(x[np.isfinite(x)])
        if not len(distinct):
            return cls(0.0, False)
        middle = float(distinct[len(distinct) // 2])
        # Among very many numbers a few always coincide; that alone is no reason to shift.
        count = _count_in_float32(distinct, 0.0)
        better = count < 0.99 * len(distinct) and count < _count_in_float32(distinct, middle)
        shift = middle if better else 0.0
        rest = subtract(distinct, shift)
        return cls(shift, bool((rest == np.floor(rest)).all() and np.abs(rest).max() < 2**31))

    @classmethod
    def from_summary(cls, summary: NumberSummary) -> Shift:
        """Choose the shift from a summary of the training rows.

        In a large column, whether float32 merges values is estimated from the summary's sample.
        """
        values = summary.distribution
        distinct = values.sample()
        if values.is_exact:
            return cls.fit(distinct)
        if not len(distinct):  # float32 merges all values into a few
            distinct = values.order_statistics(np.array([values.n // 2]))
            shift = float(np.round(distinct[0]) if values.is_whole else distinct[0])
        else:
            shift = cls.fit(distinct).shift
        ends = subtract(np.array([values.low, values.high]), shift)
        is_whole = values.is_whole and bool(shift == np.floor(shift))
        return cls(shift, is_whole and bool(np.abs(ends).max() < 2**31))

    def names(self, name: str) -> tuple[str, ...]:
        """Return the name of the matrix column."""
        return (name,)

    def fill(self, x: Array, out: Array) -> None:
        """Write the shifted numbers."""
        out[:, 0] = subtract(x, self.shift)


def subtract(x: Array, shift: float) -> Array:
    """Return x − shift, clipped to ±10³⁸ so that float32 can represent it."""
    with np.errstate(over="ignore"):
        return np.clip(x - shift, -FAR, FAR)


def fill_missing(missing: Array, out: Array) -> None:
    """Write the indicator of missing values to the second column of `out`, if there is one."""
    if out.shape[1] > 1:
        out[:, 1] = missing


def _n_knots(n: int) -> int:
    """Return the number of knots for n values: one per 30 rows, from 10 to 256."""
    return min(max(n // ROWS_PER_KNOT, FEWEST_KNOTS), MOST_KNOTS)


def _count_in_float32(distinct: Array, shift: float) -> int:
    """Return the number of values that are distinct in float32."""
    return len(np.unique(subtract(distinct, shift).astype(np.float32)))
