"""Formats of dates in text, inferred from a whole column.

A format is one of ``strptime``, such as ``%d/%m/%Y %H:%M``, or ``epoch s`` for seconds since 1970.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, get_args

from graduel.data.read.delimited.cells import PROBE
from graduel.errors import UserError

if TYPE_CHECKING:
    import polars as pl

Order = Literal["dmy", "mdy"]
MONTH = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
DAYS = (
    (r"\d{4}([-/.])\d{1,2}\1\d{1,2}", ("%Y{}%m{}%d",)),
    (r"\d{1,2}(\.)\d{1,2}\1\d{4}", ("%d{}%m{}%Y",)),
    (r"\d{1,2}([-/])\d{1,2}\1\d{4}", ("%d{}%m{}%Y", "%m{}%d{}%Y")),
    (r"\d{1,2}(\.)\d{1,2}\1\d{2}", ("%d{}%m{}%y",)),
    (r"\d{1,2}([-/])\d{1,2}\1\d{2}", ("%d{}%m{}%y", "%m{}%d{}%y")),
    (rf"\d{{1,2}}([-/. ]){MONTH}\1\d{{4}}", ("%d{}%b{}%Y", "%d{}%B{}%Y")),
    (rf"\d{{1,2}}([-/. ]){MONTH}\1\d{{2}}", ("%d{}%b{}%y", "%d{}%B{}%y")),
    (rf"[a-z]{{3}},( )\d{{1,2}} {MONTH} \d{{4}}", ("%a, %d %b %Y",)),
    (rf"{MONTH}( )\d{{1,2}}, \d{{4}}", ("%b %d, %Y", "%B %d, %Y")),
    (rf"{MONTH}([-/. ])\d{{1,2}}\1\d{{4}}", ("%b{}%d{}%Y", "%B{}%d{}%Y")),
    (rf"\d{{4}}([-/. ]){MONTH}\1\d{{1,2}}", ("%Y{}%b{}%d", "%Y{}%B{}%d")),
    (rf"{MONTH}([-/. ])\d{{4}}", ("%b{}%Y", "%B{}%Y")),
    (r"\d{4}(-)W\d{2}-\d", ("%G-W%V-%u",)),
    (r"\d{4}(-)W\d{2}", ("%G-W%V",)),
    (r"(?:19|20)\d\d(-)(?:0[1-9]|1[0-2])", ("%Y-%m",)),
    (r"(?:19|20)\d\d([- ]?)Q[1-4]", ("%Y{}Q%q",)),
)
"""Dates and their formats; ``{}`` stands for the separator."""
CELL = re.compile(
    r"(?P<day>.+?)(?:(?P<gap>T|,? )(?P<clock>\d{1,2}:\d\d(?P<seconds>:\d\d(?:[.]\d+)?)?)"
    r"(?P<half> ?[ap]m)?(?P<zone> ?(?:Z|UTC|GMT|[-+]\d\d:?\d\d))?)?",
    re.I,
)
"""A date, with or without a time of day and a time zone."""
EPOCHS = {"epoch s": 1, "epoch ms": 10**3, "epoch us": 10**6, "epoch ns": 10**9}
"""Formats of numbers since 1970, and their units per second."""
DIGITS = "%Y%m%d"
"""Format of dates in numbers such as 20240131."""
FIRST_DATE, LAST_DATE = 1900_01_01, 2100_12_31
FIRST, LAST = 631_152_000, 2_524_608_000
"""Seconds since 1970 of the years 1990 and 2050, between which whole numbers may be times."""


def to_dates(text: pl.Series, order: Order | None = None) -> tuple[pl.Series, str] | None:
    """Parse a column of text as dates; return them and the format, or None if a cell is not a date.

    Also None if the order of day and month is ambiguous; see :func:`is_ambiguous`.

    Parameters
    ----------
    order : whether the day or the month comes first, if the cells do not show it

    Examples
    --------
    >>> import polars as pl
    >>> to_dates(pl.Series(["02/01/2024", "31/01/2024"]))[1]
    '%d/%m/%Y'
    >>> to_dates(pl.Series(["2/1/2024 1:05 PM", "3/1/2024 11:30 AM"]), "mdy")[1]
    '%m/%d/%Y %I:%M %p'
    """
    fits = _fit_formats(text)
    if _differ_by_order(fits):
        fits = [fit for fit in fits if order_of(fit[1]) == order]
    return fits[0] if fits else None


def is_ambiguous(text: pl.Series) -> bool:
    """Return whether all cells are dates, and either the day or the month may come first.

    >>> import polars as pl
    >>> is_ambiguous(pl.Series(["02/01/2024"])), is_ambiguous(pl.Series(["31/01/2024"]))
    (True, False)
    """
    return _differ_by_order(_fit_formats(text))


def _differ_by_order(fits: list[tuple[pl.Series, str]]) -> bool:
    return len(fits) > 1 and not fits[0][0].equals(fits[1][0])


def _fit_formats(text: pl.Series) -> list[tuple[pl.Series, str]]:
    """Return the dates by the formats that all cells have: one, or both orders of day and month."""
    text = text.str.strip_chars()
    probe = text.drop_nulls().head(PROBE)
    fits: dict[Order | None, tuple[pl.Series, str]] = {}
    for date_format in list_formats(max(probe, key=len)) if len(probe) else ():
        order = order_of(date_format)
        if order in fits or None in fits or read_dates(probe, date_format) is None:
            continue
        if (dates := read_dates(text, date_format)) is not None:
            fits[order] = dates, date_format
    return list(fits.values())


def order_of(date_format: str) -> Order | None:
    """Return whether the day or the month comes first, in a format where either could.

    >>> order_of("%d/%m/%Y"), order_of("%m-%d-%y %H:%M"), order_of("%d.%m.%Y"), order_of("%Y-%m-%d")
    ('dmy', 'mdy', None, None)
    """
    match = re.match(r"%([dm])[-/]%([dm])[-/]", date_format)
    return None if match is None else ("dmy" if match[1] == "d" else "mdy")


def list_formats(cell: str) -> Iterator[str]:
    """Yield the formats that a cell may have.

    >>> list(list_formats("31/01/2024 13:05"))
    ['%d/%m/%Y %H:%M', '%m/%d/%Y %H:%M']
    """
    parts = CELL.fullmatch(cell)
    if parts is None:
        return
    for pattern, days in DAYS:
        if match := re.fullmatch(pattern, parts["day"], re.I):
            for day in days:
                for time in _list_times(parts):
                    yield day.replace("{}", match[1]) + time
            return


def _list_times(parts: re.Match[str]) -> Iterator[str]:
    if parts["clock"] is None:
        yield ""
        return
    hour, half = ("%I", parts["half"][:-2] + "%p") if parts["half"] else ("%H", "")
    zone = parts["zone"] or ""
    if zone.strip()[:1] in ("+", "-"):
        zone = " " * zone.startswith(" ") + "%z"
    for seconds in ("",) if parts["seconds"] is None else (":%S", ":%S%.f"):
        yield f"{parts['gap']}{hour}:%M{seconds}{half}{zone}"


def read_dates(text: pl.Series, date_format: str) -> pl.Series | None:
    """Parse text as UTC Datetime in microseconds; return None if a cell has another format."""
    dates = parse_dates(text, date_format)
    return None if dates.null_count() > text.null_count() else dates


def parse_dates(text: pl.Series, date_format: str) -> pl.Series:
    """Parse text as UTC Datetime in microseconds; cells of another format become null.

    A date without the time of day of the format is its midnight.

    >>> import polars as pl
    >>> parse_dates(pl.Series(["2024-01-31", "x"]), "%Y-%m-%d %H:%M").to_list()
    [datetime.datetime(2024, 1, 31, 0, 0), None]
    """
    import polars as pl

    to = pl.Datetime("us")
    if date_format in EPOCHS:
        integers = text.cast(pl.Int64, strict=False)
        is_whole = integers.null_count() == text.null_count()
        numbers = integers if is_whole else text.cast(pl.Float64, strict=False)
        dates = epoch_to_dates(numbers, date_format)
    elif "%M" not in date_format:
        text, date_format = _complete(text, date_format)
        dates = text.str.strptime(pl.Date, date_format, strict=False).cast(to)
    elif date_format.endswith("%z"):
        dates = text.str.strptime(pl.Datetime("us", "UTC"), date_format, strict=False)
        dates = dates.dt.replace_time_zone(None)
    else:
        dates = text.str.strptime(to, date_format, strict=False)
    if "%M" in date_format and dates.null_count() > text.null_count():
        day = re.split(r",? ?T?%[HI]", date_format)[0]
        dates = dates.fill_null(text.str.strptime(pl.Date, day, strict=False).cast(to))
    if "%Y" not in date_format:
        return dates
    # A year of two digits is not one of four.
    return dates.set((dates.dt.year() < 100).fill_null(False), None)


def _complete(text: pl.Series, date_format: str) -> tuple[pl.Series, str]:
    """Complete weeks, months and quarters by their first day; return other dates unchanged."""
    if date_format.endswith("%V"):
        return text + "-1", f"{date_format}-%u"
    if date_format.endswith("%q"):
        for quarter in range(1, 5):
            text = text.str.replace(f"Q{quarter}$", f"{3 * quarter - 2:02} 1")
        date_format = date_format.replace("Q%q", "%m %d")
    elif not any(day in date_format for day in ("%d", "%u")):
        return text + " 1", f"{date_format} %d"
    return text, date_format


def numbers_to_dates(numbers: pl.Series, date_format: str) -> pl.Series:
    """Return numbers since 1970, or of the form 20240131, as Datetime in microseconds.

    >>> import polars as pl
    >>> numbers_to_dates(pl.Series([20240131, 7]), DIGITS).to_list()
    [datetime.datetime(2024, 1, 31, 0, 0), None]
    """
    import polars as pl

    if date_format in EPOCHS:
        return epoch_to_dates(numbers, date_format)
    digits = numbers.cast(pl.Int64, strict=False).cast(pl.String)
    return parse_dates(digits, date_format)


def epoch_to_dates(numbers: pl.Series, date_format: str) -> pl.Series:
    """Return numbers since 1970 as Datetime in microseconds; numbers that are not finite as null.

    >>> import polars as pl
    >>> epoch_to_dates(pl.Series([1_706_659_200.5]), "epoch s").to_list()
    [datetime.datetime(2024, 1, 31, 0, 0, 0, 500000)]
    """
    import polars as pl

    if numbers.dtype.is_float():
        numbers = numbers.set(~numbers.is_finite(), None)
    units = EPOCHS[date_format]
    if numbers.dtype.is_integer():
        whole = numbers.cast(pl.Int64)
        return (whole * (10**6 // units) if units <= 10**6 else whole // (units // 10**6)).cast(
            pl.Datetime("us")
        )
    return (numbers * (10**6 / units)).round().cast(pl.Int64).cast(pl.Datetime("us"))


def infer_number_format(numbers: pl.Series) -> str | None:
    """Return the format of a column of numbers that may be dates; None for other numbers.

    They are numbers since 1970, all between 1990 and 2050, or dates such as 20240131.

    >>> import polars as pl
    >>> columns = [1_706_659_200, 1_706_745_600], [20240131, 19991231], [1, 2]
    >>> [infer_number_format(pl.Series(column)) for column in columns]
    ['epoch s', '%Y%m%d', None]
    """
    values = numbers.drop_nulls()
    if not len(values) or not values.dtype.is_numeric():
        return None
    low, high = float(values.min()), float(values.max())  # type: ignore[arg-type]
    for date_format, units in EPOCHS.items():
        if FIRST * units <= low and high <= LAST * units:
            return date_format
    may_be_dates = low >= FIRST_DATE and high <= LAST_DATE and (values == values.round()).all()
    if may_be_dates and not numbers_to_dates(values, DIGITS).null_count():
        return DIGITS
    return None


def parse_order(text: str | None) -> Order | None:
    """Return the order of day and month that a user gives.

    Raises
    ------
    UserError
        If it is neither ``dmy`` nor ``mdy``.

    Examples
    --------
    >>> parse_order("dmy"), parse_order(None)
    ('dmy', None)
    """
    if text is None:
        return None
    order = next((one for one in get_args(Order) if one == text.lower()), None)
    if order is None:
        raise UserError(f"--date-order must be dmy or mdy; got {text!r}")
    return order
