"""Streaming of a table in blocks of rows, for predictions on tables of any size."""

from __future__ import annotations

from pathlib import Path

from graduel.data.read.file_names import split_part
from graduel.data.read.named_data.database import read_database
from graduel.data.read.named_data.database_url import is_url
from graduel.data.read.reader import detect_format, reject_part
from graduel.data.read.tables.format_registry import list_titles
from graduel.data.read.tables.streamed_format import stream_frame
from graduel.data.read.tables.table_format import ReadOptions, Stream, TableFormat
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
    part: str | None = None,
) -> Stream:
    """Open a table for reading in blocks.

    Parameters
    ----------
    separator, decimal, encoding, header, names, quote : the format of a text file; detected by
        default
    part : the table in a file of several tables, if `path` does not name it after ``::``

    Raises
    ------
    UserError
        If the file is not a table or cannot be read; for a damaged file possibly at a later block.
    """
    if is_url(path):
        frame, _, origin, notes = read_database(str(path))
        return stream_frame(frame, Path(origin), tuple(notes))
    path, named = split_part(path)
    part = part or named
    table_format = detect_format(path)
    if not isinstance(table_format, TableFormat):
        kind = "a folder" if path.is_dir() else "a file of arrays"
        raise UserError(f"{path}: expected a table ({list_titles()}); got {kind}")
    reject_part(path, table_format, part)
    options = ReadOptions(separator, decimal, encoding, header, names, quote, part)
    return table_format.scan(path, options)
