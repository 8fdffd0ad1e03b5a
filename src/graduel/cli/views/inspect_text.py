"""Texts, numbers and tables of an inspection on the screen."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text


def print_text(console: Console, text: str, style: str | None = None) -> None:
    """Print a text as it is, without markup."""
    console.print(Text(text, style or ""), highlight=False)


def print_heading(console: Console, text: str) -> None:
    """Print a heading after an empty line."""
    console.print()
    print_text(console, text, "bold")


def format_number(value: float) -> str:
    """Write a number so that a column of them can be read.

    >>> format_number(0.12345678), format_number(-1234.5), format_number(1e-9), format_number(45.0)
    ('0.1235', '-1234', '1.000e-09', '45')
    """
    if not isfinite(value):
        return str(value)
    if value == round(value) and abs(value) < 1e5:
        return str(round(value))
    if 1e-3 <= abs(value) < 1e5:
        return f"{value:.4f}" if abs(value) < 100 else f"{value:.0f}"
    return f"{value:.3e}"


def build_table(*headings: str, title: str | None = None) -> Table:
    """Return an empty table without borders; the first column is aligned left."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for i, heading in enumerate(headings):
        table.add_column(escape(heading), justify="left" if i == 0 else "right")
    return table


def add_rows(table: Table, rows: Iterable[Iterable[str]]) -> Table:
    """Add rows of plain texts to a table, and return it."""
    for row in rows:
        table.add_row(*map(escape, row))
    return table
