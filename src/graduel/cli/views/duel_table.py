"""A duel's result on the screen: the table, then the verdict in words."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from graduel.duel.result.outcome import Run
from graduel.report.sections import learning_curve, tables

WIDTH = 100
"""Of the text where the output is no terminal."""


def show(run: Run, report: Path, console: Console) -> None:
    """Print the table, the answers to the claim, each verdict, and where the report is."""
    if not console.is_terminal:
        console.width = WIDTH
    result, data = run.result, run.result.dataset
    found = tables.result(run)
    title = (
        f"{data.name}: {data.n_train:,} rows to learn from, {data.n_valid:,} to choose "
        f"on, {data.n_test:,} to be judged on"
    )
    if "x" in (split := result.protocol.split):
        title += f", in each fold of {split}"
    table = Table(title=title)
    for i, heading in enumerate(found.head):
        table.add_column(escape(heading), justify="right" if i else "left")
    for i, row in enumerate(found.rows):
        cells = [escape(text) for text in row]
        table.add_row(
            *(f"[bold]{t}[/]" if (i, j) in found.best else t for j, t in enumerate(cells))
        )
    console.print(table)
    for claim in result.claims:
        console.print(f"[bold]{escape(claim.sentence)}[/]", highlight=False)
    if result.claims:
        console.print()
    for comparison in result.comparisons:
        console.print(f"* {comparison.sentence}", highlight=False, markup=False)
        if comparison.cost:
            console.print(f"  {comparison.cost}", highlight=False, markup=False)
    if result.comparisons:
        scope = result.comparisons[0].scope
        console.print(scope, highlight=False, markup=False)
    for sentence in learning_curve.sentences(run):
        line = f"* By training rows: {sentence}"
        console.print(line, highlight=False, markup=False)
    if result.protocol.quick:
        hint = (
            "A quick look, with few rows and small budgets for all; the whole duel is the same "
            "command without --quick."
        )
        console.print(hint, highlight=False, markup=False)
    where = f"\nThe report: {report}"
    console.print(where, highlight=False, markup=False, soft_wrap=True)
