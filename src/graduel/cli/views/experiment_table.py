"""The table of a finished experiment on the screen."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from graduel.cli.views.duel_table import WIDTH
from graduel.duel.result.outcome import Run
from graduel.report.sections import tables


def show(run: Run, picture: Path, console: Console) -> None:
    """Print the table, and where the picture is."""
    if not console.is_terminal:
        console.width = WIDTH
    result, found = run.result, tables.experiment(run)
    seeds = result.protocol.seeds
    many = f"{seeds} seeds" if seeds > 1 else "one seed: what differs may be chance"
    table = Table(title=f"{result.dataset.name}: {len(found.rows)} variants, {many}")
    for i, heading in enumerate(found.head):
        table.add_column(escape(heading), justify="right" if i else "left")
    for i, row in enumerate(found.rows):
        cells = [escape(text) for text in row]
        table.add_row(
            *(f"[bold]{t}[/]" if (i, j) in found.best else t for j, t in enumerate(cells))
        )
    console.print(table)
    for scope in sorted({one.scope for one in result.comparisons}):
        console.print(scope, highlight=False, markup=False)
    where = f"The picture: {picture}"
    console.print(where, highlight=False, markup=False, soft_wrap=True)
