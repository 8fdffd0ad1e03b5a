"""The format of SQLite databases: a table, a view or a query."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from graduel.data.read.column_names import sanitize_names
from graduel.data.read.file_checks.memory_check import HEAD
from graduel.data.read.file_names import is_query
from graduel.data.read.named_tables import find_table, only_table, quote_identifier
from graduel.data.read.python_values import ValueTypes
from graduel.data.read.reading_errors import shorten
from graduel.data.read.tables.streamed_format import STRIDE, streamed_format
from graduel.data.read.tables.table_format import Block, ReadOptions, Stream
from graduel.errors import UserError

MAGIC = b"SQLite format 3\0"
JOURNALS = ("-wal", "-journal")
"""Endings of the files next to a database with changes that are not in it yet."""


def _recognize(_: Path, head: bytes) -> bool:
    return head.startswith(MAGIC)


@contextmanager
def _open(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database for reading only; no file is changed or created.

    Raises
    ------
    UserError
        If the file is damaged, a query fails, or some changes are in another file.
    """
    for ending in JOURNALS:
        journal = path.with_name(path.name + ending)
        if journal.is_file() and any(journal.read_bytes()[:8]):
            raise UserError(
                f"{path}: expected a closed database; {journal.name} has changes that are not in "
                "it yet. Close the program that writes them, or copy the table to a CSV file"
            )
    try:
        uri = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA cell_size_check = ON")
            yield connection
    except (sqlite3.Error, sqlite3.Warning, UnicodeError, OverflowError, MemoryError) as error:
        what = shorten(str(error)) or type(error).__name__
        raise UserError(
            f"{path}: expected a complete SQLite database and a query that fits it; it cannot be "
            f"read ({what}). Correct the query, or get the file again"
        ) from None


def _find_query(path: Path, part: str | None) -> tuple[str, set[int]]:
    """Return the query for a part of the database, and the columns declared as booleans."""
    if part is not None and is_query(part):
        return part.rstrip("; \n"), set()
    with _open(path) as connection:
        rows = connection.execute(
            "SELECT name, type FROM sqlite_master WHERE type IN ('table', 'view') "
            r"AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY rowid"
        ).fetchall()
        names = [name for name, _ in rows]
        tables = [name for name, kind in rows if kind == "table"]
        if part is None:
            name = only_table(path, tables or names)
        else:
            name = find_table(path, part, names, "table")
        about = connection.execute(f"PRAGMA table_info({quote_identifier(name)})").fetchall()
    booleans = {i for i, column in enumerate(about) if "BOOL" in str(column[2]).upper()}
    return f"SELECT * FROM {quote_identifier(name)}", booleans


def _scan(path: Path, options: ReadOptions) -> Stream:
    import polars as pl

    query, booleans = _find_query(path, options.part)
    with _open(path) as connection:
        cursor = connection.execute(query)
        if cursor.description is None:
            raise UserError(f"{path}: expected a query that returns rows; got {query}")
        names, renamed = sanitize_names([column[0] for column in cursor.description])
        types = [ValueTypes() for _ in names]
        while rows := cursor.fetchmany(STRIDE):
            for one, values in zip(types, zip(*rows, strict=True), strict=True):
                one.update(values)
    for i in booleans:
        types[i].declare_boolean()

    def blocks() -> Iterator[Block]:
        with _open(path) as connection:
            cursor = connection.execute(query)
            while rows := cursor.fetchmany(STRIDE):
                block = pl.DataFrame(
                    [
                        one.to_series(values, name)
                        for one, values, name in zip(
                            types, zip(*rows, strict=True), names, strict=True
                        )
                    ]
                )
                yield Block(block, block)

    schema = {name: one.dtype for name, one in zip(names, types, strict=True)}
    return Stream(schema, ".", blocks(), tuple(renamed))


def _memory_bytes(path: Path, options: ReadOptions) -> int:
    """Estimate the size of a table in memory from its first rows and their number."""
    query, _ = _find_query(path, options.part)
    with _open(path) as connection:
        n_rows: Any = connection.execute(f"SELECT COUNT(*) FROM ({query})").fetchone()[0]
        head = connection.execute(query).fetchmany(HEAD)
    cells = sum(
        8 + (len(value) if isinstance(value, str | bytes) else 0) for row in head for value in row
    )
    return int(cells / max(len(head), 1) * n_rows)


SQLITE = streamed_format(
    title="SQLite",
    endings=(),  # a database may hold several tables, so it is no table of a folder
    recognize=_recognize,
    scan=_scan,
    memory_bytes=_memory_bytes,
    parts="table",
)
