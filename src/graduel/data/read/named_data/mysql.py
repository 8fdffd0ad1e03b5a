"""Reading of a table or a query from a MySQL or MariaDB server, given by its URL."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from graduel.data.read.column_names import join_names, quote_name
from graduel.data.read.named_data.database_url import DatabaseUrl
from graduel.data.read.optional_package import import_package
from graduel.data.read.python_values import valid_text
from graduel.errors import UserError
from graduel.number_format import agree, format_quantity

if TYPE_CHECKING:
    import polars as pl

STRIDE = 10_000
"""Rows that are fetched at a time."""
TIMEOUT = 10
"""Seconds until a server must answer."""
PARAMETERS = ("unix_socket", "ssl_ca")
"""Parameters of a URL, after a question mark."""


def read_mysql(url: DatabaseUrl) -> tuple[pl.DataFrame, list[str]]:
    """Read a table or a query in a transaction that cannot change anything.

    The password may be in the URL, in the variable ``MYSQL_PWD``, or in ``~/.my.cnf``.

    Returns
    -------
    The rows, and notes.

    Raises
    ------
    UserError
        If the server cannot be reached, or the table cannot be read.
    """
    import polars as pl

    with _connect(url) as cursor:
        query = url.build_query(lambda: _list_tables(cursor), _quote)
        cursor.execute(f"SELECT r.* FROM ({query}) r")
        columns = [_Column(name, code) for name, code, *_ in cursor.description]
        while rows := cursor.fetchmany(STRIDE):
            for column, values in zip(columns, zip(*rows, strict=True), strict=True):
                column.add(values)
    if not columns[0].blocks:
        raise url.refuse_empty()
    notes = [note for column in columns for note in column.notes()]
    return pl.DataFrame([column.to_series() for column in columns]), notes


class _Column:
    """The values of a column, block by block.

    Attributes
    ----------
    name, code : the column's name, and PyMySQL's code of its type
    n_invalid : number of dates that no calendar has
    """

    def __init__(self, name: str, code: int) -> None:
        from pymysql.constants import FIELD_TYPE

        self.name, self.code, self.n_invalid = name, code, 0
        self.is_date = code in (FIELD_TYPE.DATE, FIELD_TYPE.NEWDATE)
        self.is_moment = code in (FIELD_TYPE.DATETIME, FIELD_TYPE.TIMESTAMP)
        self.is_duration = code == FIELD_TYPE.TIME
        self.is_utc = code == FIELD_TYPE.TIMESTAMP
        self.is_bit = code == FIELD_TYPE.BIT
        self.blocks: list[pl.Series] = []

    def add(self, values: tuple[Any, ...]) -> None:
        """Add the values of one block."""
        import polars as pl

        dtype: Any = None
        if self.is_date or self.is_moment or self.is_duration:
            # PyMySQL leaves dates that no calendar has, such as 0000-00-00, as text.
            invalid = [isinstance(value, str) for value in values]
            self.n_invalid += sum(invalid)
            values = tuple(
                None if odd else value for value, odd in zip(values, invalid, strict=True)
            )
            dtype = pl.Duration("us") if self.is_duration else pl.Datetime("us")
            dtype = pl.Date() if self.is_date else dtype
        elif self.is_bit:
            values = tuple(None if one is None else int.from_bytes(one, "big") for one in values)
        kinds = {type(value) for value in values if value is not None}
        if dtype is not None:
            pass
        elif kinds <= {int}:
            small = all(value is None or -(2**63) <= value < 2**63 for value in values)
            dtype = (pl.Int64 if small else pl.Int128) if kinds else pl.Null
        elif kinds <= {float, int}:
            dtype = pl.Float64
        elif kinds == {bytes}:
            dtype = pl.Binary
        else:
            values = tuple(None if value is None else valid_text(value) for value in values)
            dtype = pl.String
        self.blocks.append(pl.Series(self.name, values, dtype=dtype))

    def to_series(self) -> pl.Series:
        """Return all values."""
        import polars as pl

        frames = [block.rename("x").to_frame() for block in self.blocks]
        column = pl.concat(frames, how="vertical_relaxed").to_series().alias(self.name)
        return column.dt.replace_time_zone("UTC") if self.is_utc else column

    def notes(self) -> Iterator[str]:
        """Yield a note on the dates that are read as missing."""
        if self.n_invalid:
            yield (
                f"column {quote_name(self.name)}: "
                f"{format_quantity(self.n_invalid, 'date')} that no calendar has, such as "
                f"0000-00-00, {agree(self.n_invalid, 'is', 'are')} read as missing"
            )


def _list_tables(cursor: Any) -> list[tuple[str, ...]]:
    cursor.execute(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() "
        "ORDER BY table_name"
    )
    return list(cursor.fetchall())


def _quote(name: str) -> str:
    """Return a name as MySQL writes it.

    >>> _quote("a `b` c")
    '`a ``b`` c`'
    """
    return "`" + name.replace("`", "``") + "`"


def _converters() -> dict[int, Callable[..., Any]]:
    """Return PyMySQL's functions that read values, with floats for decimal numbers."""
    from pymysql.constants import FIELD_TYPE
    from pymysql.converters import conversions

    return {**conversions, FIELD_TYPE.DECIMAL: float, FIELD_TYPE.NEWDECIMAL: float}


def _read_parameters(url: DatabaseUrl) -> dict[str, str]:
    parameters = dict(parse_qsl(urlsplit(url.url).query))
    if unknown := [name for name in parameters if name not in PARAMETERS]:
        raise UserError(
            f"{url.origin}: expected the parameters {join_names(PARAMETERS)} after '?'; got "
            f"{join_names(unknown)}. Leave them out"
        )
    return parameters


@contextmanager
def _connect(url: DatabaseUrl) -> Iterator[Any]:
    """Connect to a server and begin a transaction for reading only."""
    pymysql = import_package("pymysql", "tables of MySQL", "sql")
    from pymysql.cursors import SSCursor

    where = urlsplit(url.url)
    options, defaults = _read_parameters(url), Path.home() / ".my.cnf"
    try:
        with (
            pymysql.connect(
                host=where.hostname,
                port=where.port or 3306,
                user=unquote(where.username or ""),
                password=unquote(where.password or os.environ.get("MYSQL_PWD", "")),
                database=unquote(where.path.strip("/")) or None,
                charset="utf8mb4",
                connect_timeout=TIMEOUT,
                conv=_converters(),
                cursorclass=SSCursor,
                init_command="SET time_zone = '+00:00'",
                read_default_file=str(defaults) if defaults.is_file() else None,
                **options,
            ) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("START TRANSACTION READ ONLY")
            yield cursor
    except (pymysql.Error, OSError, RuntimeError, ValueError) as error:
        # An error of the server is a number and a text.
        raise url.refuse(error.args[-1] if error.args else type(error).__name__) from None
