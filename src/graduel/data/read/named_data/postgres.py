"""Reading of a table or a query from a PostgreSQL server, given by its URL."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from graduel.data.read.column_names import join_names
from graduel.data.read.file_names import SIGN, is_query
from graduel.data.read.named_tables import quote_identifier
from graduel.data.read.optional_package import import_package
from graduel.errors import UserError

if TYPE_CHECKING:
    import polars as pl

URL = re.compile(r"(?P<url>postgres(?:ql)?://[^/\s]+(?:/[^\s:]*)?)(?:::(?P<part>.+))?", re.S)
USER = re.compile(r"^(postgres(?:ql)?://)[^/\s]*@")
OTHER = re.compile(r"(mysql|mariadb|mssql|oracle|redshift|snowflake)(\+\w+)?://")
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


def is_url(text: object) -> bool:
    """Return whether a text is the URL of a database server.

    Raises
    ------
    UserError
        If it is one of a server that is not supported.

    >>> is_url("postgresql://me@host/shop::customers"), is_url("shop.db::customers")
    (True, False)
    """
    if other := OTHER.match(str(text)):
        raise UserError(
            f"expected the URL of a PostgreSQL server, postgresql://…; got {other[0]}…. Save the "
            "table as a CSV or Parquet file"
        )
    return URL.fullmatch(str(text)) is not None


def without_password(text: str) -> str:
    """Return the URL of a server without its user and password; other texts unchanged.

    >>> without_password("postgresql://me:secret@host:5432/shop::customers")
    'postgresql://host:5432/shop::customers'
    """
    return USER.sub(r"\1", text)


def read_postgres(text: str) -> tuple[pl.DataFrame, str, str]:
    """Read a table or a query in a transaction that cannot change anything.

    Parameters
    ----------
    text : ``postgresql://user:password@host:port/database::table``, or a query after ``::``

    Returns
    -------
    The rows, the name of the data, and their origin, which holds no password.

    Raises
    ------
    UserError
        If the server cannot be reached, or the table cannot be read.
    """
    import polars as pl

    match = URL.fullmatch(text)
    assert match is not None  # is_url
    where = urlsplit(match["url"])
    origin = f"{where.scheme}://{where.hostname}{where.path}"
    with _connect(match["url"], origin) as cursor:
        query = _find_query(cursor, match["part"], origin)
        rows = _fetch(cursor, f"SELECT row_to_json(r.*)::text FROM ({query}) r LIMIT 1")
        if not rows:
            raise UserError(f"{origin}: expected rows; the table or query has none")
        keys = json.loads(rows[0][0], object_pairs_hook=_list_keys)
        names = [quote_identifier(name) for name in keys]
        types = ", ".join(f"pg_typeof(r.{name})::text" for name in names)
        kinds = _fetch(cursor, f"SELECT ARRAY[{types}] FROM ({query}) r LIMIT 1")[0][0]
        columns = ", ".join(
            f"{_cast(f'r.{name}', kind)} AS {name}" for name, kind in zip(names, kinds, strict=True)
        )
        cursor.execute(f"SELECT {columns} FROM ({query}) r")
        frame = pl.DataFrame(cursor.fetch_arrow())
    part = match["part"] or ""
    name = where.path.strip("/") if is_query(part) or not part else part
    return frame, name, origin


def _list_keys(pairs: list[tuple[str, Any]]) -> list[str]:
    return [name for name, _ in pairs]


def _cast(column: str, kind: str) -> str:
    if kind in PLAIN:
        return column
    return CASTS.get(kind, "{}::text").format(column)


def _find_query(cursor: Any, part: str | None, origin: str) -> str:
    """Return the query for a part; without one, for the only table outside of system schemas."""
    if part is not None and is_query(part):
        return part.rstrip("; \n")
    if part is None:
        rows = _fetch(
            cursor,
            "SELECT table_schema::text, table_name::text FROM information_schema.tables WHERE "
            "table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2",
        )
        if len(rows) != 1:
            tables = join_names(name for _, name in rows)
            raise UserError(
                f"{origin}: expected the name of a table or a query after {SIGN}; got none. The "
                f"tables are {tables or 'none'}"
            )
        names = list(rows[0])
    else:
        names = part.split(".") if "." in part else [part]
    return f"SELECT * FROM {'.'.join(map(quote_identifier, names))}"


def _fetch(cursor: Any, query: str) -> list[tuple[Any, ...]]:
    import polars as pl

    cursor.execute(query)
    return pl.DataFrame(cursor.fetch_arrow()).rows()


@contextmanager
def _connect(url: str, origin: str) -> Iterator[Any]:
    """Connect to a server and begin a transaction for reading only."""
    dbapi = import_package("adbc_driver_postgresql.dbapi", "tables of PostgreSQL", "sql")
    try:
        with dbapi.connect(url) as connection, connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
            yield cursor
    except dbapi.Error as error:
        what = " ".join(str(error).split("\n\nQuery was:")[0].split())
        raise UserError(
            f"{origin}: expected a server and a table or query that it can read; got {what}. "
            "Check the URL and the name"
        ) from None
