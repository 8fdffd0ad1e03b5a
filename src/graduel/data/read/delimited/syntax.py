"""Detection of how lines of delimited text are split into cells: separator, quote and escape."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from graduel.errors import UserError

SEPARATORS = ("\t", ";", "|", ",")
"""In order of preference if several fit: a table with decimal commas has commas too."""
NAMED = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "space": " ", "pipe": "|"}
QUOTES: dict[str, tuple[str | None, str | None]] = {
    '"': ('"', None),
    '\\"': ('"', "\\"),
    "'": ("'", None),
    "\\'": ("'", "\\"),
    "none": (None, None),
}
"""Quote and escape by the option's value, in the order in which they are tried."""
LONGEST = 1 << 26
"""Maximum number of characters of a cell; an unclosed quote makes one cell of the rest."""
NUMBER = r"([+-]?[\d.][\d.,eE+-]*|\?|NA)"
NUMBERS = re.compile(rf"{NUMBER}( +{NUMBER})+")
"""Several numbers or missing values in one cell."""
DECIMAL_COMMA = re.compile(r"[+-]?\d+(,\d+)?([eE][+-]?\d+)?")
SPACED_THOUSANDS = re.compile(r"[+-]?\d{1,3}( \d{3})+([.,]\d+)?")


@dataclass(frozen=True, slots=True)
class CellSyntax:
    """How lines are split into cells.

    Attributes
    ----------
    separator : the character between cells; a space means any run of blanks and tabs
    quote : the character around cells that contain the separator; None if quotes are text
    escape : the character before a quote that is text; None if such a quote is doubled
    comment : the first character of lines that are ignored; None if there are none
    is_given : whether the user set the quote, so that cells which suggest another are accepted
    """

    separator: str = ","
    quote: str | None = '"'
    escape: str | None = None
    comment: str | None = None
    is_given: bool = False

    def read(self, lines: Iterable[str], *, strict: bool = False) -> Iterator[list[str]]:
        """Yield the cells of each record, as the csv module does.

        Parameters
        ----------
        strict : whether text after a closing quote and an unclosed quote raise ``csv.Error``
        """
        options: dict[str, Any] = {
            "delimiter": self.separator,
            "skipinitialspace": True,
            "strict": strict,
            "quoting": csv.QUOTE_NONE if self.quote is None else csv.QUOTE_MINIMAL,
        }
        if self.quote is not None:
            options |= {"quotechar": self.quote, "escapechar": self.escape}
        if self.separator == " " or self.escape or self.comment:
            lines = map(self._prepare, lines)
        return csv.reader(lines, **options)

    def is_plain(self, text: str) -> bool:
        """Return whether cells are the text between separators: no quotes, escapes or comments."""
        signs = (self.quote, self.escape, self.comment)
        return self.separator != " " and not any(sign and sign in text for sign in signs)

    def _prepare(self, line: str) -> str:
        """Return a line in the form that the csv module splits correctly."""
        if self.comment and line.startswith(self.comment):
            return "\n"
        if self.separator == " ":
            line = line.replace("\t", " ").strip() + "\n"
        if self.escape and "\\N" in line:
            # MySQL writes missing values as \N; the csv module would drop the backslash.
            between = re.escape(self.separator)
            line = re.sub(rf"(^|{between})\\N(?={between}|\s*$)", r"\1NULL", line)
        return line


def parse_quote(text: str) -> tuple[str | None, str | None]:
    """Return the quote and the escape for the option's value.

    >>> parse_quote("none"), parse_quote("'")
    ((None, None), ("'", None))
    """
    if text.lower() not in QUOTES:
        raise UserError(
            f"quote must be one of {', '.join(QUOTES)} (\\ for quotes after a backslash); got "
            f"'{text}'"
        )
    return QUOTES[text.lower()]


def parse_separator(text: str) -> str:
    """Return the separator for the option's value: a character or its name."""
    separator = NAMED.get(text.lower(), text)
    if len(separator) != 1 or separator in '"\n\r':
        raise UserError(
            f"separator must be one character, or one of {', '.join(NAMED)}; got '{separator}'"
        )
    return separator


@contextmanager
def allow_long_cells() -> Iterator[None]:
    """Allow cells of up to LONGEST characters; the csv module's limit is global."""
    before = csv.field_size_limit(LONGEST)
    try:
        yield
    finally:
        csv.field_size_limit(before)


@dataclass(frozen=True, slots=True)
class SplitLines:
    """Lines split into records of cells.

    Attributes
    ----------
    syntax : how they were split
    records : the cells of each record, without surrounding blanks
    fit : share of the records with the most frequent number of cells; 0 for a single cell
    is_regular : whether every quote encloses a cell
    has_long_records : whether a record has several lines
    """

    syntax: CellSyntax
    records: list[list[str]]
    fit: float
    is_regular: bool
    has_long_records: bool

    @property
    def is_exact(self) -> bool:
        """Whether all records have equally many cells and every quote is regular."""
        return self.is_regular and self.fit == 1

    @property
    def width(self) -> int:
        """The number of cells of the first record."""
        return len(self.records[0])


def split_lines(lines: list[str], syntax: CellSyntax, whole: bool = True) -> SplitLines:
    """Split lines into records; unless the lines are `whole`, the last record may be cut off."""
    records, is_strict, n_used = list[list[str]](), True, 0
    with allow_long_cells():
        reader = syntax.read(lines, strict=True)
        try:
            for record in reader:
                records.append(record)
                n_used = reader.line_num  # type: ignore[attr-defined]  # of the csv module
        except csv.Error as error:
            is_cut = "unexpected end" in str(error) and not whole and 2 * n_used > len(lines)
            is_strict = is_cut
            if not is_cut:
                records = _split_leniently(lines, syntax, whole)
    records = [[cell.strip() for cell in record] for record in records if record] or [[""]]
    width, count = Counter(map(len, records)).most_common(1)[0]
    # A header of another width counts more than a single row would.
    fit = count / len(records) * (1 if len(records[0]) == width else 0.5) if width > 1 else 0.0
    return SplitLines(syntax, records, fit, is_strict, n_used > len(records))


