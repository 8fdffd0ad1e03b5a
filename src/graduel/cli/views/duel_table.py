"""A duel's result on the screen: the table, then the verdicts in sentences."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape

from graduel.cli.views.report_table import build_rich_table
from graduel.duel.result.outcome import Run
from graduel.report.sections import learning_curve, results

WIDTH = 100
"""Characters in a line where the output is no terminal."""


def show(run: Run, report: Path, console: Console) -> None:
    """Print the table, the answers to the claims, each verdict, and where the report is."""
    if not console.is_terminal:
        console.width = WIDTH
    result, data = run.result, run.result.dataset
    title = (
        f"{data.name}: {data.n_train:,} training rows, {data.n_valid:,} validation rows, "
        f"{data.n_test:,} test rows"
    )
    if "x" in result.protocol.split:
        title += f", in each fold of {result.protocol.split}"
    console.print(build_rich_table(results.build_table(run), title))
    for claim in result.claims:
        console.print(f"[bold]{escape(claim.sentence)}[/]", highlight=False)
    if result.claims:
        console.print()
    for comparison in result.comparisons:
        console.print(f"* {comparison.sentence}", highlight=False, markup=False)
        if comparison.cost:
            console.print(f"  {comparison.cost}", highlight=False, markup=False)
    if result.comparisons:
        console.print(result.comparisons[0].scope, highlight=False, markup=False)
    for sentence in learning_curve.list_sentences(run):
        console.print(f"* By training rows: {sentence}", highlight=False, markup=False)
    if result.protocol.quick:
        hint = (
            "A quick look, with few rows and small budgets for all; the whole duel is the same "
            "command without --quick."
        )
        console.print(hint, highlight=False, markup=False)
    console.print(f"\nThe report: {report}", highlight=False, markup=False, soft_wrap=True)
