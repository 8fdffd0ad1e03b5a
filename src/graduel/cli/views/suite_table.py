"""Terminal output of a suite: a row for each data set, then the pairs and the verdicts."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from graduel.cli.views.inspect_text import print_text
from graduel.duel.result.outcome import Suite
from graduel.number_format import format_quantity
from graduel.report.draw.contender_names import list_titles
from graduel.report.draw.wording import capitalize
from graduel.report.suite import by_dataset, wins
from graduel.report.suite.metric_text import format_metric
from graduel.report.suite.suite_page import build_headline, describe_other_metrics

NARROW = 80
"""Characters in a line if the output is not a terminal."""
MOST_TITLES = 3
"""Most contenders whose titles fit; with more, the table shows their names."""
PAIR_COLUMNS = ("First − second", "Wins", "Ties", "Losses", "p, adjusted", "Verdict")


def show(suite: Suite, page: Path, console: Console) -> None:
    """Print the metrics, the pairs, the verdicts and the path of the report."""
    if not console.is_terminal:
        console.width = NARROW
    result = suite.result
    if result.datasets:
        _print_values(suite, console)
    if result.across:
        _print_pairs(suite, console)
    console.print(f"[bold]{escape(build_headline(suite))}[/]", highlight=False)
    lines = [f"* {pair.sentence}" for pair in (result.across.pairs if result.across else ())]
    if other := suite.by_log_loss():
        lines.append(f"By log loss: {build_headline(other)}")
    if result.across:
        lines.append(result.across.scope)
    if remark := describe_other_metrics(suite):
        lines.append(remark)
    lines += [f"Failed: {one.name}: {one.message}" for one in result.failures]
    lines += [f"Unfinished: {one.name}: {one.message}" for one in result.unfinished]
    for line in lines:
        print_text(console, line)
    console.print(f"\nReport: {page}", highlight=False, markup=False, soft_wrap=True)


def _print_values(suite: Suite, console: Console) -> None:
    titles = list_titles(suite)
    table = Table(title=f"{capitalize(suite.result.protocol.metric_title)} by data set")
    table.add_column("Data set", overflow="fold")
    for name, title in titles.items():
        heading = title if len(titles) <= MOST_TITLES else name
        table.add_column(escape(heading), justify="right", overflow="fold")
    table.add_column("Best", overflow="fold")
    content = by_dataset.build_table(suite)
    for i, (dataset, row) in enumerate(zip(suite.result.datasets, content.rows, strict=True)):
        cells = [escape(format_metric(suite, dataset, name)) for name in titles]
        bold = [f"[bold]{t}[/]" if (i, j) in content.best else t for j, t in enumerate(cells, 1)]
        table.add_row(escape(row[0]), *bold, escape(row[len(titles) + 1]))
    console.print(table)


def _print_pairs(suite: Suite, console: Console) -> None:
    content = wins.build_table(suite)
    table = Table(title=f"Across {format_quantity(len(suite.result.datasets), 'data set')}")
    shown = [content.head.index(heading) for heading in PAIR_COLUMNS]
    for i in shown:
        is_text = content.head[i] in ("First − second", "Verdict")
        table.add_column(escape(content.head[i]), justify="left" if is_text else "right")
    for row in content.rows:
        table.add_row(*(escape(row[i]) for i in shown))
    console.print(table)
