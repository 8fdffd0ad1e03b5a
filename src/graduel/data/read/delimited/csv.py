"""Reading of delimited text (CSV, TSV, …) as found in practice.

Lines are split here and passed to Polars with a separator that no text contains, because Polars
parses strict CSV only and guesses silently otherwise.
"""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

from graduel.data.finding import TWO_READINGS, Finding
from graduel.data.read.column_names import find, join_names, quote_name, sanitize_names
from graduel.data.read.delimited.cells import MISSING, parse_numbers
from graduel.data.read.delimited.dialect import Dialect
from graduel.data.read.delimited.encoding import open_text
from graduel.data.read.delimited.records import BlockLines, iter_records
from graduel.data.read.delimited.syntax import CellSyntax, allow_long_cells
from graduel.data.read.stratified_sample import sampled_note, stratified_sample
from graduel.data.text.number_notation import describe_unclear, find_unclear_sign
from graduel.errors import UserError
from graduel.number_format import format_quantity

if TYPE_CHECKING:
    import polars as pl

UNIT = "\x1f"
"""A separator that no text contains (the unit separator of ASCII)."""
COMPRESSION = 5
"""Approximate ratio of the size of text to its gzipped size."""
BLOCK = 1 << 24
"""Characters read at a time."""


@dataclass(slots=True)
class CellCounts:
    """Counts of missing cells and short lines in a file."""

    missing: Counter[str] = field(default_factory=Counter)
    short: list[int] = field(default_factory=list)
    longest: int = 0
    """Number of cells of the longest short line."""
    grouped: dict[str, str] = field(default_factory=dict)
    """Thousands separators, by column."""
    shows_decimal: bool = True
    """Whether the numbers of the file show the decimal sign."""
    unclear: dict[str, tuple[str, str] | None] = field(default_factory=dict)
    """Signs that separate decimals or thousands, with a number, by column; None in others."""

    def add_unclear(self, cells: pl.Series) -> None:
        """Take note of whether the numbers in a block of a column show the decimal sign."""
        if self.shows_decimal or self.unclear.get(cells.name, ()) is None:
            return
        shown = find_unclear_sign(cells)
        known = self.unclear.setdefault(cells.name, shown)
        if known is not None and (shown is None or shown[0] != known[0]):
            self.unclear[cells.name] = None

    def findings(self, dialect: Dialect) -> tuple[Finding, ...]:
        """Return findings on columns of numbers that may have another decimal sign."""
        unclear = {name: one for name, one in self.unclear.items() if one is not None}
        findings = []
        for sign in dict.fromkeys(sign for sign, _ in unclear.values()):
            names = [name for name, one in unclear.items() if one[0] == sign]
            message = describe_unclear(names, *unclear[names[0]], dialect.decimal)
            findings.append(TWO_READINGS.report(message, names[0] if len(names) == 1 else None))
        return tuple(findings)

    def notes(self) -> list[str]:
        """Return the counts as notes."""
        notes = []
        if self.missing:
            kinds = ", ".join(f"{quote_name(t)} ({n:,})" for t, n in self.missing.most_common())
            notes.append(f"read as missing: {kinds}")
        for sign in dict.fromkeys(self.grouped.values()):
            names = join_names(name for name, one in self.grouped.items() if one == sign)
            notes.append(f"{quote_name(sign)} separates thousands in {names}")
        if self.short:
            n = len(self.short)
            notes.append(
                f"{n:,} {'line has' if n == 1 else 'lines have'} too few cells (first: line "
                f"{self.short[0]:,}); the others are read as missing"
            )
        return notes


