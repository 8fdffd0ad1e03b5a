"""The format of CSV files and other delimited text, plain, gzipped or zipped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from graduel.data.finding import READER_GUESS, Finding
from graduel.data.read.column_names import sanitize_names
from graduel.data.read.delimited import csv
from graduel.data.read.delimited.dialect import BLANK, Dialect, detect_dialect
from graduel.data.read.delimited.encoding import open_text
from graduel.data.read.tables.table_format import (
    Block,
    RawTable,
    ReadOptions,
    Stream,
    TableFormat,
    require_target,
)
from graduel.errors import UserError

if TYPE_CHECKING:
    import polars as pl


def _detect_dialect(path: Path, options: ReadOptions) -> Dialect:
    return detect_dialect(
        path,
        separator=options.separator,
        decimal=options.decimal,
        encoding=options.encoding,
        header=options.header,
        names=options.names,
        quote=options.quote,
    )


def _read(path: Path, options: ReadOptions) -> RawTable:
    dialect = _detect_dialect(path, options)
    frame, notes, findings = csv.read_csv(path, dialect)
    if options.reject_blank and frame.width == 1:
        _reject_blank_lines(path, dialect)
    return _raw_table(frame, notes, findings, dialect)


def _raw_table(
    frame: pl.DataFrame, notes: list[str], findings: tuple[Finding, ...], dialect: Dialect
) -> RawTable:
    guesses = map(READER_GUESS.report, dialect.guesses)
    return RawTable(frame, tuple(notes), dialect.decimal, (*guesses, *findings))


def _reject_blank_lines(path: Path, dialect: Dialect) -> None:
    """Raise if a line of a single-column file is blank, since later rows would be shifted."""
    with open_text(path, dialect.encoding) as file:
        lines = file.read().rstrip(BLANK).split("\n")[dialect.skip :]
    blank = next((i for i, line in enumerate(lines) if not line.strip(BLANK)), None)
    if blank is not None:
        raise UserError(
            f"{path}: line {blank + dialect.skip + 1:,}: expected a value in every row; the line "
            "is blank. Fill it in or delete it"
        )


def _scan(path: Path, options: ReadOptions) -> Stream:
    return scan_rows(path, _detect_dialect(path, options))


def scan_rows(path: Path, dialect: Dialect) -> Stream:
    """Return the stream of a file's rows as text."""
    import polars as pl

    names, _ = sanitize_names(dialect.names)
    schema: dict[str, pl.DataType] = {name: pl.String() for name in names}
    pairs = csv.scan_csv(path, dialect, as_text=True)
    decimal = dialect.decimal if dialect.shows_decimal else None
    return Stream(schema, decimal, (Block(*pair) for pair in pairs))


def _sample(path: Path, options: ReadOptions, target: str | None, size: int) -> RawTable:
    dialect = _detect_dialect(path, options)
    return _raw_table(*sample_rows(path, dialect, target, size), dialect)


def sample_rows(
    path: Path, dialect: Dialect, target: str | None, size: int
) -> tuple[pl.DataFrame, list[str], tuple[Finding, ...]]:
    """Return a stratified sample of a file's rows, notes and findings."""
    first = next(csv.scan_csv(path, dialect), None)
    if first is None:
        return csv.read_csv(path, dialect)  # raises: there are no rows
    if target is None:
        require_target(first[1])
    return csv.sample_csv(path, dialect, target, size)


DELIMITED = TableFormat(
    title="CSV",
    endings=(".csv", ".tsv", ".tab", ".psv"),
    recognize=None,
    read=_read,
    scan=_scan,
    sample=_sample,
    memory_bytes=lambda path, _: csv.text_bytes(path),
)
