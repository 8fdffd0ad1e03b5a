"""The table of a finished experiment on the screen."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from graduel.cli.views.duel_table import WIDTH
from graduel.cli.views.report_table import build_rich_table
from graduel.duel.result.outcome import Run
from graduel.report.experiment import build_table


def show(run: Run, picture: Path, console: Console) -> None:
    """Print the table, and where the picture is."""
    if not console.is_terminal:
        console.width = WIDTH
    result, seeds = run.result, run.result.protocol.seeds
    many = f"{seeds} seeds" if seeds > 1 else "one seed: what differs may be chance"
    title = f"{result.dataset.name}: {len(result.contenders)} variants, {many}"
    console.print(build_rich_table(build_table(run), title))
    for scope in sorted({one.scope for one in result.comparisons}):
        console.print(scope, highlight=False, markup=False)
    console.print(f"The picture: {picture}", highlight=False, markup=False, soft_wrap=True)
