"""Texts and tables of an inspection on the terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text


def print_text(console: Console, text: str, style: str | None = None) -> None:
    """Print a text without interpreting markup."""
    console.print(Text(text, style or ""), highlight=False)


def print_heading(console: Console, text: str) -> None:
    """Print a heading after an empty line."""
    console.print()
    print_text(console, text, "bold")


def build_table(*headings: str, title: str | None = None) -> Table:
    """Return an empty table without borders; the first column is aligned left."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for i, heading in enumerate(headings):
        table.add_column(escape(heading), justify="left" if i == 0 else "right")
    return table


def add_rows(table: Table, rows: Iterable[Iterable[str]]) -> Table:
    """Add rows of texts to a table and return it."""
    for row in rows:
        table.add_row(*map(escape, row))
    return table
