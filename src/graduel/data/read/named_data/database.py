"""Reading of a table or a query from a database server, given by its URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graduel.data.read.column_names import sanitize_names
from graduel.data.read.named_data.database_url import parse_url
from graduel.data.read.named_data.mysql import read_mysql
from graduel.data.read.named_data.postgres import read_postgres

if TYPE_CHECKING:
    import polars as pl


def read_database(text: str) -> tuple[pl.DataFrame, str, str, list[str]]:
    """Read a table or a query in a transaction that cannot change anything.

    Parameters
    ----------
    text : ``postgresql://user:password@host:port/database::table``, or ``mysql://…``; or a query
        after ``::``

    Returns
    -------
    The rows, the name of the data, their origin, which holds no password, and notes.

    Raises
    ------
    UserError
        If the server cannot be reached, or the table cannot be read.
    """
    url = parse_url(text)
    assert url is not None  # is_url
    frame, notes = (read_postgres if url.is_postgres else read_mysql)(url)
    frame.columns, renamed = sanitize_names(frame.columns)
    return frame, url.name, url.origin, [*renamed, *notes]
