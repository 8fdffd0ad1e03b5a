"""Detection of the header of delimited text, of titles above it, and of row names."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Literal

from graduel.data.read.column_names import join_names, quote_name
from graduel.data.read.delimited.cells import MISSING_NUMBER
from graduel.errors import UserError

YEARS = 1800, 2100
"""Years that may be column names."""
ROWS = 50
"""Number of rows with which a header of numbers is compared."""
ROWS_BELOW = 5
"""Number of lines above which a second line of names is looked for."""
FEW = 5
"""Number of rows from which numbers outside the range of every column are names."""
BY_CHANCE = 0.2
"""Largest share of the rows that are evenly spaced by chance."""
LEADING = re.compile(r"[+-]?\d{1,3}")
GROUP = re.compile(r"\d{3}(\.\d*)?")
"""The two parts of a number with an unquoted thousands separator."""

Records = list[list[str]]


def is_number(cell: str, decimal: str) -> bool:
    """Return whether a cell is a number."""
    try:
        float(cell.replace(",", "." if decimal == "," else "").replace("_", "x"))
    except ValueError:
        return False
    return True


def detect_header(first: list[str], rest: Records, decimal: str) -> tuple[bool, str]:
    """Return whether the first record is a header, and the guess in words if that is uncertain.

    A word above a column of numbers is a name. In columns of text a cell that occurs again below is
    not a name. Numbers above numbers are names if they are evenly spaced or years, and the rows
    below them are not.
    """
    columns = [_cells_below(rest, i) for i in range(len(first))]
    numbers, words = list[int](), list[int]()
    for i, (top, below) in enumerate(zip(first, columns, strict=True)):
        if top in MISSING_NUMBER:
            continue
        if not below or not all(is_number(cell, decimal) for cell in below):
            words.append(i)
        elif is_number(top, decimal):
            numbers.append(i)
        else:
            return True, ""
    if not rest:
        return not all(is_number(cell, decimal) for cell in first), ""
    repeated = sum(first[i] in columns[i] for i in words)
    unusual = sum(
        first[i] not in columns[i] and 2 * len({*columns[i]}) <= len(columns[i]) for i in words
    )
    if not numbers:
        return _weigh_words(first, repeated, unusual)
    if not repeated and _are_names(first, rest, numbers, bool(unusual), decimal):
        return (
            True,
            "the numbers in the first line are read as column names (--header no to change)",
        )
    if unusual and not repeated:
        name = next(first[i] for i in words if first[i] not in columns[i])
        return False, (
            f"the first line is read as a row because it has numbers, although {quote_name(name)} "
            "does not occur below it (--header yes to change)"
        )
    return False, ""


def _cells_below(rest: Records, i: int) -> list[str]:
    return [row[i] for row in rest if i < len(row) and row[i] not in MISSING_NUMBER]


def _weigh_words(first: list[str], repeated: int, unusual: int) -> tuple[bool, str]:
    if repeated > unusual:
        return False, (
            "the first line is read as a row because its words occur again below it (--header yes "
            "to change)"
        )
    if repeated or not unusual:
        return True, (
            f"the first line is read as the header ({quote_name(first[0])}, …), although all "
            "columns hold text (--header no to change)"
        )
    return True, ""


def _are_names(
    first: list[str], rest: Records, columns: list[int], has_name: bool, decimal: str
) -> bool:
    """Return whether numbers above columns of numbers are names: positions, years, wavelengths.

    `has_name`: whether a column of text has a name.
    """
    tops = [_to_float(first[i], decimal) for i in columns]
    rows = [
        [_to_float(row[i], decimal) for i in columns]
        for row in rest[:ROWS]
        if all(i < len(row) and is_number(row[i], decimal) for i in columns)
    ]
    if not rows or len({*tops}) < len(tops):
        return False
    below = list(zip(*rows, strict=True))
    fractions = all(any(v % 1 for v in column) for column in below)
    outside = len(rows) >= FEW and all(
        not min(column) <= top <= max(column) for top, column in zip(tops, below, strict=True)
    )
    whole = all(re.fullmatch(r"\d+", first[i]) for i in columns)
    if whole and tops[0] in (0, 1) and _is_consecutive(tops) and fractions:
        return not any(all(v % 1 == 0 for v in row) for row in rows)
    for is_series in (_is_even, _is_monotone, _are_years):
        if is_series(tops):
            n_series = sum(map(is_series, rows))
            if n_series == 0 and is_series is not _are_years and (has_name or fractions):
                return True
            if outside and n_series <= BY_CHANCE * len(rows):
                return True
    return False


def _to_float(cell: str, decimal: str) -> float:
    return float(cell.replace(",", "." if decimal == "," else ""))


def _is_consecutive(row: list[float]) -> bool:
    return all(b - a == 1 for a, b in pairwise(row))


def _is_even(row: list[float]) -> bool:
    """Return whether three numbers or more have equal distances."""
    steps = [b - a for a, b in pairwise(row)]
    return len(steps) > 1 and steps[0] != 0 and max(steps) - min(steps) < 1e-6 * abs(steps[0])


def _is_monotone(row: list[float]) -> bool:
    """Return whether five numbers or more increase or decrease."""
    steps = [b - a for a, b in pairwise(row)]
    return len(steps) > 3 and (min(steps) > 0 or max(steps) < 0)


def _are_years(row: list[float]) -> bool:
    return all(YEARS[0] <= v <= YEARS[1] and v % 1 == 0 for v in row)


def reject_title(records: Records, path: Path, numbers: list[int]) -> None:
    """Raise if there are titles above the header: records with one cell that is not blank.

    `numbers`: the number of each record's line, from 0.
    """
    filled = [sum(bool(cell) for cell in record) for record in records]
    width, count = Counter(map(len, records[1:])).most_common(1)[0] if records[1:] else (0, 0)
    header = next((i for i, n in enumerate(filled) if n > 1), 0)
    if width < 2 or not header or filled[0] != 1 or count <= len(records) / 2:
        return
    is_title = len(records[0]) == 1 and width > 2
    names = records[header]
    if not is_title and (filled[header] < width or any(is_number(cell, ".") for cell in names)):
        return  # a header with one name
    title = next(cell for cell in records[0] if cell)
    raise UserError(
        f"{path}: line {numbers[0] + 1:,}: expected {width} cells, as most lines have; got one "
        f"({quote_name(title)}). Delete the lines above the header, or give the header's line: "
        f"--header {numbers[min(header, len(numbers) - 1)] + 1}"
    )


def reject_second_header(records: Records, path: Path, numbers: list[int], decimal: str) -> None:
    """Raise if the second record holds names or units: words above all columns of numbers."""
    if len(records) <= ROWS_BELOW:
        return
    words = []
    for i, cell in enumerate(records[1]):
        below = _cells_below(records[2:], i)
        if below and all(is_number(one, decimal) for one in below) and cell not in MISSING_NUMBER:
            if is_number(cell, decimal):
                return
            words.append(cell)
    if len(words) > 1:
        line = numbers[min(1, len(numbers) - 1)] + 1
        raise UserError(
            f"{path}: line {line:,}: expected numbers, as in the lines below; got names or units "
            f"({join_names(words, 2)}). If the line has the names of the columns, give --header "
            f"{line}; if it has units, give --header {line} and the names with --names"
        )


RowNames = Literal["names", "separators", "none", "ambiguous"]


def detect_row_names(records: Records, is_quoted: bool, separator: str) -> RowNames:
    """Classify the additional cell of rows with one cell more than the header.

    ``separators`` if each line ends with a separator; ``names`` if the first column has row names,
    as R writes them: all distinct, and no two neighbouring columns could be one cell with an
    unquoted separator.

    Parameters
    ----------
    is_quoted : whether the first cell of each row is quoted
    """
    first, rest = records[0], records[1:]
    if not rest or not all(len(record) == len(first) + 1 for record in rest):
        return "none"
    if all(not record[-1] for record in rest):
        return "separators"
    columns = list(zip(*rest, strict=True))
    if len({*columns[0]}) < len(rest):
        return "ambiguous"
    is_counted = [*columns[0]] in ([f"{i + start}" for i in range(len(rest))] for start in (0, 1))
    if separator == " " and not (is_quoted or is_counted):
        return "ambiguous"
    if separator == "," and any(_may_be_one(a, b, is_quoted) for a, b in pairwise(columns)):
        return "ambiguous"
    return "names"


def _may_be_one(left: tuple[str, ...], right: tuple[str, ...], is_quoted: bool) -> bool:
    """Return whether two columns may be one column of cells with an unquoted comma."""
    if all(map(LEADING.fullmatch, left)) and all(map(GROUP.fullmatch, right)):
        return True
    return not is_quoted and not any(is_number(cell, ".") for cell in (*left, *right))
