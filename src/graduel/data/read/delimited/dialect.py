"""Detection of the dialect of delimited text: cell syntax, decimal sign, encoding, header."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from graduel.data.read.column_names import quote_name
from graduel.data.read.delimited.cells import blank_to_null
from graduel.data.read.delimited.encoding import detect_encoding, open_text
from graduel.data.read.delimited.header import (
    detect_header,
    detect_row_names,
    reject_second_header,
    reject_title,
)
from graduel.data.read.delimited.syntax import (
    SEPARATORS,
    CellSyntax,
    detect_syntax,
    parse_separator,
)
from graduel.data.text.number_notation import infer_decimal
from graduel.errors import UserError
from graduel.number_format import format_quantity

LINES, CHARACTERS = 1000, 1 << 19
"""Maximum number of first lines and characters that are examined."""
POINT = re.compile(r"[+-]?(\d+\.\d*|\.\d+)([eE][+-]?\d+)?")
COMMA = re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d+)?,\d+([eE][+-]?\d+)?")
ABOVE = re.compile(r'"?sep=([^"\n])"?\s*', re.I)
"""A line above the header that spreadsheets write to name the separator."""
OTHERS = {
    "JSON": re.compile(r'\s*(\{\s*("|$)|\[\s*([{\[]|$))'),
    "HTML or XML": re.compile(r"\s*<(!doctype|html|\?xml)\b", re.I),
    "an ARFF file": re.compile(r"\s*@relation\s", re.I),
}
"""Other text formats, by their first line that is not a comment (%)."""
REPLACED = "--names replaces the first line (--header no to read it as a row)"
BLANK = " \t\n\r\f\v\x1a"
"""Characters of a blank line; old programs end a file with Control-Z."""
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}([.,]\d{3})+")
"""Numbers in which the decimal sign is ambiguous."""
UNIT = re.compile(
    r"(?:[A-Z]{3}|[$€£¥₹])?\s?([-+−]?\d[\d.,]*)\s?(?:[A-Z]{3}|[$€£¥₹%‰]|[a-zµ°]{1,4}[²³]?)?"
)
"""A number with a currency or a unit."""
QUOTED_NAME = re.compile("'[^']+'")
"""A name in single quotes, above cells without them."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """The dialect of delimited text.

    Attributes
    ----------
    syntax : how lines are split into cells
    decimal : the decimal sign, ``.`` or ``,``
    encoding : Python's name of the encoding
    header : whether the first line holds the column names
    names : the names in the header or those that the user gave, or one blank name per column
    skip : number of lines above the header
    guesses : uncertain decisions, one sentence each
    shows_decimal : whether numbers in the file show the decimal sign, or the user gives it
    """

    syntax: CellSyntax
    decimal: str
    encoding: str
    header: bool
    names: tuple[str, ...]
    skip: int = 0
    guesses: tuple[str, ...] = ()
    shows_decimal: bool = True

    @property
    def separator(self) -> str:
        """The character between cells; a space means any run of blanks."""
        return self.syntax.separator


def detect_dialect(
    path: Path,
    *,
    separator: str | None = None,
    decimal: str | None = None,
    encoding: str | None = None,
    header: bool | int | None = None,
    names: tuple[str, ...] = (),
    quote: str | None = None,
) -> Dialect:
    """Return a file's dialect; parts that the user gives are not detected.

    Parameters
    ----------
    header : whether there is a header, or the number of its line, from 1
    names : the names of all columns, instead of those in the header
    quote : the quote, after a backslash if that escapes quotes inside cells, or ``none``
    """
    if separator is not None:
        separator = parse_separator(separator)
    if decimal not in (None, ".", ","):
        raise UserError(f"decimal must be '.' or ','; got '{decimal}'")
    if decimal == "," == separator:
        raise UserError("separator and decimal must differ; got ',' for both")
    encoding = detect_encoding(path, encoding)
    start = 0 if header is None or isinstance(header, bool) else header - 1
    lines, numbers, above, whole = _read_lines(path, encoding, start)
    if not lines:
        expected = f"a header in line {start + 1:,}" if start else "a table"
        raise UserError(f"{path}: expected {expected}; the file {'ends' if start else 'is empty'}")
    _reject_other_formats(lines, path)
    if header is None or isinstance(header, bool):
        comments = _count_comments(lines)
        lines, numbers = lines[comments:], numbers[comments:]
    split = detect_syntax(lines, whole, separator=separator or above, quote=quote)
    first, *rest = split.records
    separator = split.syntax.separator
    detected = decimal or _detect_decimal(rest or [first], separator)
    decimal = detected or "."
    if header is None or header is True:
        reject_title(split.records, path, numbers)
        reject_second_header(split.records, path, numbers, decimal)
    is_quoted = all(line.lstrip().startswith(split.syntax.quote or '"') for line in lines[1:])
    # The reader refuses irregular quotes with their line.
    extra = detect_row_names(split.records, is_quoted, separator) if split.is_regular else "none"
    guesses = list[str]()
    if header is None:
        below = [row[1:] for row in rest] if extra == "names" else rest
        header, guess = detect_header(first, below, decimal)
        if names:
            # The user's names are those of the first line's cells unless that is surely a header.
            header = header and not guess
            guess = REPLACED if header else ""
        guesses += [guess] if guess else []
    if names or not header:
        columns = _fit_names(names, rest or [first], path)
    elif extra == "ambiguous":
        n = len(first)
        raise UserError(
            f"{path}: line {numbers[min(1, len(numbers) - 1)] + 1:,}: expected "
            f"{format_quantity(n, 'cell')}, as the header has; got {n + 1}, as in all lines. Quote "
            f"cells that hold the separator {quote_name(separator)}, or, if the first cell is "
            f"a row name, name all {n + 1} "
            "columns with --names"
        )
    elif extra == "names":
        columns = ("", *first)
        guesses.append(
            "rows have one more cell than the header; the first cell is read as a row name "
            "('column_1')"
        )
    else:
        columns = (*first, "") if extra == "separators" else tuple(first)
    columns, quotes = _strip_quotes(columns)
    guesses += quotes
    skip = numbers[0]
    shows_decimal = detected is not None
    return Dialect(
        split.syntax,
        decimal,
        encoding,
        bool(header),
        columns,
        skip,
        tuple(guesses),
        shows_decimal,
    )


def _strip_quotes(names: tuple[str, ...]) -> tuple[tuple[str, ...], list[str]]:
    """Return names without single quotes if all have them, and the guess that this is.

    >>> _strip_quotes(("'age'", "'sex'"))
    (('age', 'sex'), ['the names are in single quotes, which are left out'])
    """
    if not all(map(QUOTED_NAME.fullmatch, names)):
        return names, []
    stripped = tuple(name[1:-1] for name in names)
    return stripped, ["the names are in single quotes, which are left out"]


def _fit_names(names: tuple[str, ...], rows: list[list[str]], path: Path) -> tuple[str, ...]:
    """Return a name for each column of rows: the user's, or a blank one."""
    width = Counter(map(len, rows)).most_common(1)[0][0]
    if names and len(names) == width - 1 and not any(row[-1] for row in rows):
        names = (*names, "")  # every line ends with a separator
    if names and len(names) != width:
        raise UserError(
            f"{path}: --names must list a name for each of the {width:,} columns; got "
            f"{len(names):,}"
        )
    return names or ("",) * width


