"""Conversion of columns to the types of their kinds, the same for training and prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from graduel.data.column import Kind
from graduel.data.read.column_names import quote_name
from graduel.data.read.delimited.cells import (
    blank_to_null,
    is_all_missing,
    read_dates,
    to_dates,
    to_numbers,
)
from graduel.errors import UserError

if TYPE_CHECKING:
    import polars as pl

TRUE = ("true", "t", "yes", "y", "on")
FALSE = ("false", "f", "no", "n", "off")
"""Words of boolean columns, in pairs: true and false, t and f, …"""
RowNumbers = int | NDArray[np.int64]
"""Row numbers in the source table, from 0: of the first row, or of each row."""


def row_number(rows: RowNumbers, row: int) -> int:
    """Return a row's number in the source table, from 1.

    >>> row_number(100, 7), row_number(np.array([0, 3]), 1)
    (108, 4)
    """
    return 1 + (rows + row if isinstance(rows, int) else int(rows[row]))


def to_kind(
    series: pl.Series,
    kind: Kind,
    date_format: str | None = None,
    decimal: str = ".",
    rows: RowNumbers = 0,
) -> pl.Series:
    """Convert one column to the type of its kind; see :class:`graduel.data.table.Table`.

    Parameters
    ----------
    date_format : format of a date column of text; detected by default
    decimal : decimal sign of a numeric column of text
    rows : row numbers in the source table, for messages

    Raises
    ------
    UserError
        If a cell is not a number or not a date; the message names the column and the row.
    """
    import polars as pl

    if kind == "numeric":
        return _to_numeric(series, decimal, rows)
    if kind == "boolean":
        return _to_boolean(series)
    if kind == "date":
        return _to_date(series, date_format, rows)
    return category_text(series) if kind == "categorical" else series.cast(pl.String)


def category_text(series: pl.Series) -> pl.Series:
    """Return categories as text without surrounding blanks; whole numbers have no ``.0``.

    >>> import polars as pl
    >>> category_text(pl.Series([1.0, 2.5, None])).to_list()
    ['1', '2.5', None]
    """
    import polars as pl

    if series.dtype.is_float():
        series = series.fill_nan(None)
    text = series.cast(pl.String).str.strip_chars()
    if not text.str.contains(".0", literal=True).any():
        return text
    return text.str.replace(r"^([+-]?\d+)\.0+$", "${1}")


def normalize_numbers(column: pl.Series) -> pl.Series:
    """Normalize the spelling of numbers among categories, each cell independently.

    >>> import polars as pl
    >>> normalize_numbers(pl.Series(["1.50", "2.0", "3", "x"])).to_list()
    ['1.5', '2', '3', 'x']
    """
    import polars as pl

    if column.dtype in (pl.Categorical, pl.Enum):
        column = column.cast(pl.String)
    if column.dtype != pl.String:
        return column
    text = column.str.strip_chars()
    whole = text.cast(pl.Int64, strict=False).cast(pl.String)
    fraction = category_text(text.cast(pl.Float64, strict=False))
    return whole.fill_null(fraction).fill_null(text).alias(column.name)


def _to_numeric(series: pl.Series, decimal: str, rows: RowNumbers) -> pl.Series:
    import polars as pl

    kind = series.dtype
    if kind == pl.Duration:
        return series.dt.total_seconds(fractional=True)
    if kind == pl.Time:
        return series.cast(pl.Int64) / 1e9
    if kind in (pl.Categorical, pl.Enum):
        series = series.cast(pl.String)
    if series.dtype == pl.Null or (series.dtype == pl.String and is_all_missing(series)):
        return pl.Series(series.name, [None] * len(series), dtype=pl.Float64)
    if series.dtype == pl.String:
        numbers = to_numbers(series, decimal, codes=True)
        if numbers is None:
            row, cell = _first_invalid_number(series, decimal)
            raise UserError(
                f"column {quote_name(series.name)}: expected numbers; row "
                f"{row_number(rows, row):,} holds {quote_name(cell)}. Correct the cell, or give "
                f"--categorical {quote_name(series.name)}"
            )
        series = numbers
    if series.dtype == pl.Boolean:
        return series.cast(pl.UInt8)
    if not series.dtype.is_numeric():
        raise UserError(
            f"column {quote_name(series.name)}: expected numbers; it holds {series.dtype}. "
            "Convert it"
        )
    if series.dtype.is_integer() and series.dtype not in (pl.Int128, pl.UInt64):
        return series
    if series.dtype != pl.Float32:
        series = series.cast(pl.Float64)
    return series.set(~series.is_finite(), None)


def _first_invalid_number(text: pl.Series, decimal: str) -> tuple[int, str]:
    """Return the row and the text of the first cell that is not a number."""
    import polars as pl

    plain = text.cast(pl.Float64, strict=False).is_null() & text.is_not_null()
    suspects = plain.arg_true().to_list() or [0]
    for row in suspects:
        cell = text.slice(row, 1)
        if to_numbers(cell, decimal, codes=True) is None and not is_all_missing(cell):
            return row, cell[0]
    return suspects[0], text[suspects[0]]


def _to_boolean(series: pl.Series) -> pl.Series:
    import polars as pl

    if series.dtype == pl.Boolean:
        return series
    if series.dtype.is_numeric():
        return series.set(~series.is_in([0, 1]), None).cast(pl.Boolean)
    words = series.cast(pl.String).str.strip_chars().str.to_lowercase()
    true = words.is_in(TRUE)
    return true.set(~(true | words.is_in(FALSE)), None)


def _to_date(series: pl.Series, date_format: str | None, rows: RowNumbers) -> pl.Series:
    import polars as pl

    if series.dtype.is_temporal() and series.dtype not in (pl.Duration, pl.Time):
        dates = series.cast(pl.Datetime("us", getattr(series.dtype, "time_zone", None)))
        if getattr(dates.dtype, "time_zone", None):
            dates = dates.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        return dates
    text = blank_to_null(series.cast(pl.String))
    if text.null_count() == len(text):
        return pl.Series(series.name, [None] * len(text), dtype=pl.Datetime("us"))
    parsed = read_dates(text, date_format) if date_format else None
    if parsed is None and (detected := to_dates(text)) is not None:
        parsed = detected[0]
    if parsed is None:
        expected = f"dates such as {date_format}" if date_format else "dates"
        row = _first_invalid_date(text, date_format)
        raise UserError(
            f"column {quote_name(series.name)}: expected {expected}; row "
            f"{row_number(rows, row):,} holds {quote_name(text[row])}. Correct the cell"
        )
    return parsed


def _first_invalid_date(text: pl.Series, date_format: str | None) -> int:
    for row in text.is_not_null().arg_true().to_list():
        cell = text.slice(row, 1)
        if (read_dates(cell, date_format) if date_format else to_dates(cell)) is None:
            return int(row)
    return 0
