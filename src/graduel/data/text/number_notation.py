"""Notations of numbers in text: units, thousands separators, parentheses and multipliers.

A notation belongs to a whole column: one decimal sign, and at most one unit. Polars expressions
rewrite the cells.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from graduel.data.read.column_names import join_names, quote_name
from graduel.number_format import agree

if TYPE_CHECKING:
    import polars as pl

GAPS = "[\u0020\u00a0\u202f\u2009'’]"
"""Thousands separators of any decimal sign: blanks, narrow blanks, and apostrophes."""
CODES = (
    "AED|ARS|AUD|BGN|BRL|CAD|CHF|CLP|CNY|COP|CZK|DKK|EGP|EUR|GBP|HKD|HUF|IDR|ILS|INR|ISK|JPY|KRW|"
    "MXN|MYR|NGN|NOK|NZD|PEN|PHP|PLN|RMB|RON|RUB|SAR|SEK|SGD|THB|TRY|TWD|UAH|USD|VND|ZAR"
)
CURRENCY = rf"US\$|R\$|A\$|C\$|Rs\.?|kr\.?|zł|\p{{Sc}}|{CODES}"
"""Currencies, before or after a number."""
UNITS = (
    r"%|‰|°\s?[CF]?|℃|℉|"
    r"mm[²³]?|cm[²³]?|km²?|m[²³]|ft|inch(?:es)?|in|mi|miles?|yd|"
    r"µg|mcg|mg|kgs?|lbs?|oz|ml|cl|dl|gal|cc|"
    r"ms|sec(?:ond)?s?|min(?:ute)?s?|hours?|hrs?|days?|weeks?|months?|years?|yrs?|"
    r"km/h|kmh|kmph|kph|mph|m/s|kmpl|mpg|km/kg|km/l|bhp|hp|ps|rpm|nm|"
    r"kwh|wh|kw|mw|kv|mv|mhz|ghz|khz|hz|kb|mb|gb|tb|px|dpi|"
    r"mmhg|mbar|hpa|kpa|pa|bar|psi|bpm|kcal|cal|kj|mol/l|mmol/l|mg/dl|g/dl"
)
"""Units after a number, regardless of case."""
LETTERS = "[mgtlhsVW]"
"""Units of one letter, in this case only."""
MULTIPLIERS = {"k": "e3", "m": "e6", "mn": "e6", "mio": "e6", "b": "e9", "bn": "e9"}
"""Powers of letters after a number, in lower case: 1.2k, 3M, 110,5 Mio."""
WORDS = {"e3": "thousand", "e6": "million", "e9": "billion"}
NUMBER = rf"\d(?:(?:\d|[.,]|{GAPS})*\d)?[.,]?|[.,]\d+"
CELL = (
    rf"^(?P<open>\()?\s*(?P<sign>[-+−–])?\s*(?P<before>{CURRENCY})?\s*(?P<inner>[-+−–])?\s*"
    rf"(?P<number>{NUMBER})(?P<power>[eE][-+]?\d+)?\s*"
    rf"(?:(?P<unit>(?i:{UNITS})|{LETTERS})|(?P<factor>(?i:k|mn|mio\.?|bn)|[MB])?\s*"
    rf"(?P<after>{CURRENCY})?)\s*(?P<close>\))?$"
)
"""A number in any notation."""
SPECIAL = r"^(?i)[-+]?(nan|inf|infinity)$"
DIGITS = {
    sign: rf"^(?:\d{{1,3}}(?:{group}\d{{3}})+|\d{{1,3}}(?:{GAPS}\d{{3}})+|"
    rf"\d{{1,2}}(?:{group}\d\d)+{group}\d{{3}}|\d+)?(?:{point}\d*)?$"
    for sign, point, group in ((".", r"\.", ","), (",", ",", r"\."))
}
"""The digits of a number by decimal sign: groups are of three digits, or of two as in India."""
EVIDENCE = {
    ".": r"^0?\.\d|\.\d{1,2}$|\.\d{4,}$|\d{4}\.|,\d{2,3}\.|,\d{2,3},|\.$",
    ",": r"^0?,\d|,\d{1,2}$|,\d{4,}$|\d{4},|\.\d{2,3},|\.\d{2,3}\.|,$",
}
"""Digits that are possible with this decimal sign only."""
EITHER = {".": r"^[1-9]\d{0,2}\.\d{3}$", ",": r"^[1-9]\d{0,2},\d{3}$"}
"""Digits with three decimals, or with a thousands separator, by that sign."""
PROBE = 50
"""Number of cells that are examined before the whole column."""
APART = 10.0
"""Ratio of medians from which whole numbers cannot be of the same column as decimals."""


@dataclass(frozen=True, slots=True)
class Notation:
    """How the numbers of a column are written.

    Attributes
    ----------
    decimal : the decimal sign
    units : the spellings of the currency or unit; empty for plain numbers
    is_partial : whether some numbers lack the unit
    separators : thousands separators
    multipliers : letters that multiply
    has_parentheses : whether negative numbers are in parentheses
    """

    decimal: str = "."
    units: tuple[str, ...] = ()
    is_partial: bool = False
    separators: tuple[str, ...] = ()
    multipliers: tuple[str, ...] = ()
    has_parentheses: bool = False

    def describe(self) -> Iterator[str]:
        """Yield the differences from plain numbers.

        >>> list(Notation(",", ("€",), True).describe())
        ["',' is the decimal sign", "'€' is left out (some cells lack it)"]
        """
        if self.decimal == ",":
            yield "',' is the decimal sign"
        if self.units:
            lack = " (some cells lack it)" if self.is_partial else ""
            yield f"{' or '.join(map(repr, self.units))} is left out{lack}"
        for separator in self.separators:
            yield f"{repr(separator) if separator.strip() else 'a blank'} separates thousands"
        for letter in self.multipliers:
            yield f"{letter!r} means {WORDS[MULTIPLIERS[letter.lower().strip('.')]]}"
        if self.has_parentheses:
            yield "numbers in parentheses are negative"

    @property
    def is_plain(self) -> bool:
        """Whether the cells are digits, with a decimal sign and thousands separators at most."""
        return not (self.units or self.multipliers or self.has_parentheses)


def find_numbers(text: pl.Series, decimal: str) -> tuple[pl.DataFrame, pl.Series]:
    """Return the parts of each cell, and whether it is a number in any notation.

    >>> import polars as pl
    >>> find_numbers(pl.Series(["$1,234.50", "1,23", "x"]), ".")[1].to_list()
    [True, False, False]
    """
    import polars as pl

    parts = text.str.extract_groups(CELL).struct.unnest()
    n_signs = parts.select(
        sum(pl.col(one).is_not_null().cast(pl.Int8) for one in ("open", "sign", "inner"))
    ).to_series()
    is_number = (
        parts["number"].str.contains(DIGITS[decimal])
        & (parts["open"].is_null() == parts["close"].is_null())
        & (n_signs < 2)
        & (parts["before"].is_null() | (parts["unit"].is_null() & parts["after"].is_null()))
        & (parts["power"].is_null() | parts["factor"].is_null())
    )
    return parts, (is_number | text.str.contains(SPECIAL)).fill_null(False)


def parse_notation(text: pl.Series, decimal: str) -> tuple[pl.Series, Notation] | None:
    """Rewrite numbers as text that Polars parses, or return None if a cell is not a number.

    Cells that differ by their digits only are split in the same places, which are inferred once.

    Parameters
    ----------
    text : stripped cells, null for missing
    decimal : the decimal sign

    Examples
    --------
    >>> import polars as pl
    >>> plain, notation = parse_notation(pl.Series(["$1,234.50", "($2)", "1.2k"]), ".")
    >>> plain.to_list(), notation.units
    (['1234.50', '-2', '1.2e3'], ('$',))
    """
    import polars as pl

    masked = text.str.replace_all("[0-9]", "0")
    shapes = masked.drop_nulls().unique(maintain_order=True)
    parts, is_number = find_numbers(shapes, decimal)
    if not is_number.all():
        return None
    if parts["factor"].is_not_null().any():
        # The letter m is a unit (5 m), unless other cells have multipliers (5m, 200k).
        is_million = (pl.col("unit") == "m").fill_null(False)
        parts = parts.with_columns(
            factor=pl.when(is_million).then(pl.lit("m")).otherwise("factor"),
            unit=pl.when(is_million).then(None).otherwise("unit"),
        )
    units = parts.select(pl.coalesce("unit", "before", "after")).to_series()
    if len(distinguish_units(units)) > 1:
        return None
    group = "," if decimal == "." else "."
    cells = _locate_numbers(shapes, parts).select(
        pl.all().gather(masked.cast(pl.Enum(shapes)).to_physical())
    )
    digits = text.str.slice(cells["start"], cells["length"]).str.replace_all(GAPS, "")
    digits = digits.str.replace_all(group, "", literal=True).str.replace(decimal, ".", literal=True)
    plain = cells["sign"] + digits + cells["power"]
    spellings = tuple(units.drop_nulls().unique().sort())
    lack_unit = bool(spellings) and bool((units.is_null() & parts["number"].is_not_null()).any())
    numbers = parts["number"].drop_nulls()
    gaps = numbers.str.extract(rf"0({GAPS})0", 1).drop_nulls().unique().sort().to_list()
    has_group = numbers.str.contains(group, literal=True).any()
    notation = Notation(
        decimal,
        spellings,
        lack_unit,
        (*([group] if has_group else []), *gaps),
        tuple(parts["factor"].drop_nulls().unique().sort()),
        bool(parts["open"].is_not_null().any()),
    )
    return plain.fill_null(text).alias(text.name), notation


def _locate_numbers(shapes: pl.Series, parts: pl.DataFrame) -> pl.DataFrame:
    """Return sign and power of each shape of a cell, and where the number begins and ends."""
    import polars as pl

    negative = pl.any_horizontal(
        pl.col("open").is_not_null(),
        *(pl.col(one).is_in(["-", "−", "–"]).fill_null(False) for one in ("sign", "inner")),
    )
    power = (
        pl.col("factor")
        .str.to_lowercase()
        .str.strip_chars(".")
        .replace_strict(
            list(MULTIPLIERS), list(MULTIPLIERS.values()), default=None, return_dtype=pl.String
        )
    )
    number = pl.col("number") + pl.col("power").fill_null("")
    starts = [
        shape.find("0") - (digits[0] in ".,") if digits else None
        for shape, digits in zip(shapes, parts["number"], strict=True)
    ]
    return parts.select(
        sign=pl.when(negative).then(pl.lit("-")).otherwise(pl.lit("")),
        power=power.fill_null(""),
        start=pl.Series(starts, dtype=pl.Int64),
        length=number.str.len_chars(),
    )


def distinguish_units(units: pl.Series) -> set[str]:
    """Return the distinct units among spellings such as kg, KG and kgs."""
    return {one.lower().rstrip("s.") or one for one in units.drop_nulls().unique()}


def list_units(text: pl.Series) -> list[str]:
    """Return the units of numbers in a column of text, as written.

    >>> import polars as pl
    >>> list_units(pl.Series(["5 kg", "7 g", "x"]))
    ['g', 'kg']
    """
    import polars as pl

    parts = text.str.extract_groups(CELL).struct.unnest()
    units = parts.select(pl.coalesce("unit", "before", "after")).to_series()
    return units.drop_nulls().unique().sort().to_list()


def find_unclear_sign(text: pl.Series) -> tuple[str, str] | None:
    """Return the sign that may separate decimals or thousands in every number, and a number.

    It stands before the last three of four to six digits. None if a number shows what it means.

    >>> import polars as pl
    >>> columns = ["1.298", "12.004"], ["$1,298", None], ["1.298", "2.5"], ["1298", "2.004"]
    >>> [find_unclear_sign(pl.Series(column)) for column in columns]
    [('.', '1.298'), (',', '1,298'), None, None]
    """
    if len(text) > PROBE and find_unclear_sign(text.head(PROBE)) is None:
        return None
    digits = text.str.strip_chars().str.extract_groups(CELL).struct.field("number").drop_nulls()
    for sign, pattern in EITHER.items():
        if len(digits) and digits.str.contains(pattern).all():
            return sign, str(digits[0])
    return None


def describe_unclear(names: Sequence[str], sign: str, example: str, decimal: str) -> str:
    """Return a message on columns of numbers whose :func:`find_unclear_sign` is known.

    >>> print(describe_unclear(["price"], ".", "1.298", "."))
    column 'price': '.' is read as the decimal sign of its numbers, such as '1.298', but may \
