"""Reading of a table or a query from a PostgreSQL server, given by its URL."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from graduel.data.read.named_data.database_url import DatabaseUrl
from graduel.data.read.named_tables import quote_identifier
from graduel.data.read.optional_package import import_package

if TYPE_CHECKING:
    import polars as pl

CASTS = {
    "interval": "EXTRACT(EPOCH FROM {})::float8",
    "numeric": "{}::float8",
    "real": "{}::float8",
}
"""How columns of some types are read; intervals in seconds."""
PLAIN = {
    *("bigint", "boolean", "bytea", "character varying", "date", "double precision", "integer"),
    *("smallint", "text", "time without time zone", "timestamp with time zone"),
    "timestamp without time zone",
}
"""Types that are read as they are; all others as text."""


def read_postgres(url: DatabaseUrl) -> tuple[pl.DataFrame, list[str]]:
    """Read a table or a query in a transaction that cannot change anything.

    Returns
    -------
    The rows, and notes: none.

    Raises
    ------
    UserError
        If the server cannot be reached, or the table cannot be read.
    """
    import polars as pl

    with _connect(url) as cursor:
        query = url.build_query(lambda: _list_tables(cursor), quote_identifier)
        rows = _fetch(cursor, f"SELECT row_to_json(r.*)::text FROM ({query}) r LIMIT 1")
        if not rows:
            raise url.refuse_empty()
        keys = json.loads(rows[0][0], object_pairs_hook=_list_keys)
        names = [quote_identifier(name) for name in keys]
        types = ", ".join(f"pg_typeof(r.{name})::text" for name in names)
        kinds = _fetch(cursor, f"SELECT ARRAY[{types}] FROM ({query}) r LIMIT 1")[0][0]
        columns = ", ".join(
            f"{_cast(f'r.{name}', kind)} AS {name}" for name, kind in zip(names, kinds, strict=True)
        )
        cursor.execute(f"SELECT {columns} FROM ({query}) r")
        return pl.DataFrame(cursor.fetch_arrow()), []


def _list_keys(pairs: list[tuple[str, Any]]) -> list[str]:
    return [name for name, _ in pairs]


def _cast(column: str, kind: str) -> str:
    if kind in PLAIN:
        return column
    return CASTS.get(kind, "{}::text").format(column)


def _list_tables(cursor: Any) -> list[tuple[str, ...]]:
    """Return schema and name of each table outside of system schemas."""
    return _fetch(
        cursor,
        "SELECT table_schema::text, table_name::text FROM information_schema.tables WHERE "
        "table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2",
    )


def _fetch(cursor: Any, query: str) -> list[tuple[Any, ...]]:
    import polars as pl

    cursor.execute(query)
    return pl.DataFrame(cursor.fetch_arrow()).rows()


@contextmanager
def _connect(url: DatabaseUrl) -> Iterator[Any]:
    """Connect to a server and begin a transaction for reading only."""
    dbapi = import_package("adbc_driver_postgresql.dbapi", "tables of PostgreSQL", "sql")
    try:
        with dbapi.connect(url.url) as connection, connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
            yield cursor
    except dbapi.Error as error:
        raise url.refuse(error) from None