def read_csv(
    path: Path, dialect: Dialect, *, text: Iterable[str] = ()
) -> tuple[pl.DataFrame, list[str], tuple[Finding, ...]]:
    """Read a table; columns in which every cell is a number become numeric, except for `text`.

    Returns
    -------
    The table, notes on decisions, and findings.
    """
    import polars as pl

    names, notes = _name_columns(dialect)
    text = set(text)
    while True:
        # A second pass reads as text the columns whose first blocks were numbers only.
        counts = CellCounts(shows_decimal=dialect.shows_decimal)
        parts: dict[str, list[pl.Series]] = {name: [] for name in names}
        late = set[str]()
        for block in _read_blocks(path, dialect, names, counts):
            for cells in block:
                column, as_text = parts[cells.name], cells.name in text
                part = _read_cells(cells, as_text, dialect.decimal, counts)
                if part.dtype == pl.String and part.null_count() < len(part) and not as_text:
                    text.add(part.name)
                    if any(p.null_count() < len(p) for p in column):
                        late.add(part.name)
                column.append(part)
        if not late:
            break
    frame = pl.DataFrame([_join_parts(parts.pop(name), name) for name in names])
    if not len(frame):
        raise UserError(f"{path}: expected rows under the header; got only the header")
    if len(counts.short) == len(frame) and any(dialect.names[counts.longest :]):
        raise UserError(
            f"{path}: line {counts.short[0]:,}: expected "
            f"{format_quantity(len(names), 'cell')}, as the header has; no "
            f"line has more than {counts.longest} (column {counts.longest + 1}: "
            f"{quote_name(names[counts.longest])} is empty). Remove these names from the header"
        )
    notes = [*describe_dialect(dialect), *notes, *counts.notes()]
    return frame, notes, counts.findings(dialect)


def _name_columns(dialect: Dialect) -> tuple[list[str], list[str]]:
    """Return the column names, and notes on changes of those in the header."""
    names, notes = sanitize_names(dialect.names)
    return names, notes if any(dialect.names) else []


def _join_parts(parts: list[pl.Series], name: str) -> pl.Series:
    import polars as pl

    kinds = {part.dtype for part in parts if part.null_count() < len(part)}
    kind = next((k for k in (pl.String, pl.Float64, pl.Int64) if k in kinds), pl.String)
    whole = pl.Series(name, [], dtype=kind)
    parts = [part.cast(kind) for part in parts]
    return pl.concat([whole, *parts], rechunk=True).rename(name)


def describe_dialect(dialect: Dialect) -> list[str]:
    """Return notes on the parts of a dialect that differ from plain CSV."""
    notes = []
    if dialect.separator != ",":
        word = {"\t": "tabs", " ": "blanks"}.get(dialect.separator, f"'{dialect.separator}'")
        notes.append(f"cells are separated by {word} (--separator to change)")
    if dialect.decimal != ".":
        notes.append("numbers have a decimal comma (--decimal to change)")
    if not dialect.encoding.startswith("utf-8"):
        notes.append(f"the text is read as {dialect.encoding} (--encoding to change)")
    if dialect.syntax.quote != '"' or dialect.syntax.escape:
        notes.append(f"{_describe_quotes(dialect.syntax)} (--quote to change)")
    if dialect.skip:
        n, where = dialect.skip, "header" if dialect.header else "table"
        notes.append(f"{n:,} {'line' if n == 1 else 'lines'} above the {where} skipped")
    if not any(dialect.names):
        notes.append("there is no header; columns are numbered (--header or --names to change)")
    return notes


def _describe_quotes(syntax: CellSyntax) -> str:
    if syntax.quote is None:
        return "quotes are read as text"
    kind = "double" if syntax.quote == '"' else "single"
    escaped = "; a backslash escapes quotes inside them" if syntax.escape else ""
    return f"cells are enclosed in {kind} quotes{escaped}"


def _read_blocks(
    path: Path, dialect: Dialect, names: list[str], counts: CellCounts
) -> Iterator[pl.DataFrame]:
    """Yield a table in blocks of rows; every cell is text, empty cells are null."""
    import polars as pl

    with open_text(path, dialect.encoding) as file:
        for joined in _join_cells(file, dialect, len(names), counts, path):
            yield pl.read_csv(
                io.BytesIO(joined.encode()),
                separator=UNIT,
                quote_char=None,
                has_header=False,
                schema=dict.fromkeys(names, pl.String),
            )


def _read_cells(cells: pl.Series, as_text: bool, decimal: str, counts: CellCounts) -> pl.Series:
    """Parse a column of a block, as numbers if all cells are; missing cells become null."""
    parsed = None if as_text else parse_numbers(cells, decimal, units=False)
    if parsed is not None:
        column, notation = parsed
        counts.add_unclear(cells)
        if notation.separators:
            counts.grouped[cells.name] = notation.separators[0]
    else:
        column = cells.str.strip_chars()
        column = column.set(column.is_in(MISSING), None)
    if column.null_count() > cells.null_count():
        missing = cells.filter(column.is_null() & cells.is_not_null()).str.strip_chars()
        counts.missing.update(dict(missing.filter(missing != "").value_counts().iter_rows()))
    return column


