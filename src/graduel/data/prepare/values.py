"""Conversion of a column to plain values: numbers, labels, flags or times.

A value converts to the same result regardless of its column's type: a whole number of the training
data may be text or a float in a file that is read for prediction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graduel.errors import UserError
from graduel.number_format import format_quantity

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[Any]

HIGHEST = float(np.finfo(np.float64).max)
FLAGS = {
    **dict.fromkeys(("true", "t", "yes", "y", "on", "1", "1.0"), 1.0),
    **dict.fromkeys(("false", "f", "no", "n", "off", "0", "0.0"), 0.0),
}
"""Values of text in a boolean column, regardless of case."""
FORMATS = ("%Y-%m-%d", *(f"%Y-%m-%d{gap}%H:%M{end}" for gap in "T " for end in ("", ":%S%.f")))
"""Formats of dates and times as text: ISO 8601 without a time zone."""
PERIODS = {"month": 12, "day": 31, "weekday": 7, "hour": 24 * 60}
"""The periodic parts of a date and their periods; the hour is in minutes."""


def require_columns(frame: Any, names: Iterable[str]) -> pl.DataFrame:
    """Return `frame` if it is a DataFrame with these columns.

    Raises
    ------
    UserError
        If it is not a Polars DataFrame, or columns are missing; the message names them.
    """
    import polars as pl

    if not isinstance(frame, pl.DataFrame):
        raise UserError(
            f"expected a Polars DataFrame; got {type(frame).__name__}. "
            "Convert a dictionary of columns or a pandas DataFrame with polars.DataFrame(…)"
        )
    present = set(frame.columns)
    missing = [repr(name) for name in names if name not in present]
    if missing:
        raise UserError(
            f"the table lacks {format_quantity(len(missing), 'column')} that the "
            f"preparation needs: {', '.join(missing)}. Add columns, or rename the table's columns"
        )
    return frame


def to_numbers(column: pl.Series) -> Array:
    """Convert to float64, with NaN for missing; booleans to 0 and 1, durations to seconds.

    Examples
    --------
    >>> import polars as pl
    >>> to_numbers(pl.Series("a", [" 1e3", None, "-2"]))
    array([1000.,   nan,   -2.])
    """
    import polars as pl

    kind = column.dtype
    if column.null_count() == len(column):
        return np.full(len(column), np.nan)
    if isinstance(kind, pl.String | pl.Categorical | pl.Enum):
        text = _strip_text(column)
        column = text.cast(pl.Float64, strict=False)
        _require_parsed(text, column, "numbers")
    elif isinstance(kind, pl.Duration):
        column = column.dt.total_microseconds() / 1e6
    elif not (kind.is_numeric() or isinstance(kind, pl.Boolean)):
        raise _type_error(column, "numbers")
    return column.cast(pl.Float64).to_numpy()


def to_labels(column: pl.Series, expected: str = "categories") -> pl.Series:
    """Convert to text, with null for missing; whole numbers of any type give the same text.

    Examples
    --------
    >>> import polars as pl
    >>> to_labels(pl.Series("a", [3.0, None, 0.5])).to_list()
    ['3', None, '0.5']
    """
    import polars as pl

    kind = column.dtype
    if column.null_count() == len(column):
        return pl.Series(column.name, [None] * len(column), pl.String)
    if isinstance(kind, pl.Decimal):
        column, kind = column.cast(pl.Float64), pl.Float64()
    if kind.is_float():
        column = column.fill_nan(None)
        text = column.cast(pl.String)
        whole = column.is_finite() & (column == column.floor()) & (column.abs() < 2**53)
        return column.cast(pl.Int64, strict=False).cast(pl.String).zip_with(whole, text)
    if kind.is_nested() or isinstance(kind, pl.Binary | pl.Object):
        raise _type_error(column, expected)
    return column.cast(pl.String)


def to_flags(column: pl.Series) -> Array:
    """Convert to 1.0 for true, 0.0 for false, NaN for missing.

    Examples
    --------
    >>> import polars as pl
    >>> to_flags(pl.Series("a", ["Yes", "no", None]))
    array([ 1.,  0., nan])
    """
    import polars as pl

    expected = "true or false"
    if isinstance(column.dtype, pl.Boolean):
        return column.cast(pl.Float64).to_numpy()
    text = _strip_text(to_labels(column, expected)).str.to_lowercase()
    flags = text.replace_strict(
        list(FLAGS), list(FLAGS.values()), default=None, return_dtype=pl.Float64
    )
    _require_parsed(text, flags, expected)
    return flags.to_numpy()


def to_datetimes(column: pl.Series) -> Array:
    """Convert to datetime64[us], with NaT for missing; times with a time zone to UTC.

    Examples
    --------
    >>> import polars as pl
    >>> to_datetimes(pl.Series("a", ["2024-02-29", None, "2024-02-29 12:30"]))
    array(['2024-02-29T00:00:00.000000',                        'NaT',
           '2024-02-29T12:30:00.000000'], dtype='datetime64[us]')
    """
    import polars as pl

    kind, to = column.dtype, pl.Datetime("us")
    if column.null_count() == len(column):
        return np.full(len(column), np.datetime64("NaT", "us"))
    if isinstance(kind, pl.String | pl.Categorical | pl.Enum):
        text = _strip_text(column)
        column = pl.Series(column.name, [None] * len(text), to)
        for form in FORMATS:
            read = text.str.to_datetime(form, time_unit="us", strict=False, exact=True)
            column = column.zip_with(column.is_not_null(), read)
        _require_parsed(text, column, "dates such as 2024-02-29 or 2024-02-29 12:30")
    elif isinstance(kind, pl.Time):
        column = column.cast(pl.Int64).cast(pl.Datetime("ns"))
    elif isinstance(kind, pl.Datetime):
        column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    elif not isinstance(kind, pl.Date):
        raise _type_error(column, "dates")
    return column.cast(to, strict=False).to_numpy()


def to_days(times: Array) -> Array:
    """Convert times to days since 1970 as float64, with NaN for missing."""
    days = times.astype(np.int64) / (24 * 60 * 60 * 1e6)
    days[np.isnat(times)] = np.nan
    return days


def date_parts(times: Array) -> dict[str, Array]:
    """Return the parts of :data:`PERIODS` as codes from 0; `times` has no NaT.

    Examples
    --------
    >>> parts = date_parts(np.array(["2024-02-29T12:30"], "M8[us]"))  # a Thursday
    >>> {part: int(codes[0]) for part, codes in parts.items()}
    {'month': 1, 'day': 28, 'weekday': 3, 'hour': 750}
    """
    month, day = times.astype("M8[M]"), times.astype("M8[D]")
    codes = (
        month.astype(np.int64) % 12,
        (day - month.astype("M8[D]")).astype(np.int64),
        (day.astype(np.int64) + 3) % 7,
        (times - day).astype("m8[m]").astype(np.int64),
    )
    return dict(zip(PERIODS, codes, strict=True))


def varying_parts(times: Array) -> tuple[str, ...]:
    """Return the parts of :data:`PERIODS` that vary among the times, ignoring NaT."""
    parts = date_parts(times[~np.isnat(times)])
    return tuple(part for part, codes in parts.items() if len(codes) and np.ptp(codes) > 0)


def frequent_labels(text: pl.Series, most: int) -> tuple[tuple[str, ...], bool]:
    """Return the `most` most frequent labels, sorted, and whether there are others.

    Ties are broken alphabetically, so that the result does not depend on the order of the rows.
    """
    import polars as pl

    counts = text.drop_nulls().rename("label").value_counts(name="count")
    counts = counts.sort([pl.col("count"), pl.col("label")], descending=[True, False])
    return tuple(sorted(counts["label"].head(most))), len(counts) > most


def frequent_of_counts(counts: Mapping[str, int], most: int) -> tuple[tuple[str, ...], bool]:
    """Return the same as :func:`frequent_labels` from the number of rows of each label.

    >>> frequent_of_counts({"b": 2, "c": 1, "a": 1}, 2)
    (('a', 'b'), True)
    """
    ranked = sorted(counts, key=lambda label: (-counts[label], label))
    return tuple(sorted(ranked[:most])), len(counts) > most


def encode(text: pl.Series, categories: Sequence[str]) -> Array:
    """Return each label's index in `categories`: len(categories) if unseen, −1 if missing."""
    import polars as pl

    index = text.cast(pl.Enum(categories), strict=False).to_physical().cast(pl.Float64)
    codes = np.nan_to_num(index.to_numpy(), nan=len(categories)).astype(np.int64)
    codes[text.is_null().to_numpy()] = -1
    return codes


def _strip_text(column: pl.Series) -> pl.Series:
    """Return stripped text, with null for empty cells."""
    import polars as pl

    text = column.cast(pl.String).str.strip_chars()
    return text.set(text == "", None)


def _require_parsed(text: pl.Series, parsed: pl.Series, expected: str) -> None:
    """Raise if a cell of text could not be parsed."""
    invalid = text.filter(text.is_not_null() & parsed.is_null())
    if len(invalid):
        more = f" and {len(invalid) - 1:,} more" if len(invalid) > 1 else ""
        raise UserError(
            f"column {text.name!r} must hold {expected}; got {invalid[0][:40]!r}{more}. "
            "Correct the values, or leave them empty"
        )


def _type_error(column: pl.Series, expected: str) -> UserError:
    return UserError(
        f"column {column.name!r} must hold {expected}; got the type {column.dtype}. "
        "Convert it, or leave it empty"
    )
