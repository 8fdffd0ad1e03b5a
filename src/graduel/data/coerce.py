"""Conversion of columns to the types of their kinds, the same for training and prediction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from graduel.data.column import Kind
from graduel.data.read.column_names import quote_name
from graduel.data.read.delimited.cells import (
    MISSING,
    blank_to_null,
    is_all_missing,
    parse_numbers,
)
from graduel.data.text.boolean_words import to_booleans
from graduel.data.text.date_formats import (
    DIGITS,
    EPOCHS,
    Order,
    infer_number_format,
    is_ambiguous,
    list_formats,
    numbers_to_dates,
    order_of,
    parse_dates,
    read_dates,
    to_dates,
)
from graduel.data.text.durations import to_seconds
from graduel.data.text.number_notation import Notation, find_numbers, list_units
from graduel.data.text.spellings import fold_case
from graduel.errors import UserError

if TYPE_CHECKING:
    import polars as pl

RowNumbers = int | NDArray[np.int64]
"""Row numbers in the source table, from 0: of the first row, or of each row."""
BOOLEAN = r"^(?i:true|false|0|1)$"
"""Booleans that are numbers too."""
MOST_CELLS = 3
"""Maximum number of invalid cells in a message."""


@dataclass(frozen=True, slots=True)
class CellRules:
    """How the cells of a column are read.

    Attributes
    ----------
    date_format : format of a date column; detected by default
    decimal : decimal sign of a numeric column of text, unless its cells show the other
    is_folded : whether categories that differ by case only are one
    remedy : what a user can do about invalid cells
    """

    date_format: str | None = None
    decimal: str = "."
    is_folded: bool = False
    remedy: str = ""


def row_number(rows: RowNumbers, row: int) -> int:
    """Return a row's number in the source table, from 1.

    >>> row_number(100, 7), row_number(np.array([0, 3]), 1)
    (108, 4)
    """
    return 1 + (rows + row if isinstance(rows, int) else int(rows[row]))


def null_missing(series: pl.Series, words: Iterable[str]) -> pl.Series:
    """Replace the cells that mean a missing value with null, in a column of text or categories.

    Parameters
    ----------
    words : the cells; those of every text file (``NA``) may be categories of a categorical type

    Examples
    --------
    >>> import polars as pl
    >>> null_missing(pl.Series(["NA", " unknown", "x"]), ["NA", "unknown"]).to_list()
    [None, None, 'x']
    """
    import polars as pl

    if series.dtype in (pl.Categorical, pl.Enum):
        words = [word for word in words if word not in MISSING]
        is_missing = series.cast(pl.String).is_in(words)
    elif series.dtype == pl.String:
        is_missing = series.str.strip_chars().is_in(list(words))
    else:
        return series
    return series.set(is_missing, None) if is_missing.any() else series


def to_kind(
    series: pl.Series, kind: Kind, rules: CellRules = CellRules(), rows: RowNumbers = 0
) -> pl.Series:
    """Convert one column to the type of its kind; see :class:`graduel.data.table.Table`.

    A cell converts to the same value in every type of column, text included: 1, 1.0, "1" and "true"
    are equal in a boolean column.

    Parameters
    ----------
    rules : how cells are read
    rows : row numbers in the source table, for messages

    Raises
    ------
    UserError
        If a cell does not have the kind; the message names the column and the first rows.
    """
    import polars as pl

    if series.dtype in (pl.Categorical, pl.Enum):
        series = series.cast(pl.String)
    if kind == "numeric":
        return _to_numeric(series, rules, rows)
    if kind == "boolean":
        return _to_boolean(series, rules, rows)
    if kind == "date":
        return _to_date(series, rules, rows)
    if kind != "categorical":
        return series.cast(pl.String)
    text = category_text(series)
    return fold_case(text) if rules.is_folded else text


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


def interpret_numbers(
    text: pl.Series, decimal: str = ".", *, codes: bool = False
) -> tuple[pl.Series, Notation] | None:
    """Return the numbers of a column of text and their notation; None if a cell is not a number.

    The decimal sign is `decimal`, or the other one if only that fits all cells.

    >>> import polars as pl
    >>> interpret_numbers(pl.Series(["1,5 kg", "2"]))[0].to_list()
    [1.5, 2.0]
    """
    for sign in (decimal, "," if decimal == "." else "."):
        if (parsed := parse_numbers(text, sign, codes=codes)) is not None:
            return parsed
    return None


def _to_numeric(series: pl.Series, rules: CellRules, rows: RowNumbers) -> pl.Series:
    import polars as pl

    kind = series.dtype
    if kind == pl.Duration:
        return series.dt.total_seconds(fractional=True)
    if kind == pl.Time:
        return series.cast(pl.Int64) / 1e9
    if kind == pl.Null or (kind == pl.String and is_all_missing(series)):
        return pl.Series(series.name, [None] * len(series), dtype=pl.Float64)
    if kind == pl.String:
        series = _text_to_numbers(series, rules, rows)
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


def _text_to_numbers(text: pl.Series, rules: CellRules, rows: RowNumbers) -> pl.Series:
    """Return numbers, durations in seconds, or the booleans true and false."""
    if (parsed := interpret_numbers(text, rules.decimal, codes=True)) is not None:
        return parsed[0]
    cells = blank_to_null(text)
    if (seconds := to_seconds(cells)) is not None:
        return seconds
    if cells.str.contains(BOOLEAN).all():
        return to_booleans(cells)
    invalid = find_other_numbers(cells, rules.decimal)
    if not invalid and len(units := list_units(cells)) > 1:
        raise UserError(
            f"column {quote_name(text.name)}: expected numbers of one unit; got "
            f"{', '.join(map(quote_name, units))}. {rules.remedy or 'Convert them'}"
        )
    raise _invalid_cells(text, "numbers", invalid, rules, rows)


def find_other_numbers(cells: pl.Series, decimal: str = ".") -> list[int]:
    """Return the rows of cells that are not numbers in any notation.

    >>> import polars as pl
    >>> find_other_numbers(pl.Series(["$5", None, "x", "7"]))
    [2]
    """
    return (cells.is_not_null() & ~find_numbers(cells, decimal)[1]).arg_true().to_list()


def _invalid_cells(
    cells: pl.Series, expected: str, invalid: list[int], rules: CellRules, rows: RowNumbers
) -> UserError:
    """Return the error that names the first invalid cells."""
    invalid = invalid or [0]
    numbers = [f"{row_number(rows, row):,}" for row in invalid[:MOST_CELLS]]
    texts = [quote_name(cells[row]) for row in invalid[:MOST_CELLS]]
    if len(invalid) == 1:
        held = f"row {numbers[0]} holds {texts[0]}"
    else:
        more = f" ({len(invalid):,} such cells in all)" if len(invalid) > MOST_CELLS else ""
        held = f"rows {', '.join(numbers)} hold {', '.join(texts)}{more}"
    plural = "s" * (len(invalid) > 1)
    return UserError(
        f"column {quote_name(cells.name)}: expected {expected}; {held}. Correct the "
        f"cell{plural}{', ' * bool(rules.remedy)}{rules.remedy}"
    )


def _to_boolean(series: pl.Series, rules: CellRules, rows: RowNumbers) -> pl.Series:
    import polars as pl

    if series.dtype == pl.Boolean:
        return series
    if series.dtype.is_float():
        series = series.fill_nan(None)
    if series.dtype == pl.String:
        series = blank_to_null(series)
    booleans = to_booleans(series.cast(pl.String))
    invalid = (series.is_not_null() & booleans.is_null()).arg_true().to_list()
    if invalid:
        raise _invalid_cells(series, "true or false", invalid, rules, rows)
    return booleans


def _to_date(series: pl.Series, rules: CellRules, rows: RowNumbers) -> pl.Series:
    import polars as pl

    date_format = rules.date_format
    if series.dtype.is_temporal() and series.dtype not in (pl.Duration, pl.Time):
        dates = series.cast(pl.Datetime("us", getattr(series.dtype, "time_zone", None)))
        if getattr(dates.dtype, "time_zone", None):
            dates = dates.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        return dates
    if series.dtype.is_numeric():
        is_known = date_format in (*EPOCHS, DIGITS)
        number_format = date_format if is_known else infer_number_format(series)
        if series.dtype.is_float():
            series = series.set(~series.is_finite(), None)
        if number_format is not None:
            dates = numbers_to_dates(series, number_format)
            if dates.null_count() == series.null_count():
                return dates
        series = category_text(series)
    text = blank_to_null(series.cast(pl.String))
    if text.null_count() == len(text):
        return pl.Series(series.name, [None] * len(text), dtype=pl.Datetime("us"))
    parsed = read_dates(text, date_format) if date_format else None
    order = order_of(date_format) if date_format else None
    if parsed is None and (detected := to_dates(text, order)) is not None:
        parsed = detected[0]
    if parsed is None:
        expected = f"dates such as {date_format}" if date_format else "dates"
        raise _invalid_cells(text, expected, find_other_dates(text, date_format), rules, rows)
    return parsed


def find_other_dates(text: pl.Series, date_format: str | None = None) -> list[int]:
    """Return the rows of cells that do not have the format, or that of the first date.

    >>> import polars as pl
    >>> find_other_dates(pl.Series(["2024-01-31", None, "soon"]))
    [2]
    """
    cells = text.drop_nulls()
    formats = [date_format] if date_format else list(list_formats(cells[0]))
    parsed = [parse_dates(text, one) for one in formats]
    if not parsed:
        return text.is_not_null().arg_true().to_list()
    best = min(parsed, key=lambda dates: dates.null_count())
    return (text.is_not_null() & best.is_null()).arg_true().to_list()


def read_times(
    column: pl.Series, decimal: str, order: Order | None, rows: RowNumbers = 0
) -> pl.Series:
    """Return the times of the column that orders the rows: numbers, seconds or dates.

    Raises
    ------
    UserError
        If the column does not hold times, or its dates do not show the order of day and month.
    """
    import polars as pl

    if column.dtype in (pl.Categorical, pl.Enum):
        column = column.cast(pl.String)
    if column.dtype == pl.String:
        cells = column.str.strip_chars()
        if (parsed := interpret_numbers(cells, decimal)) is not None:
            return parsed[0]
        if (seconds := to_seconds(cells)) is not None:
            return seconds
        if (dates := to_dates(cells, order)) is not None:
            return dates[0]
        if is_ambiguous(cells):
            raise UserError(
                f"--time: the dates of column {quote_name(column.name)}, such as "
                f"{quote_name(cells[0])}, may have the day or the month first. Give --date-order "
                "dmy or --date-order mdy"
            )
        remedy = CellRules(remedy="or name another column in --time")
        raise _invalid_cells(
            cells, "dates, times or numbers", find_other_dates(cells, None), remedy, rows
        )
    if not (column.dtype.is_numeric() or column.dtype.is_temporal()):
        raise UserError(
            f"--time must name a column of dates or numbers; {quote_name(column.name)} holds "
            f"{column.dtype}. Name another"
        )
    return column
