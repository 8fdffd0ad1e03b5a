"""Terminal output of a duel or an experiment: its table and verdicts."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from graduel.cli.views.inspect_text import print_text
from graduel.duel.result.outcome import Run
from graduel.duel.verdict.sentences import phrase_question
from graduel.number_format import format_quantity
from graduel.report import experiment
from graduel.report.draw.contender_names import list_titles
from graduel.report.draw.picture import TextTable
from graduel.report.sections import cost, learning_curve, results
from graduel.report.sections.protocol_text import describe_predictions

WIDTH = 100
"""Characters in a line if the output is not a terminal."""


def build_rich_table(content: TextTable, title: str) -> Table:
    """Return a table for the terminal, with the best values in bold."""
    rich_table = Table(title=title)
    for i, heading in enumerate(content.head):
        rich_table.add_column(escape(heading), justify="right" if i else "left")
    for i, row in enumerate(content.rows):
        cells = [escape(text) for text in row]
        rich_table.add_row(
            *(f"[bold]{t}[/]" if (i, j) in content.best else t for j, t in enumerate(cells))
        )
    return rich_table


def show_experiment(run: Run, picture: Path, console: Console) -> None:
    """Print the table of an experiment and the path of its figure."""
    if not console.is_terminal:
        console.width = WIDTH
    result, seeds = run.result, run.result.protocol.seeds
    many = format_quantity(seeds, "seed") if seeds > 1 else "one seed (differences may be chance)"
    variants = format_quantity(len(result.contenders), "variant")
    title = f"{result.dataset.name}: {variants}, {many}"
    console.print(build_rich_table(experiment.build_table(run), title))
    for note in cost.list_notes(run):
        print_text(console, note)
    _print_missing(run, console)
    for scope in sorted({one.scope for one in result.comparisons}):
        print_text(console, scope)
    console.print(f"Figure: {picture}", highlight=False, markup=False, soft_wrap=True)


def _print_missing(run: Run, console: Console) -> None:
    if run.result.missing is not None:
        console.print()
        print_text(console, run.result.missing.sentence)


def show(run: Run, report: Path, console: Console) -> None:
    """Print the table, the answers to the claims, the verdicts, and the report's path."""
    if not console.is_terminal:
        console.width = WIDTH
    result, data = run.result, run.result.dataset
    title = (
        f"{data.name}: {format_quantity(data.n_train, 'training row')}, "
        f"{format_quantity(data.n_valid, 'validation row')}, "
        f"{format_quantity(data.n_test, 'test row')}"
    )
    if "x" in result.protocol.split:
        title += f" in the first fold ({result.protocol.split})"
    console.print(build_rich_table(results.build_table(run), title))
    print_text(console, f"Measured on {describe_predictions(run)}.")
    for note in (*results.list_notes(run), *cost.list_notes(run)):
        print_text(console, note)
    _print_missing(run, console)
    titles = list_titles(run)
    for claim in result.claims:
        console.print()
        print_text(console, phrase_question(claim, titles))
        console.print(f"[bold]{escape(claim.sentence)}[/]", highlight=False)
    if result.claims:
        console.print()
    for comparison in result.comparisons:
        print_text(console, f"* {comparison.sentence}")
        if comparison.cost:
            print_text(console, f"  {comparison.cost}")
    if result.comparisons:
        print_text(console, result.comparisons[0].scope)
    for sentence in learning_curve.list_sentences(run):
        print_text(console, f"* By training rows: {sentence}")
    if result.protocol.quick:
        print_text(
            console,
            "This was a quick duel with few rows and small budgets; for the full duel, run the "
            "command without --quick.",
        )
    console.print(f"\nReport: {report}", highlight=False, markup=False, soft_wrap=True)
