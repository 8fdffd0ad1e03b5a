"""A run and a suite as HTML for a notebook: verdicts, table and race, without a script."""

from __future__ import annotations

from dataclasses import replace

from graduel.duel.result.outcome import Run, Suite
from graduel.duel.result.run_display import list_warnings
from graduel.number_format import format_quantity
from graduel.report.draw.contender_names import list_titles
from graduel.report.draw.html import keep_units
from graduel.report.draw.notebook_figure import render_figure
from graduel.report.draw.wording import capitalize
from graduel.report.sections import results
from graduel.report.sections.cost import describe_missing_cores
from graduel.report.sections.race import race, read_racers
from graduel.report.suite.metric_text import format_metric
from graduel.short_view import render_table, render_text, render_view

MOST_VERDICTS = 6
MOST_POINTS, MOST_BYTES = 600, 50_000
"""Points of the race, and size above which it is left out: a notebook is one file."""
ROW_LABELS = ("Test error", "95 % CI", "Log loss", "Training time")
"""Labels of the rows of the report's main table in the view, in addition to the duel's metric."""


def render_run(run: Run) -> str:
    """Return verdicts, table and race of a run as HTML, below 60 kB."""
    result = run.result
    sentences = [pair.sentence for pair in result.comparisons]
    missing = [] if result.missing is None else [result.missing.sentence]
    parts = [render_text(keep_units(text)) for text in missing + sentences[:MOST_VERDICTS]]
    if len(sentences) > MOST_VERDICTS:
        parts.append(render_text(f"… and {len(sentences) - MOST_VERDICTS} more in verdicts()"))
    parts.append(_render_results(run))
    parts += map(render_text, list_warnings(result))
    if busy := describe_missing_cores(run):
        parts.append(render_text(busy))
    view = render_view(f"Duel on {result.dataset.name}", *parts)
    label = f"Test error over training time on {result.dataset.name}"
    if not any(racer.curves and racer.curves[0] for racer in read_racers(run)):
        return view
    drawing = render_figure(race(_thin_curves(run)), label)
    return view + (drawing if len(drawing.encode()) <= MOST_BYTES else render_text("Race: race()"))


def _thin_curves(run: Run) -> Run:
    """Return the run with at most 600 points in all curves, the last of each among them."""
    n_curves = sum(len(curves) for curves in run.curve_points.values())
    most = max(MOST_POINTS // n_curves, 2)
    thin = {
        name: [[*curve[:: -(-len(curve) // most)], *curve[-1:]] for curve in curves]
        for name, curves in run.curve_points.items()
    }
    return replace(run, curve_points=thin)


def _render_results(run: Run) -> str:
    """Return the main rows of the report's table as columns, a row for each contender."""
    table, title = results.build_table(run), capitalize(run.result.protocol.metric_title)
    labels = {*ROW_LABELS, title, f"{title} (higher is better)"}
    shown = [i for i, row in enumerate(table.rows) if row[0] in labels]
    head = ("", *(table.rows[i][0] for i in shown))
    rows = [(name, *(table.rows[i][j] for i in shown)) for j, name in enumerate(table.head[1:], 1)]
    best = [
        (j - 1, k)
        for k, i in enumerate(shown, 1)
        for j in range(1, len(table.head))
        if (i, j) in table.best
    ]
    return render_table(head, rows, best)


def render_suite(suite: Suite) -> str:
    """Return verdicts across data sets, and the metric on each, as HTML below 60 kB."""
    result, titles = suite.result, list_titles(suite)
    pairs = () if result.across is None else result.across.pairs
    parts = [render_text(keep_units(pair.sentence)) for pair in pairs[:MOST_VERDICTS]]
    failures = [*result.failures, *result.unfinished]
    parts += [render_text(f"{one.name}: {one.message}") for one in failures[:MOST_VERDICTS]]
    rows = [
        (dataset.name, *(format_metric(suite, dataset, name) for name in titles))
        for dataset in result.datasets
    ]
    head = (capitalize(result.protocol.metric_title), *titles.values())
    title = f"Suite on {format_quantity(len(result.datasets), 'data set')}"
    return render_view(title, *parts, render_table(head, rows))
