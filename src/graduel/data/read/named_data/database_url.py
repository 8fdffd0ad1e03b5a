"""URLs of database servers: ``postgresql://user:password@host/database::table``."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from graduel.data.read.column_names import join_names
from graduel.data.read.file_names import SIGN, is_query
from graduel.data.read.reading_errors import shorten
from graduel.errors import UserError

URL = re.compile(
    r"(?P<server>postgres(?:ql)?|mysql|mariadb)(?:\+\w+)?(?P<address>://[^/\s]+(?:/[^\s:]*)?)"
    r"(?:::(?P<part>.+))?",
    re.S,
)
USER = re.compile(r"^((?:postgres(?:ql)?|mysql|mariadb)(?:\+\w+)?://)[^/\s]*@")
OTHER = re.compile(r"(mssql|oracle|redshift|snowflake)(\+\w+)?://")


@dataclass(frozen=True, slots=True)
class DatabaseUrl:
    """The URL of a database server, and a table or a query.

    Attributes
    ----------
    url : the URL without the name of a driver and without the part
    part : the table or the query; None for the only table
    """

    url: str
    part: str | None

    @property
    def is_postgres(self) -> bool:
        """Whether the server is PostgreSQL; otherwise it is MySQL or MariaDB."""
        return self.url.startswith("postgres")

    @property
    def origin(self) -> str:
        """The URL without user, password and parameters."""
        where = urlsplit(self.url)
        return f"{where.scheme}://{where.hostname}{where.path}"

    @property
    def name(self) -> str:
        """The name of the data: that of the table, or of the database."""
        is_table = self.part is not None and not is_query(self.part)
        return str(self.part) if is_table else urlsplit(self.url).path.strip("/")

    def build_query(
        self, list_tables: Callable[[], Sequence[Sequence[str]]], quote: Callable[[str], str]
    ) -> str:
        """Return the query for the part; without one, for the only table.

        Parameters
        ----------
        list_tables : returns the schema and the name of each table, or only its name
        quote : writes a name as the server's SQL does

        Raises
        ------
        UserError
            If no part is given, and there are several tables or none.
        """
        if self.part is not None and is_query(self.part):
            return self.part.rstrip("; \n")
        if self.part is None:
            tables = list_tables()
            if len(tables) != 1:
                names = join_names(table[-1] for table in tables)
                raise UserError(
                    f"{self.origin}: expected the name of a table or a query after {SIGN}; got "
                    f"none. The tables are {names or 'none'}"
                )
            names_of_table = list(tables[0])
        else:
            names_of_table = self.part.split(".")
        return f"SELECT * FROM {'.'.join(map(quote, names_of_table))}"

    def refuse(self, error: object) -> UserError:
        """Return the error that the server cannot be reached, or the query not be answered."""
        what = shorten(str(error).split("\n\nQuery was:")[0])
        return UserError(
            f"{self.origin}: expected a server and a table or query that it can read; got {what}. "
            "Check the URL and the name"
        )

    def refuse_empty(self) -> UserError:
        """Return the error that there are no rows."""
        return UserError(f"{self.origin}: expected rows; the table or query has none")


def parse_url(text: object) -> DatabaseUrl | None:
    """Return the URL of a database server; None for other texts.

    Raises
    ------
    UserError
        If it is one of a server that is not supported.

    Examples
    --------
    >>> url = parse_url("mysql+pymysql://me:secret@host/shop::customers")
    >>> url.url, url.origin, url.name
    ('mysql://me:secret@host/shop', 'mysql://host/shop', 'customers')
    """
    if other := OTHER.match(str(text)):
        raise UserError(
            "expected the URL of a server of PostgreSQL, postgresql://…, or MySQL, mysql://…; got "
            f"{other[0]}…. Save the table as a CSV or Parquet file"
        )
    match = URL.fullmatch(str(text))
    return match and DatabaseUrl(match["server"] + match["address"], match["part"])


def is_url(text: object) -> bool:
    """Return whether a text is the URL of a database server.

    >>> is_url("postgresql://me@host/shop::customers"), is_url("shop.db::customers")
    (True, False)
    """
    return parse_url(text) is not None


def without_password(text: str) -> str:
    """Return the URL of a server without its user and password; other texts unchanged.

    >>> without_password("postgresql://me:secret@host:5432/shop::customers")
    'postgresql://host:5432/shop::customers'
    """
    return USER.sub(r"\1", text)
