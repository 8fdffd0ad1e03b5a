"""Parsing of columns of text as numbers, with missing cells as null."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graduel.data.text.number_notation import Notation, parse_notation

if TYPE_CHECKING:
    import polars as pl

ERRORS = ("#DIV/0!", "#N/A", "#NA", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!")
"""Errors in cells of spreadsheets."""
MISSING = (
    *("", "NA", "N/A", "n/a", "<NA>", "NaN", "nan", "-nan", "-NaN", "NULL", "null", "?", r"\N"),
    *("1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN", *ERRORS),
)
"""Cells of a text file that always mean a missing value."""
MISSING_NUMBER = (
    *(*MISSING, "na", "None", "none", "-", "--", "---", "–", "—", ".", "..", "...", "missing"),
    *("Missing", "n.a.", "N.A.", "n.a", "N.A", "n/d", "N/D", "n.d.", "nil", "Nil", "NIL", "*"),
)
"""Cells that mean a missing value in numbers, dates and booleans; in text they are categories."""
CODE = r"^[+-]?0[0-9]"
"""Numbers with a leading zero, which are codes (postal codes, article numbers)."""
BEYOND = r"^[+-]?\d{20,}$"
"""Integers that do not fit into 64 bits."""
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


def to_numbers(
    text: pl.Series, decimal: str = ".", codes: bool = False, units: bool = True
) -> pl.Series | None:
    """Parse a column of text as Int64 or Float64; return None if a cell is not a number.

    Thousands separators (``1,234.5``), and one unit for all cells (``$5``, ``5 %``), are allowed if
    the whole column can be parsed. Codes with leading zeros are numbers only with ``codes=True``.

    Parameters
    ----------
    decimal : the decimal sign
    units : whether units, multipliers (``5k``) and parentheses are allowed

    Examples
    --------
    >>> import polars as pl
    >>> to_numbers(pl.Series(["1,234.5", "-", "7"])).to_list()
    [1234.5, None, 7.0]
    >>> to_numbers(pl.Series(["00501", "90210"])) is None
    True
    """
    parsed = parse_numbers(text, decimal, codes=codes, units=units)
    return None if parsed is None else parsed[0]


def parse_numbers(
    text: pl.Series, decimal: str = ".", *, codes: bool = False, units: bool = True
) -> tuple[pl.Series, Notation] | None:
    """Return the numbers of :func:`to_numbers` and how they are written."""
    import polars as pl

    probe = text.drop_nulls().head(PROBE)
    many = len(text) > 10 * PROBE
    if (
        many
        and parse_numbers(probe, decimal, codes=codes, units=units) is None
        and not is_all_missing(probe)
    ):
        return None
    numbers, notation = text.cast(pl.Float64, strict=False), Notation(decimal)
    n_missing = text.null_count()
    dots = decimal == "," and text.str.contains(".", literal=True).any()
    if dots or numbers.null_count() > n_missing:
        # A cell that is not a plain number may be missing or in another notation.
        text = blank_to_null(text)
        n_missing = text.null_count()
        if not text.drop_nulls().head(PROBE).str.contains(r"\d|(?i)inf").all():
            return None
        parsed = parse_notation(text, decimal)
        if parsed is None or not (units or parsed[1].is_plain):
            return None
        text, notation = parsed
        numbers = text.cast(pl.Float64, strict=False)
        if numbers.null_count() > n_missing:
            return None
    if n_missing == len(text) or (not codes and _are_codes(text, numbers)):
        return None
    if text.drop_nulls().head(PROBE).cast(pl.Int64, strict=False).null_count() == 0:
        whole = text.cast(pl.Int64, strict=False)
        numbers = whole if whole.null_count() == n_missing else numbers
    return (numbers.fill_nan(None) if numbers.dtype.is_float() else numbers), notation


def _are_codes(text: pl.Series, numbers: pl.Series) -> bool:
    """Return whether cells are codes: leading zeros, or more digits than a float resolves."""
    if text.str.contains(CODE).any():
        return True
    return bool(text.str.contains(BEYOND).any()) and text.n_unique() > numbers.n_unique()
