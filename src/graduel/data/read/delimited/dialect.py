"""Detection of the dialect of delimited text: separator, decimal sign, encoding, header."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from graduel.data.read.column_names import quote_name
from graduel.data.read.delimited.cells import MISSING_NUMBER, blank_to_null
from graduel.data.read.delimited.encoding import detect_encoding, open_text
from graduel.data.text.number_notation import infer_decimal
from graduel.errors import UserError

SEPARATORS = ("\t", ";", "|", ",")
"""In order of preference if several fit: a table with decimal commas has commas too."""
NAMED = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "space": " ", "pipe": "|"}
LINES, CHARACTERS = 1000, 1 << 19
"""Maximum number of first lines and characters that are examined."""
LONGEST = 1 << 26
"""Maximum number of characters of a cell; an unclosed quote makes one cell of the rest."""
POINT = re.compile(r"[+-]?(\d+\.\d*|\.\d+)([eE][+-]?\d+)?")
COMMA = re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d+)?,\d+([eE][+-]?\d+)?")
ABOVE = re.compile(r'"?sep=([^"\n])"?\s*', re.I)
"""A line above the header that spreadsheets write to name the separator."""
OTHERS = {
    "JSON": re.compile(r'\s*(\{\s*("|$)|\[\s*([{\[]|$))'),
    "HTML or XML": re.compile(r"\s*<(!doctype|html|\?xml)\b", re.I),
    "an ARFF file": re.compile(r"\s*@relation\s", re.I),
}
"""Other text formats, by their first line."""
BLANK = " \t\n\r\f\v\x1a"
"""Characters of a blank line; old programs end a file with Control-Z."""
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}([.,]\d{3})+")
"""Numbers in which the decimal sign is ambiguous."""
UNIT = re.compile(
    r"(?:[A-Z]{3}|[$€£¥₹])?\s?([-+−]?\d[\d.,]*)\s?(?:[A-Z]{3}|[$€£¥₹%‰]|[a-zµ°]{1,4}[²³]?)?"
)
"""A number with a currency or a unit."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """The dialect of delimited text.

    Attributes
    ----------
    separator : the character between cells; a space means any run of blanks
    decimal : the decimal sign, ``.`` or ``,``
    encoding : Python's name of the encoding
    header : whether the first line holds the column names
    names : the names in the header, or one blank name per column
    skip : number of lines above the header
    shows_decimal : whether numbers in the file show the decimal sign, or the user gives it
    """

    separator: str
    decimal: str
    encoding: str
    header: bool
    names: tuple[str, ...]
    skip: int = 0
    shows_decimal: bool = True


def detect_dialect(
    path: Path,
    *,
    separator: str | None = None,
    decimal: str | None = None,
    encoding: str | None = None,
    header: bool | None = None,
) -> Dialect:
    """Return a file's dialect; parts that are given are not detected."""
    if separator is not None:
        separator = NAMED.get(separator.lower(), separator)
        if len(separator) != 1 or separator in '"\n\r':
            raise UserError(
                f"separator must be one character, or one of {', '.join(NAMED)}; got '{separator}'"
            )
    if decimal not in (None, ".", ","):
        raise UserError(f"decimal must be '.' or ','; got '{decimal}'")
    if decimal == "," == separator:
        raise UserError("separator and decimal must differ; got ',' for both")
    encoding = detect_encoding(path, encoding)
    lines, numbers, size = list[str](), list[int](), 0
    with open_text(path, encoding) as file:
        for number, line in enumerate(islice(file, LINES)):
            if not lines and (above := ABOVE.fullmatch(line)):
                separator = separator or above[1]
            elif line.strip(BLANK):
                lines.append(line)
                numbers.append(number)
            size += len(line)
            if size > CHARACTERS and len(lines) > 1:
                break
        whole = not file.readline()
    if not lines:
        raise UserError(f"{path}: expected a table; the file is empty")
    if other := next((what for what, like in OTHERS.items() if like.match(lines[0])), None):
        raise UserError(f"{path}: expected a table of text; got {other}. Save it as CSV")
    comments = _count_comments(lines)
    lines, skip = lines[comments:], numbers[comments]
    separator = separator or _detect_separator(lines, whole)
    records = split(lines, separator, whole)
    if header is not False:
        _reject_title(records, path, skip)
    first, rest = records[0], records[1:]
    detected = decimal or _detect_decimal(rest or records, separator)
    decimal = detected or "."
    header = _has_header(first, rest, decimal) if header is None else header
    names = _get_names(first, rest, header)
    shows_decimal = detected is not None
    return Dialect(separator, decimal, encoding, header, names, skip, shows_decimal)


