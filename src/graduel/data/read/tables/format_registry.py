"""The registry of table formats, which every reader, command and message asks."""

from __future__ import annotations

from pathlib import Path

from graduel.data.read.tables.archive_format import ARCHIVE
from graduel.data.read.tables.arff_format import ARFF
from graduel.data.read.tables.arrow_format import ARROW
from graduel.data.read.tables.delimited_format import DELIMITED
from graduel.data.read.tables.duckdb_format import DUCKDB
from graduel.data.read.tables.excel_format import EXCEL
from graduel.data.read.tables.json_format import JSON
from graduel.data.read.tables.parquet_format import PARQUET
from graduel.data.read.tables.sqlite_format import SQLITE
from graduel.data.read.tables.svmlight_format import SVMLIGHT
from graduel.data.read.tables.table_format import TableFormat

TABLE_FORMATS: tuple[TableFormat, ...] = (
    DELIMITED,
    PARQUET,
    ARFF,
    EXCEL,
    JSON,
    ARROW,
    SQLITE,
    DUCKDB,
    SVMLIGHT,
    ARCHIVE,
)
"""All table formats in the order of messages; the first that recognizes a file reads it."""


def recognize_table(path: Path, head: bytes) -> TableFormat | None:
    """Return the format that recognizes a file by its path and first bytes; None if none does."""
    for table_format in TABLE_FORMATS:
        if table_format.recognize is not None and table_format.recognize(path, head):
            return table_format
    return None


def table_endings() -> tuple[str, ...]:
    """Return the endings of the file names of tables.

    >>> table_endings()[:2]
    ('.csv', '.tsv')
    """
    return tuple(ending for one in TABLE_FORMATS for ending in one.endings)


def list_titles() -> str:
    """Return the titles of the table formats for a message, such as ``CSV or Parquet``."""
    *titles, last = (one.title for one in TABLE_FORMATS)
    return f"{', '.join(titles)} or {last}"
