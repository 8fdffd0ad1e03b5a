"""The format of ARFF files (Weka): typed columns, then rows of delimited text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from graduel.data.read.column_names import quote_name, sanitize_names
from graduel.data.read.delimited import csv
from graduel.data.read.delimited.arff import ArffHeader, read_arff_header
from graduel.data.read.tables.delimited_format import sample_rows, scan_rows
from graduel.data.read.tables.table_format import RawTable, ReadOptions, Stream, TableFormat
from graduel.errors import UserError

if TYPE_CHECKING:
    import polars as pl

ENDINGS = (".arff", ".arff.gz", ".arff.zip")


def _recognize(path: Path, _: bytes) -> bool:
    return path.name.lower().endswith(ENDINGS)


def _read(path: Path, options: ReadOptions) -> RawTable:
    header = read_arff_header(path, options.encoding)
    names, _ = sanitize_names(header.dialect.names)
    nominal = {name for name, kind in zip(names, header.types, strict=True) if kind == "nominal"}
    frame, notes, _ = csv.read_csv(path, header.dialect, text=nominal)
    return _convert(frame, notes, header, path)


def _convert(frame: pl.DataFrame, notes: list[str], header: ArffHeader, path: Path) -> RawTable:
    """Return the table with the types of the header."""
    import polars as pl

    columns = []
    for column, kind in zip(frame, header.types, strict=True):
        if kind == "nominal":
            column = column.cast(pl.String).cast(pl.Categorical)
        elif kind == "string":
            column = column.cast(pl.String)
        elif column.dtype == pl.String and column.null_count() < len(column):
            raise UserError(
                f"{path}: column {quote_name(column.name)}: expected numbers, as the header says; "
                "some cells are not numbers. Correct them, or declare the column as string"
            )
        columns.append(column)
    from_header = csv.describe_dialect(header.dialect)
    return RawTable(pl.DataFrame(columns), tuple(note for note in notes if note not in from_header))


def _scan(path: Path, options: ReadOptions) -> Stream:
    return scan_rows(path, read_arff_header(path, options.encoding).dialect)


def _sample(path: Path, options: ReadOptions, target: str | None, size: int) -> RawTable:
    header = read_arff_header(path, options.encoding)
    frame, notes, _ = sample_rows(path, header.dialect, target, size)
    return _convert(frame, notes, header, path)


ARFF = TableFormat(
    title="ARFF",
    endings=(".arff",),
    recognize=_recognize,
    read=_read,
    scan=_scan,
    sample=_sample,
    memory_bytes=lambda path, _: csv.text_bytes(path),
)