def _join_cells(
    file: IO[str], dialect: Dialect, width: int, counts: CellCounts, path: Path
) -> Iterator[str]:
    """Yield complete records with cells separated by UNIT, about one block at a time."""
    syntax, line, header = dialect.syntax, dialect.skip, dialect.header
    separator = syntax.separator
    for _ in range(dialect.skip):
        file.readline()
    while lines := file.readlines(BLOCK):
        text = "".join(lines)
        plain = not header and syntax.is_plain(text) and UNIT not in text
        if plain and all(one.count(separator) == width - 1 != 0 for one in lines):
            line += len(lines)
            yield text.replace(separator, UNIT)
            continue
        out = []
        source = BlockLines(lines, file, line)
        with allow_long_cells():
            for record in iter_records(source, syntax, path):
                if not record:
                    continue
                if header:
                    header = False
                    continue
                joined = UNIT.join(record)
                if not len(record) - 1 == joined.count(UNIT) == width - 1 or "\n" in joined:
                    cells = _fit_width(record, width, source.first, counts, path, dialect)
                    joined = UNIT.join(cells)
                out.append(joined)
        line = source.line
        if out:
            yield "\n".join(out) + "\n"


def _fit_width(
    record: list[str], width: int, line: int, counts: CellCounts, path: Path, dialect: Dialect
) -> list[str]:
    """Pad or trim a record to the header's width; newlines in cells become blanks."""
    cells = [cell.replace(UNIT, " ").replace("\n", " ") for cell in record]
    if len(cells) > width and not any(cell.strip() for cell in cells[width:]):
        return cells[:width]
    if len(cells) > width:
        reason = "the header has" if dialect.header else "most lines have"
        n_cells = format_quantity(width, "cell")
        raise UserError(
            f"{path}: line {line:,}: expected {n_cells}, as {reason}; got {len(cells)} "
            f"(column {width + 1}: {quote_name(cells[width].strip())}). Quote cells that hold the "
            f"separator {quote_name(dialect.separator)}, or name another with --separator"
        )
    if len(cells) < width:
        counts.short.append(line)
        counts.longest = max(counts.longest, len(cells))
        cells += [""] * (width - len(cells))
    return cells


def sample_csv(
    path: Path, dialect: Dialect, target: str, size: int
) -> tuple[pl.DataFrame, list[str], tuple[Finding, ...]]:
    """Read a stratified sample of the rows, block by block; return it, notes and findings."""
    names, notes = _name_columns(dialect)
    column = find(target, names, "target")

    def blocks() -> Iterator[pl.DataFrame]:
        return _read_blocks(path, dialect, names, CellCounts())

    part, total = stratified_sample(blocks, lambda: (block[column] for block in blocks()), size)
    counts, read = CellCounts(shows_decimal=dialect.shows_decimal), []
    for cells in part:
        read.append(_join_parts([_read_cells(cells, False, dialect.decimal, counts)], cells.name))
    notes = [*describe_dialect(dialect), *notes, *counts.notes()]
    notes.append(sampled_note(len(part), total))
    return part.select(read), notes, counts.findings(dialect)


def text_bytes(path: Path) -> int:
    """Estimate the size of a table in memory, in bytes: about that of its uncompressed text."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(2)
        if head == b"\x1f\x8b":
            file.seek(-4, io.SEEK_END)
            # A gzip file ends with its uncompressed length modulo 4 GB.
            return max(size * COMPRESSION, int.from_bytes(file.read(), "little"))
    if head == b"PK":
        # A damaged file is refused when it is read.
        with (
            suppress(zipfile.BadZipFile, NotImplementedError, ValueError),
            zipfile.ZipFile(path) as archive,
        ):
            return sum(one.file_size for one in archive.infolist())
    return size


def scan_csv(
    path: Path, dialect: Dialect, *, as_text: bool = False
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Yield pairs of blocks of rows: the cells as written, and with missing cells as null.

    In each block, columns with numbers only become numeric. With `as_text` all cells stay text, so
    that all blocks have the same types.
    """
    import polars as pl

    names, _ = sanitize_names(dialect.names)
    counts = CellCounts()
    for block in _read_blocks(path, dialect, names, counts):
        read = [_read_cells(cells, as_text, dialect.decimal, counts) for cells in block]
        yield block, pl.DataFrame(read)