separate thousands. If it does, give --decimal ,
    """
    columns = f"{agree(len(names), 'column', 'columns')} {join_names(names)}"
    column = f"{columns}: {quote_name(sign)} is read as"
    if sign == decimal:
        return (
            f"{column} the decimal sign of its numbers, such as {quote_name(example)}, but may "
            f"separate thousands. If it does, give --decimal {_other(sign)}"
        )
    return (
        f"{column} the thousands separator of its numbers, such as {quote_name(example)}, but may "
        f"be the decimal sign. If it is, give --decimal {sign}"
    )


def _other(sign: str) -> str:
    return "," if sign == "." else "."


def infer_decimal(text: pl.Series) -> str | None:
    """Return the decimal sign that the cells of a column show; None if they show none or both.

    Three digits after a sign, as in 1.298, are decimals or a thousands separator. They are
    thousands if the whole numbers are ten times larger (995).

    >>> import polars as pl
    >>> cells = ["1.107,87 €", "33,2 %"], ["1.298", "995", "2.100"], ["1.298", "2.100"]
    >>> [infer_decimal(pl.Series(one)) for one in cells]
    [',', ',', None]
    """
    import polars as pl

    digits = text.str.extract_groups(CELL).struct.field("number").drop_nulls()
    signs = [sign for sign in ".," if digits.str.contains(EVIDENCE[sign]).any()]
    if signs:
        return signs[0] if len(signs) == 1 else None
    for sign, other in ((".", ","), (",", ".")):
        either, whole = digits.str.contains(EITHER[sign]), digits.str.contains(r"^\d{1,3}$")
        if either.any() and whole.any() and (either | whole).all():
            decimals = digits.filter(either).str.replace(sign, ".", literal=True)
            medians = [x.cast(pl.Float64).to_numpy() for x in (digits.filter(whole), decimals)]
            if np.median(medians[0]) >= APART * np.median(medians[1]):
                return other
    return None