def _split_leniently(lines: list[str], syntax: CellSyntax, whole: bool) -> list[list[str]]:
    try:
        records = list(syntax.read(lines))
    except csv.Error:
        # A cell beyond the csv module's limit means an unclosed quote; the reader reports its line.
        return [line.split(syntax.separator) for line in lines]
    return records if whole or len(records) < 2 else records[:-1]


def detect_syntax(
    lines: list[str], whole: bool, *, separator: str | None = None, quote: str | None = None
) -> SplitLines:
    """Split lines by the syntax that fits them best; parts that the user gives are not detected.

    Another quote than ``"`` is used only if it makes all lines equally long, with regular quotes.
    """
    separators = SEPARATORS if separator is None else (separator,)
    character, escape = QUOTES['"'] if quote is None else parse_quote(quote)
    syntax = CellSyntax(separators[0], character, escape, is_given=quote is not None)
    best = _fit_separator(lines, whole, syntax, separators)
    if quote is None:
        best = _fit_quote(lines, whole, best, separators)
    if separator is not None:
        return best
    if not best.fit:
        blanks = _fit_blanks(lines, whole, syntax)
        return blanks or split_lines(lines, replace(best.syntax, separator=","), whole)
    if best.syntax.separator in "\t," and _has_spaced_numbers(best.records):
        blanks = _fit_blanks(lines, whole, syntax)
        if blanks and (blanks.width > best.width or _have_decimal_commas(blanks.records)):
            return blanks
    return best


def _fit_separator(
    lines: list[str], whole: bool, syntax: CellSyntax, separators: tuple[str, ...]
) -> SplitLines:
    splits = [split_lines(lines, replace(syntax, separator=one), whole) for one in separators]
    return max(splits, key=lambda split: split.fit)  # the first of equals


def _fit_quote(
    lines: list[str], whole: bool, best: SplitLines, separators: tuple[str, ...]
) -> SplitLines:
    """Return the lines split by another quote if only that fits all of them."""
    text = "".join(lines)
    tabs_only = best.is_exact and best.has_long_records and best.syntax.separator == "\t"
    if best.is_exact and not tabs_only:
        return _fit_single_quotes(lines, whole, best)
    signs = {'\\"': '\\"' in text, "'": "'" in text, "\\'": "\\'" in text, "none": '"' in text}
    for name, (quote, escape) in QUOTES.items():
        if not signs.get(name) or (tabs_only and name != "none"):
            continue
        # Only in tables separated by tabs is a quote at the start of a cell usually text.
        for separator in separators if quote else {*separators} & {"\t"}:
            split = split_lines(lines, CellSyntax(separator, quote, escape), whole)
            if split.is_exact and quote == '"':
                return _fit_single_quotes(lines, whole, split)
            if split.is_exact and (quote or _has_stray_quotes(split.records)):
                return split
    return best


def _has_stray_quotes(records: list[list[str]]) -> bool:
    """Return whether more cells begin with a quote only than begin and end with one."""
    begin = [cell for record in records for cell in record if cell.startswith('"')]
    return 2 * sum(len(cell) > 1 and cell.endswith('"') for cell in begin) < len(begin)


def _fit_single_quotes(lines: list[str], whole: bool, exact: SplitLines) -> SplitLines:
    """Return the lines split by single quotes if those of a column all begin with one."""
    if _begins_with("'", exact.records):
        for escape in (None, "\\"):
            syntax = replace(exact.syntax, quote="'", escape=escape)
            split = split_lines(lines, syntax, whole)
            if split.is_exact and not _begins_with('"', split.records):
                return split
    return exact


def _begins_with(quote: str, records: list[list[str]]) -> bool:
    """Return whether all cells of a column, except for the first, begin with a quote."""
    columns = zip(*records[1:], strict=True)
    return any(all(cell.startswith(quote) for cell in column) for column in columns)


def _fit_blanks(lines: list[str], whole: bool, syntax: CellSyntax) -> SplitLines | None:
    """Return the lines split at runs of blanks if all of them have equally many cells, or None.

    The header may lack a name for the first column, as R writes it, if names are quoted.
    """
    split = split_lines(lines, replace(syntax, separator=" "), whole)
    if syntax.is_given and split.is_exact:
        return split
    if split.is_exact:
        return _fit_single_quotes(lines, whole, split)
    single = split_lines(lines, replace(split.syntax, quote="'"), whole)
    if single.is_exact and not syntax.is_given:
        return single
    widths = {len(record) for record in split.records[1:]}
    is_r = widths == {split.width + 1} and all(line.lstrip().startswith('"') for line in lines)
    return split if is_r else None


def _have_decimal_commas(records: list[list[str]]) -> bool:
    return all(DECIMAL_COMMA.fullmatch(cell) for record in records for cell in record)


def _has_spaced_numbers(records: list[list[str]]) -> bool:
    """Return whether a column has several numbers separated by blanks in each cell.

    >>> _has_spaced_numbers([["1 2.5", "a"], ["3  4", "b"]])
    True
    >>> _has_spaced_numbers([["1 200", "a"], ["3 400", "b"]])
    False
    """
    rows = records[1:] or records  # the first may be the header
    for i in range(min(map(len, rows))):
        cells = [row[i] for row in rows]
        if all(map(NUMBERS.fullmatch, cells)) and not all(map(SPACED_THOUSANDS.fullmatch, cells)):
            return True
    return False
