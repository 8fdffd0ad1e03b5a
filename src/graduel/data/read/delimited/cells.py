"""Cells of text read as what they stand for: missing, numbers, dates.

All or nothing: a column is read as numbers only if every cell that is not missing is one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

MISSING = ("", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NULL", "null", "?")
"""Cells of a text file that always mean: missing."""
MISSING_NUMBER = (*MISSING, "na", "None", "none", "-", "--", ".", "missing")
"""Cells that mean it among numbers. Elsewhere they may be a category of their own."""
CODE = r"^[+-]?0[0-9]"
"""Numbers with a leading zero are codes (postal, article numbers): the zero would be lost."""
GROUPED = {".": r"^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$", ",": r"^[+-]?\d{1,3}(\.\d{3})+(,\d+)?$"}
"""Thousands in groups of three, by the decimal sign."""
GAPS = "[\u00a0\u202f\u2009'’]"
"""What stands between groups as well: narrow blanks, and in Switzerland apostrophes."""
GAPPED = rf"^[+-]?\d{{1,3}}({GAPS}\d{{3}})+([.,]\d+)?$"
UNITS = "[$€£¥₹]"
MARKED = rf"^([+-]?)({UNITS})\s?([+-]?[\d.,].*)$|^(.*[\d.,])\s?({UNITS}|%)$"
"""A number with a sign of money before or after it, or of per cent after it."""
BEYOND = r"^[+-]?\d{20,}$"
"""Whole numbers that 64 bits do not hold."""
DATES = ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y")
SLASHED = ("%d/%m/%Y", "%m/%d/%Y")
"""Taken only where a day above 12 tells which of the two it is."""
LIKE_A_DATE = r"^(\d{4}[-/]\d{1,2}[-/]\d|\w{1,9}[-/. ]\w{1,9}[-/., ]+\d{4})"
TIMES = ("%H:%M", "%H:%M:%S", "%H:%M:%S%.f")
ZONES = ("", "Z", "%z")
PROBE = 50
"""Cells that are tried before the whole column."""


def blank_to_null(text: pl.Series) -> pl.Series:
    """Return a column of text without blanks around it, what means missing as null."""
    text = text.str.strip_chars()
    return text.set(text.is_in(MISSING_NUMBER), None)


def is_all_missing(text: pl.Series) -> bool:
    """Tell whether every cell of a column of text means: missing."""
    probe = text.head(PROBE)
    return blank_to_null(probe).null_count() == len(probe) and blank_to_null(
        text
    ).null_count() == len(text)


def to_numbers(text: pl.Series, decimal: str = ".", codes: bool = False) -> pl.Series | None:
    """Read a column of text as Int64 or Float64; None if some cell is no number.

    Thousands may be grouped (``1,234.5``) if the whole column fits. Codes with leading zeros are
    numbers only where ``codes`` says so.

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
    found = text.cast(pl.Float64, strict=False)
    missing = text.null_count()
    dots = decimal == "," and text.str.contains(".", literal=True).any()
    if dots or found.null_count() > missing:
        # Only cells that did not read as numbers can mean a missing one, or be written otherwise.
        text = blank_to_null(text)
        missing = text.null_count()
        if not text.drop_nulls().head(PROBE).str.contains(r"\d|inf").all():
            return None
        text = _plain(_unmarked(text), decimal)
        found = text.cast(pl.Float64, strict=False)
        if found.null_count() > missing:
            return None
    if missing == len(text) or (not codes and _are_codes(text, found)):
        return None
    if text.drop_nulls().head(PROBE).cast(pl.Int64, strict=False).null_count() == 0:
        whole = text.cast(pl.Int64, strict=False)
        found = whole if whole.null_count() == missing else found
    return found.fill_nan(None) if found.dtype.is_float() else found


def _are_codes(text: pl.Series, found: pl.Series) -> bool:
    """Tell codes from numbers: a zero in front, or digits that a number would not keep apart."""
    if text.str.contains(CODE).any():
        return True
    return bool(text.str.contains(BEYOND).any()) and text.n_unique() > found.n_unique()


def _unmarked(text: pl.Series) -> pl.Series:
    """Take away the sign of money or of per cent that all cells bear.

    >>> import polars as pl
    >>> _unmarked(pl.Series(["$5", "-$7"])).to_list(), _unmarked(pl.Series(["5 %", "7"])).to_list()
    (['5', '-7'], ['5 %', '7'])
    """
    cells = text.drop_nulls()
    if not len(cells) or not cells.head(PROBE).str.contains(MARKED).all():
        return text
    marks = cells.str.replace(MARKED, "${2}${5}").unique()
    return text.str.replace(MARKED, "${1}${3}${4}") if len(marks) == 1 else text


def _plain(text: pl.Series, decimal: str) -> pl.Series:
    """Write numbers the way Polars reads them; what is none becomes null."""
    text = text.str.replace("−", "-", literal=True)
    if (gapped := text.str.contains(GAPPED)).any():
        text = text.str.replace_all(GAPS, "").zip_with(gapped, text)
    group = "," if decimal == "." else "."
    # A separator of thousands is one only in groups of three: "1,5" is not 15.
    wrong = text.str.contains(group, literal=True) & ~text.str.contains(GROUPED[decimal])
    plain = text.str.replace_all(group, "", literal=True).set(wrong, None)
    return plain.str.replace(",", ".", literal=True) if decimal == "," else plain


def to_dates(text: pl.Series) -> tuple[pl.Series, str] | None:
    """Read a column of text as dates, and tell the format; None if some cell is none.

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
    for form in _formats():
        if read_dates(probe, form) is not None:
            dates = read_dates(text, form)
            if dates is not None:
                return dates, form
    fits = [(dates, form) for form in SLASHED if (dates := read_dates(text, form)) is not None]
    return fits[0] if len(fits) == 1 else None


def _formats() -> list[str]:
    times = [
        f"{date}{gap}{time}{zone}"
        for date in DATES[:3]
        for gap in ("T", " ")
        for time in TIMES
        for zone in ZONES
    ]
    return [*DATES, *times]


def read_dates(text: pl.Series, form: str) -> pl.Series | None:
    """Read dates of one format as Datetime in microseconds, in UTC; None if some cell is none."""
    import polars as pl

    if "%H" not in form:
        dates = text.str.strptime(pl.Date, form, strict=False).cast(pl.Datetime("us"))
    elif form.endswith("%z"):
        dates = text.str.strptime(pl.Datetime("us", "UTC"), form, strict=False)
        dates = dates.dt.replace_time_zone(None)
    else:
        dates = text.str.strptime(pl.Datetime("us"), form, strict=False)
    return dates if dates.null_count() == text.null_count() else None
