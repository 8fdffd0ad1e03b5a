"""Streaming of a table in blocks of rows, for predictions on tables of any size."""

from __future__ import annotations

from pathlib import Path

from graduel.data.read.reader import detect_table
from graduel.data.read.tables.format_registry import list_titles
from graduel.data.read.tables.table_format import ReadOptions, Stream
from graduel.errors import UserError


def open_stream(
    path: str | Path,
    *,
    separator: str | None = None,
    decimal: str | None = None,
    encoding: str | None = None,
    header: bool | int | None = None,
    names: tuple[str, ...] = (),
    quote: str | None = None,
) -> Stream:
    """Open a table (CSV or other delimited text, Parquet) for reading in blocks.

    Parameters
    ----------
    separator, decimal, encoding, header, names, quote : the format of a text file; detected by
        default

    Raises
    ------
    UserError
        If the file is not a table or cannot be read; for a damaged file possibly at a later block.
    """
    path = Path(path)
    table_format = detect_table(path)
    if table_format is None:
        kind = "a folder" if path.is_dir() else "a file of arrays"
        raise UserError(f"{path}: expected a table ({list_titles()}); got {kind}")
    options = ReadOptions(separator, decimal, encoding, header, names, quote)
    return table_format.scan(path, options)
