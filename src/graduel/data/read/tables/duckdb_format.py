"""The format of DuckDB databases: a table, a view or a query."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from graduel.data.read.file_checks.isolated_check import check_isolated
from graduel.data.read.file_checks.memory_check import HEAD, estimate_bytes
from graduel.data.read.file_names import is_query
from graduel.data.read.named_tables import find_table, only_table, quote_identifier
from graduel.data.read.optional_package import import_package
from graduel.data.read.reading_errors import reading_errors
from graduel.data.read.tables.streamed_format import stream_frame, streamed_format
from graduel.data.read.tables.table_format import ReadOptions, Stream

MAGIC, OFFSET = b"DUCK", 8
CASTS = {
    "INTERVAL": "epoch({})",
    "HUGEINT": "{}::DOUBLE",
    "UHUGEINT": "{}::DOUBLE",
    "UUID": "{}::VARCHAR",
    "BIT": "{}::VARCHAR",
    "TIME WITH TIME ZONE": "{}::VARCHAR",
}
"""How columns of types that Polars lacks are read; intervals in seconds."""
CONFIG = {"enable_external_access": "false", "lock_configuration": "true"}
"""A query reads the database and no other file."""


def _recognize(_: Path, head: bytes) -> bool:
    return head[OFFSET:].startswith(MAGIC)


@contextmanager
def _open(path: Path) -> Iterator[Any]:
    """Open a database for reading only.

    Raises
    ------
    UserError
        If the package is not installed, the file is damaged, or a query fails.
    """
    duckdb = import_package("duckdb", "DuckDB databases", "sql")
    expected = "a complete DuckDB database and a query that fits it"
    remedy = "Correct the query, or close other programs that use the database"
    with (
        reading_errors(path, expected, remedy),
        duckdb.connect(str(path), read_only=True, config=CONFIG) as connection,
    ):
        yield connection


def _find_query(connection: Any, path: Path, part: str | None) -> str:
    """Return the query for a part of a database."""
    if part is not None and is_query(part):
        return part.rstrip("; \n")
    rows = connection.execute(
        "SELECT table_name, table_type FROM information_schema.tables "
        "WHERE table_schema = 'main' ORDER BY table_name"
    ).fetchall()
    names = [name for name, _ in rows]
    tables = [name for name, kind in rows if kind == "BASE TABLE"]
    name = (
        only_table(path, tables or names)
        if part is None
        else find_table(path, part, names, "table")
    )
    return f"SELECT * FROM {quote_identifier(name)}"


def _plain_query(connection: Any, query: str) -> str:
    """Return a query whose columns have types that Polars can hold."""
    about = connection.execute(f"DESCRIBE {query}").fetchall()
    columns = [(quote_identifier(name), kind) for name, kind, *_ in about]
    casts = [f"{CASTS[kind].format(name)} AS {name}" for name, kind in columns if kind in CASTS]
    return f"SELECT * REPLACE ({', '.join(casts)}) FROM ({query})" if casts else query


def _scan(path: Path, options: ReadOptions) -> Stream:
    import polars as pl

    with _open(path) as connection:
        query = _plain_query(connection, _find_query(connection, path, options.part))
        frame = pl.DataFrame(connection.sql(query))
    return stream_frame(frame, path)


def _memory_bytes(path: Path, options: ReadOptions) -> int:
    """Estimate the size of a table in memory from its first rows and their number."""
    import polars as pl

    with _open(path) as connection:
        query = _plain_query(connection, _find_query(connection, path, options.part))
        head = pl.DataFrame(connection.sql(f"SELECT * FROM ({query}) LIMIT {HEAD}"))
        n_rows = connection.execute(f"SELECT COUNT(*) FROM ({query})").fetchone()[0]
    return estimate_bytes(head, n_rows)


DUCKDB = streamed_format(
    title="DuckDB",
    endings=(),  # a database may hold several tables, so it is no table of a folder
    recognize=_recognize,
    scan=_scan,
    memory_bytes=_memory_bytes,
    check=lambda path, options: check_isolated(path, options.part, "DuckDB"),
    parts="table",
)