def _count_comments(lines: list[str]) -> int:
    """Return the number of comment lines (#) above the header.

    >>> _count_comments(["# a comment", "id,age", "1,2"]), _count_comments(["#id,age", "1,2"])
    (1, 0)
    """
    first = next((i for i, line in enumerate(lines) if not line.startswith("#")), 0)
    alike = any(
        line.count(separator) == lines[first].count(separator) > 0
        for line in lines[:first]
        for separator in SEPARATORS
    )
    several = any(separator in lines[first] for separator in SEPARATORS)
    return first if several and not alike else 0


def _reject_title(records: list[list[str]], path: Path, skip: int) -> None:
    """Raise if there is a title above the header."""
    width = Counter(len(record) for record in records[1:]).most_common(1)
    if len(records[0]) == 1 and width and width[0][0] > 2 and width[0][1] > len(records) / 2:
        raise UserError(
            f"{path}: line {skip + 1:,}: expected {width[0][0]} cells, as most lines have; got one "
            f"({quote_name(records[0][0])}). Delete the lines above the header"
        )


def split(lines: list[str], separator: str, whole: bool = True) -> list[list[str]]:
    """Split lines into records of cells; a truncated record at the end is dropped."""
    if separator == " ":
        return [line.split() for line in lines]
    try:
        with allow_long_cells():
            records = list(csv.reader(lines, delimiter=separator, skipinitialspace=True))
    except csv.Error:
        # A cell beyond the csv module's limit means an unclosed quote; the reader reports its line.
        records = [line.split(separator) for line in lines]
    records = [[cell.strip() for cell in record] for record in records]
    return records if whole or len(records) < 2 else records[:-1]


@contextmanager
def allow_long_cells() -> Iterator[None]:
    """Allow cells of up to LONGEST characters; the csv module's limit is global."""
    before = csv.field_size_limit(LONGEST)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _detect_separator(lines: list[str], whole: bool) -> str:
    best, detected = 0.0, " "
    for separator in SEPARATORS:
        records = split(lines, separator, whole)
        width, count = Counter(len(record) for record in records).most_common(1)[0]
        # A header of another width counts more than a single row would.
        fit = count / len(records) * (1 if len(records[0]) == width else 0.5)
        if width > 1 and fit > best:
            best, detected = fit, separator
    if detected != " ":
        return detected
    widths = {len(line.split()) for line in lines}
    return " " if len(widths) == 1 and widths != {1} else ","


def _detect_decimal(records: list[list[str]], separator: str) -> str | None:
    """Return the decimal sign of a file; None if no number shows it, or numbers show both."""
    points = commas = False
    ambiguous = set[int]()
    for record in records:
        for i, cell in enumerate(record):
            if match := UNIT.fullmatch(cell):
                cell = match[1]
            grouped = bool(THOUSANDS.fullmatch(cell))
            points |= not grouped and bool(POINT.fullmatch(cell))
            # Programs that write decimal commas separate cells with semicolons.
            commas |= (not grouped or separator == ";") and bool(COMMA.fullmatch(cell))
            if grouped:
                ambiguous.add(i)
    if points or commas:
        return ("," if commas else ".") if points != commas else None
    signs = {_decimal_of([record[i] for record in records if i < len(record)]) for i in ambiguous}
    return signs.pop() if len(signs) == 1 else None


def _decimal_of(cells: list[str]) -> str | None:
    import polars as pl

    return infer_decimal(blank_to_null(pl.Series(cells, dtype=pl.String)))


def _has_header(first: list[str], rest: list[list[str]], decimal: str) -> bool:
    """Return whether the first record is a header: a word above a column of numbers is a name."""
    against = False
    for i, top in enumerate(first):
        below = [r[i] for r in rest if i < len(r) and r[i] not in MISSING_NUMBER]
        if top in MISSING_NUMBER:
            continue
        if below and all(is_number(cell, decimal) for cell in below):
            if not is_number(top, decimal):
                return True
            against = True
    return not against and not (not rest and all(is_number(cell, decimal) for cell in first))


def is_number(cell: str, decimal: str) -> bool:
    """Return whether a cell is a number."""
    try:
        float(cell.replace(",", "." if decimal == "," else "").replace("_", "x"))
    except ValueError:
        return False
    return True


def _get_names(first: list[str], rest: list[list[str]], header: bool) -> tuple[str, ...]:
    if not header:
        width = Counter(len(record) for record in rest or [first]).most_common(1)[0][0]
        return ("",) * width
    wider = rest and all(len(record) == len(first) + 1 for record in rest)
    if not wider:
        return tuple(first)
    # Either every line ends with a separator, or the first column has row names but no header.
    at_end = all(not record[-1] for record in rest)
    return (*first, "") if at_end else ("", *first)