def _read_lines(
    path: Path, encoding: str, start: int
) -> tuple[list[str], list[int], str | None, bool]:
    """Read the first lines that are not blank, from line `start` on.

    Returns
    -------
    The lines, their numbers from 0, the separator that a line above them names or None, and whether
    these are all lines of the file.
    """
    lines, numbers, size, separator = list[str](), list[int](), 0, None
    with open_text(path, encoding) as file:
        for number, line in enumerate(islice(file, start, start + LINES), start):
            if not lines and (above := ABOVE.fullmatch(line)):
                separator = above[1]
            elif line.strip(BLANK):
                lines.append(line)
                numbers.append(number)
            size += len(line)
            if size > CHARACTERS and len(lines) > 1:
                break
        whole = not file.readline()
    return lines, numbers, separator, whole


def _reject_other_formats(lines: list[str], path: Path) -> None:
    """Raise if lines of text are not a table, by the first lines."""
    head = next((line for line in lines if not line.startswith("%")), lines[0])
    other = next((what for what, pattern in OTHERS.items() if pattern.match(head)), None)
    if other is not None:
        raise UserError(f"{path}: expected a table of text; got {other}. Save it as CSV")


def _count_comments(lines: list[str]) -> int:
    """Return the number of comment lines (# or %) above the header.

    A comment with as many separators as the first other line is the header, unless that is one.

    >>> _count_comments(["# a comment", "id,age", "1,2"]), _count_comments(["#id,age", "1,2"])
    (1, 0)
    """
    sign = lines[0][0]
    if sign not in "#%":
        return 0
    first = next((i for i, line in enumerate(lines) if not line.startswith(sign)), 0)
    if not any(separator in lines[first] for separator in SEPARATORS):
        return 0
    fits = [
        any(line.count(one) == lines[first].count(one) > 0 for one in SEPARATORS)
        for line in lines[:first]
    ]
    if any(fits):
        top, *rows = detect_syntax(lines[first:], whole=False).records
        if detect_header(top, rows, ".") != (True, "") or not rows:
            return fits.index(True)
    return first


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
