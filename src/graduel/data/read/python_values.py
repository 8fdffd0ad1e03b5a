"""Columns of Python values, such as those of JSON or of a database, as typed Polars columns."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import isnan
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

LARGEST = int(sys.float_info.max)


@dataclass(slots=True)
class ValueTypes:
    """The type of a column, from its values in any number of blocks.

    Only booleans are Boolean, only whole numbers are Int64 (or UInt64 or Int128, if larger), whole
    and other numbers are Float64, only bytes are Binary; everything else is text. None and NaN are
    missing.

    Examples
    --------
    >>> types = ValueTypes()
    >>> types.update([1, None, 2])
    >>> types.update([0.5])
    >>> types.to_series([1, 0.5, None], "x").to_list()
    [1.0, 0.5, None]
    """

    kinds: set[type] = field(default_factory=set)
    low: int = 0
    high: int = 0

    def update(self, values: Iterable[Any]) -> None:
        """Take note of the values of one block."""
        for value in values:
            self.add(value)

    def add(self, value: Any) -> None:
        """Take note of one value."""
        if value is None or (isinstance(value, float) and isnan(value)):
            return
        kind = type(value)
        self.kinds.add(kind)
        if kind is int:
            self.low, self.high = min(self.low, value), max(self.high, value)

    def declare_boolean(self) -> None:
        """Take 0 and 1 for false and true, if there are no other values."""
        if self.kinds <= {int} and self.low >= 0 and self.high <= 1:
            self.kinds = {bool}

    @property
    def dtype(self) -> pl.DataType:
        """The type of the column; text for a column without values."""
        import polars as pl

        if self.kinds == {bool}:
            return pl.Boolean()
        if self.kinds == {bytes}:
            return pl.Binary()
        if self.kinds == {int}:
            ranges = (
                (pl.Int64(), -(1 << 63), 63),
                (pl.UInt64(), 0, 64),
                (pl.Int128(), -(1 << 127), 127),
            )
            fits = (t for t, low, bits in ranges if low <= self.low and self.high < 1 << bits)
            return next(fits, pl.String())
        if float in self.kinds <= {int, float} and self.low >= -LARGEST and self.high <= LARGEST:
            return pl.Float64()
        return pl.String()

    def to_series(self, values: Iterable[Any], name: str) -> pl.Series:
        """Return a block of values as a column of :attr:`dtype`."""
        import polars as pl

        plain = [None if isinstance(v, float) and isnan(v) else v for v in values]
        dtype = self.dtype
        if dtype == pl.Boolean:
            plain = [None if v is None else bool(v) for v in plain]
        elif dtype == pl.Float64:
            plain = [None if v is None else float(v) for v in plain]
        elif dtype == pl.String:
            plain = [None if v is None else valid_text(v) for v in plain]
        return pl.Series(name, plain, dtype=dtype)


def valid_text(value: Any) -> str:
    r"""Return a value as text that UTF-8 can encode: a lone surrogate becomes a question mark.

    >>> valid_text("a\ud800"), valid_text(1.5)
    ('a?', '1.5')
    """
    text = value if isinstance(value, str) else str(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="replace").decode()
    return text
