"""A suite's result on the screen: a line for each data set, then the pairs, then the words."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from graduel.duel.result.outcome import Suite
from graduel.report.suite import suite_tables as tables
from graduel.report.suite.suite_page import headline, mixed

NARROW = 80
"""Of the text where the output is no terminal."""
SHORT_FROM = 3
"""Of more contenders the table shows names for titles."""


def show(suite: Suite, page: Path, console: Console) -> None:
    """Print what the suite found, and where its page is."""
    if not console.is_terminal:
        console.width = NARROW
    result, called = suite.result, tables.titles(suite)
    if result.datasets:
        _values(suite, called, console)
    if result.across:
        _pairs(suite, console)
    console.print(f"[bold]{escape(headline(suite))}[/]", highlight=False)
    for pair in result.across.pairs if result.across else ():
        console.print(f"* {pair.sentence}", highlight=False, markup=False)
    if other := suite.by_log_loss():
        console.print(f"By log loss: {headline(other)}", highlight=False, markup=False)
    if result.across:
        console.print(result.across.scope, highlight=False, markup=False)
    if said := mixed(result):
        console.print(said, highlight=False, markup=False)
    for failure in result.failures:
        line = f"Not duelled on: {failure.name}: {failure.message}"
        console.print(line, highlight=False, markup=False)
    where = f"\nThe report: {page}"
    console.print(where, highlight=False, markup=False, soft_wrap=True)


def _values(suite: Suite, called: dict[str, str], console: Console) -> None:
    title = suite.result.protocol.metric_title
    table = Table(title=f"{title[0].upper()}{title[1:]} on every data set")
    table.add_column("Data set", overflow="fold")
    for name, title_of in called.items():
        # Of many, the short names: so many columns leave no room for titles.
        heading = title_of if len(called) <= SHORT_FROM else name
        table.add_column(escape(heading), justify="right", overflow="fold")
    table.add_column("Ahead", overflow="fold")
    found = tables.results(suite)
    for i, (line, row) in enumerate(zip(suite.result.datasets, found.rows, strict=True)):
        cells = [escape(tables.value(suite, line, name)) for name in called]
        bold = [f"[bold]{t}[/]" if (i, j) in found.best else t for j, t in enumerate(cells, 1)]
        table.add_row(escape(row[0]), *bold, escape(row[len(called) + 1]))
    console.print(table)


def _pairs(suite: Suite, console: Console) -> None:
    found = tables.pairs(suite)
    table = Table(title=f"Across {len(suite.result.datasets)} data sets")
    kept = [found.head.index(head) for head in ("First − second", "Wins", "Ties", "Losses")]
    kept += [found.head.index(head) for head in ("p, adjusted", "Verdict")]
    for i in kept:
        words = found.head[i] in ("First − second", "Verdict")
        table.add_column(escape(found.head[i]), justify="left" if words else "right")
    for row in found.rows:
        table.add_row(*(escape(row[i]) for i in kept))
    console.print(table)
