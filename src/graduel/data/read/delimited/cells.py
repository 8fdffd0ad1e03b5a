"""Parsing of columns of text as numbers or dates, with missing cells as null.

A column is parsed as numbers only if every cell that is not missing is a number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

MISSING = ("", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NULL", "null", "?")
"""Cells of a text file that always mean a missing value."""
MISSING_NUMBER = (*MISSING, "na", "None", "none", "-", "--", ".", "missing")
"""Cells that mean a missing value in a column of numbers; in text they may be categories."""
CODE = r"^[+-]?0[0-9]"
"""Numbers with a leading zero, which are codes (postal codes, article numbers)."""
GROUPED = {".": r"^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$", ",": r"^[+-]?\d{1,3}(\.\d{3})+(,\d+)?$"}
"""Numbers with thousands separators, by decimal sign."""
GAPS = "[\u00a0\u202f\u2009'’]"
"""Other thousands separators: no-break and thin spaces, and apostrophes (Switzerland)."""
GAPPED = rf"^[+-]?\d{{1,3}}({GAPS}\d{{3}})+([.,]\d+)?$"
UNITS = "[$€£¥₹]"
MARKED = rf"^([+-]?)({UNITS})\s?([+-]?[\d.,].*)$|^(.*[\d.,])\s?({UNITS}|%)$"
"""A number with a currency sign before or after it, or a percent sign after it."""
BEYOND = r"^[+-]?\d{20,}$"
"""Integers that do not fit into 64 bits."""
DATES = ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y")
SLASHED = ("%d/%m/%Y", "%m/%d/%Y")
"""Each is used only if a day above 12 rules out the other."""
LIKE_A_DATE = r"^(\d{4}[-/]\d{1,2}[-/]\d|\w{1,9}[-/. ]\w{1,9}[-/., ]+\d{4})"
TIMES = ("%H:%M", "%H:%M:%S", "%H:%M:%S%.f")
ZONES = ("", "Z", "%z")
PROBE = 50
"""Number of cells that are parsed before the whole column."""


def blank_to_null(text: pl.Series) -> pl.Series:
    """Strip the cells of a column of text, and replace missing ones with null."""
    text = text.str.strip_chars()
    return text.set(text.is_in(MISSING_NUMBER), None)


def is_all_missing(text: pl.Series) -> bool:
    """Return whether every cell of a column of text means a missing value."""
    probe = text.head(PROBE)
    return blank_to_null(probe).null_count() == len(probe) and blank_to_null(
        text
    ).null_count() == len(text)


def to_numbers(text: pl.Series, decimal: str = ".", codes: bool = False) -> pl.Series | None:
    """Parse a column of text as Int64 or Float64; return None if a cell is not a number.

    Thousands separators (``1,234.5``) are allowed if the whole column can be parsed. Codes with
    leading zeros are numbers only with ``codes=True``.

    >>> import polars as pl
    >>> to_numbers(pl.Series(["1,234.5", "-", "7"])).to_list()
    [1234.5, None, 7.0]
    >>> to_numbers(pl.Series(["00501", "90210"])) is None
    True
    """
    import polars as pl

    probe = text.drop_nulls().head(PROBE)
    many = len(text) > 10 * PROBE
    if many and to_numbers(probe, decimal, codes) is None and not is_all_missing(probe):
        return None
    numbers = text.cast(pl.Float64, strict=False)
    n_missing = text.null_count()
    dots = decimal == "," and text.str.contains(".", literal=True).any()
    if dots or numbers.null_count() > n_missing:
        # A cell that is not a plain number may be missing or in another notation.
        text = blank_to_null(text)
        n_missing = text.null_count()
        if not text.drop_nulls().head(PROBE).str.contains(r"\d|inf").all():
            return None
        text = _normalize(_strip_unit(text), decimal)
        numbers = text.cast(pl.Float64, strict=False)
        if numbers.null_count() > n_missing:
            return None
    if n_missing == len(text) or (not codes and _are_codes(text, numbers)):
        return None
    if text.drop_nulls().head(PROBE).cast(pl.Int64, strict=False).null_count() == 0:
        whole = text.cast(pl.Int64, strict=False)
        numbers = whole if whole.null_count() == n_missing else numbers
    return numbers.fill_nan(None) if numbers.dtype.is_float() else numbers


def _are_codes(text: pl.Series, numbers: pl.Series) -> bool:
    """Return whether cells are codes: leading zeros, or more digits than a float resolves."""
    if text.str.contains(CODE).any():
        return True
    return bool(text.str.contains(BEYOND).any()) and text.n_unique() > numbers.n_unique()


def _strip_unit(text: pl.Series) -> pl.Series:
    """Remove a currency or percent sign if all cells have the same one.

    >>> import polars as pl
    >>> columns = pl.Series(["$5", "-$7"]), pl.Series(["5 %", "7"])
    >>> tuple(_strip_unit(column).to_list() for column in columns)
    (['5', '-7'], ['5 %', '7'])
    """
    cells = text.drop_nulls()
    if not len(cells) or not cells.head(PROBE).str.contains(MARKED).all():
        return text
    marks = cells.str.replace(MARKED, "${2}${5}").unique()
    return text.str.replace(MARKED, "${1}${3}${4}") if len(marks) == 1 else text


def _normalize(text: pl.Series, decimal: str) -> pl.Series:
    """Rewrite numbers in the notation that Polars parses; other cells become null."""
    text = text.str.replace("−", "-", literal=True)
    if (gapped := text.str.contains(GAPPED)).any():
        text = text.str.replace_all(GAPS, "").zip_with(gapped, text)
    group = "," if decimal == "." else "."
    # Thousands separators are valid between groups of three digits only: "1,5" is not 15.
    wrong = text.str.contains(group, literal=True) & ~text.str.contains(GROUPED[decimal])
    plain = text.str.replace_all(group, "", literal=True).set(wrong, None)
    return plain.str.replace(",", ".", literal=True) if decimal == "," else plain


def to_dates(text: pl.Series) -> tuple[pl.Series, str] | None:
    """Parse a column of text as dates; return them and the format, or None if a cell is no date.

    >>> import polars as pl
    >>> to_dates(pl.Series(["02/01/2024", "31/01/2024"]))[1]
    '%d/%m/%Y'
    >>> to_dates(pl.Series(["02/01/2024", "03/01/2024"])) is None
    True
    """
    text = text.str.strip_chars()
    probe = text.drop_nulls().head(PROBE)
    if not len(probe) or not probe.str.contains(LIKE_A_DATE).all():
        return None
    for date_format in _list_formats():
        if read_dates(probe, date_format) is not None:
            dates = read_dates(text, date_format)
            if dates is not None:
                return dates, date_format
    fits = [
        (dates, date_format)
        for date_format in SLASHED
        if (dates := read_dates(text, date_format)) is not None
    ]
    return fits[0] if len(fits) == 1 else None


def _list_formats() -> list[str]:
    times = [
        f"{date}{gap}{time}{zone}"
        for date in DATES[:3]
        for gap in ("T", " ")
        for time in TIMES
        for zone in ZONES
    ]
    return [*DATES, *times]


def read_dates(text: pl.Series, date_format: str) -> pl.Series | None:
    """Parse text as UTC Datetime in microseconds; return None if a cell has another format."""
    import polars as pl

    if "%H" not in date_format:
        dates = text.str.strptime(pl.Date, date_format, strict=False).cast(pl.Datetime("us"))
    elif date_format.endswith("%z"):
        dates = text.str.strptime(pl.Datetime("us", "UTC"), date_format, strict=False)
        dates = dates.dt.replace_time_zone(None)
    else:
        dates = text.str.strptime(pl.Datetime("us"), date_format, strict=False)
    return dates if dates.null_count() == text.null_count() else None
