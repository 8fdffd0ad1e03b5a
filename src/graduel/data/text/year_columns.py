"""Columns of years, whose numbers have no thousands separators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from graduel.data.read.column_names import split_words

if TYPE_CHECKING:
    import polars as pl

YEARS = 1000, 2999
"""The first and the last year of a column of years with any name."""
YEAR_WORDS = frozenset(("year", "yr"))
"""Words in the name of a column of years."""
LAST_YEAR = 9999
"""The last year of a column with such a name; an income per year may be larger."""


def thousands_separator(column: pl.Series) -> Literal["", ","]:
    """Return the thousands separator for a column's numbers: none for years, otherwise a comma.

    A column holds years if its values are whole numbers that all lie in 1000 … 2999, or if its name
    has the word "year" or "yr" and no number has more than four digits.

    >>> import polars as pl
    >>> built, income = pl.Series("built", [1900, 2022]), pl.Series("income", [1900, 52022])
    >>> f"{1900:{thousands_separator(built)}}", f"{1900:{thousands_separator(income)}}"
    ('1900', '1,900')
    """
    values = column.drop_nulls()
    if not values.dtype.is_numeric() or not len(values):
        return ","
    if values.dtype.is_float() and not (values == values.round()).all():
        return ","
    low, high = values.min(), values.max()
    assert isinstance(low, int | float)
    assert isinstance(high, int | float)
    first, last = YEARS
    if low >= first and high <= last:
        return ""
    is_named = not YEAR_WORDS.isdisjoint(split_words(column.name))
    return "" if is_named and low >= 0 and high <= LAST_YEAR else ","
