"""A table of a report on the screen."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from graduel.report.draw import text_table


def build_rich_table(content: text_table.TextTable, title: str) -> Table:
    """Return a report's table for a terminal, the best values in bold."""
    rich_table = Table(title=title)
    for i, heading in enumerate(content.head):
        rich_table.add_column(escape(heading), justify="right" if i else "left")
    for i, row in enumerate(content.rows):
        cells = [escape(text) for text in row]
        rich_table.add_row(
            *(f"[bold]{t}[/]" if (i, j) in content.best else t for j, t in enumerate(cells))
        )
    return rich_table
