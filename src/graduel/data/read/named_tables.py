"""The choice among the tables of a file: sheets of a workbook, tables of a database."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from graduel.data.read.column_names import join_names
from graduel.data.read.file_names import SIGN
from graduel.errors import UserError


def find_table(path: Path, name: str, names: Sequence[str], what: str) -> str:
    """Return the table that a user named; case is ignored if that is unambiguous.

    Parameters
    ----------
    what : what the file holds, such as ``sheet``

    Raises
    ------
    UserError
        If there is no such table; the message suggests the closest.
    """
    if name in names:
        return name
    lower = {one.lower(): one for one in reversed(names)}
    if name.lower() in lower and len(lower) == len(names):
        return lower[name.lower()]
    near = get_close_matches(name.lower(), lower, n=1)
    hint = f". Did you mean '{lower[near[0]]}'?" if near else ""
    raise UserError(
        f"{path}: expected the name of a {what} after {SIGN}, {join_names(names)}; got "
        f"'{name}'{hint}"
    )


def only_table(path: Path, names: Sequence[str]) -> str:
    """Return the table of a database that has one.

    Raises
    ------
    UserError
        If there are several or none.
    """
    if not names:
        raise UserError(f"{path}: expected a table; the database has none")
    if len(names) > 1:
        raise UserError(
            f"{path}: expected the name of one of its tables, {join_names(names)}. Give "
            f"'{path.name}{SIGN}{names[0]}', or a query: '{path.name}{SIGN}SELECT … FROM …'"
        )
    return names[0]


def quote_identifier(name: str) -> str:
    """Return a name as SQL writes it.

    >>> print(quote_identifier('a "b" c'))
    "a ""b"" c"
    """
    return '"' + name.replace('"', '""') + '"'
