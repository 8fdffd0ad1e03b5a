"""Results by data set: the metric of each contender on each data set of a suite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, floor, log10
from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from graduel.duel.result.outcome import Suite
from graduel.number_format import format_count
from graduel.report.draw.contender_names import list_looks, list_titles
from graduel.report.draw.interval_rows import create_dataset_rows, write_in_row
from graduel.report.draw.picture import WIDE, Picture, TextTable, draw_picture
from graduel.report.draw.style import SMALL, WIDTH, draw_marks, escape_text, set_ticks
from graduel.report.draw.wording import capitalize
from graduel.report.sections.differences import find_beaten
from graduel.report.suite.metric_text import count_test_rows, format_metric, format_metric_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from graduel.duel.result.suite_result import SuiteDataset
    from graduel.duel.verdict.types import Comparison

LOG_FROM = 8
"""Ratio of the largest to the smallest value above which values have a log scale."""
LANE = 0.13
"""Inches between the markers of two contenders within a data set."""


def values(suite: Suite, *, width: float = WIDTH) -> Figure:
    """Draw the metric of each contender on each data set, with its 95 % CI.

    On a log scale, an error of zero is drawn at half of one row.
    """
    titles, looks, datasets = list_titles(suite), list_looks(suite), suite.result.datasets
    in_percent = suite.result.protocol.metric_unit == "%"
    factor = 100 if in_percent else 1
    tall = LANE * len(titles) + 0.3
    legend = [escape_text(title, 24) for title in titles.values()]
    columns = max(1, min(len(legend), int(width // 1.6)))
    top = 0.1 + 0.22 * ceil(len(legend) / columns)
    fig, ax = create_dataset_rows(len(datasets), tall, width, top=top)
    drawn = [factor * one.contenders[name].value for one in datasets for name in titles]
    positive = [value for value in drawn if value > 0]
    log = in_percent and bool(positive) and max(positive) > LOG_FROM * min(positive)
    ends: list[float] = []
    for y, dataset in enumerate(datasets):
        at = y + (0.17 + 0.02) / tall
        write_in_row(ax, 0, at, escape_text(dataset.name, 34), size=SMALL, bold=True, box=True)
        lowest = factor * 0.5 / count_test_rows(dataset) if log else 0.0
        for lane, name in enumerate(titles):
            at = y + (0.3 + LANE * lane) / tall
            entry, look = dataset.contenders[name], looks[name]
            value = max(factor * entry.value, lowest)
            if entry.interval is not None:
                low, high = (max(factor * b, lowest or factor * b) for b in entry.interval)
                ax.plot([low, high], [at, at], color=look.color.light, linewidth=1.3)
                ends += [low, high]
            draw_marks(ax, value, at, look, 5.5, 0.6, zorder=3)
            ends.append(value)
    handles = [
        Line2D([], [], color=look.color.light, marker=look.mark, ms=5.5, lw=1.3)
        for look in looks.values()
    ]
    fig.legend(
        handles,
        legend,
        loc="outside upper left",
        ncols=columns,
        frameon=False,
        fontsize=SMALL,
        labelcolor="linecolor",
    )
    if log:
        _set_log_scale(ax, min(ends), max(ends))
    else:
        margin = 0.04 * (max(ends) - min(ends) or 1)
        ax.set_xlim(0 if in_percent else min(ends) - margin, max(ends) + margin)
    title = suite.result.protocol.metric_title
    ax.set_xlabel(f"{title}, %" if in_percent else title)
    return fig


def _set_log_scale(ax: Axes, low: float, high: float) -> None:
    ax.set_xscale("log")
    ax.set_xlim(0.85 * low, 1.15 * high)
    powers = range(floor(log10(low)), ceil(log10(high)) + 1)
    steps = (1, 3) if high > 300 * low else (1, 2, 5)
    ticks = [s * 10.0**p for p in powers for s in steps if low <= s * 10.0**p <= high]
    set_ticks(ax.xaxis, ticks, lambda x: f"{x:g}")


def name_leaders(comparisons: Sequence[Comparison], titles: Mapping[str, str]) -> str:
    """Return the contenders that no other one beats on a data set, by the verdicts of its duel."""
    beaten = find_beaten(comparisons)
    leaders = [name for name in titles if name not in beaten]
    if len(leaders) == 1:
        return titles[leaders[0]]
    among = {one.verdict for one in comparisons if {one.a, one.b} <= set(leaders)}
    verdict = "practically equal" if among == {"practically equal"} else "undecided"
    if len(leaders) in (0, len(titles)):
        return verdict
    if len(leaders) > 2:
        return f"{len(leaders)} {verdict}"
    return f"{verdict}: {titles[leaders[0]]}, {titles[leaders[1]]}"


def build_table(suite: Suite) -> TextTable:
    """Return a row for each data set: the metrics with CIs, and the unbeaten contenders."""
    titles, protocol = list_titles(suite), suite.result.protocol
    sign = 1 if protocol.lower_is_better else -1
    rows, best = [], set()
    for number, dataset in enumerate(suite.result.datasets):
        texts = [format_metric(suite, dataset, name) for name in titles]
        losses = [sign * dataset.contenders[name].value for name in titles]
        winner = min(zip(losses, texts, strict=True))[1]
        if len(titles) > 1:
            best |= {(number, i) for i, text in enumerate(texts, 1) if text == winner}
        cells = [
            text + _format_bounds(suite, dataset, name)
            for name, text in zip(titles, texts, strict=True)
        ]
        leaders = name_leaders(dataset.comparisons, titles)
        rows.append(
            (
                dataset.name,
                *cells,
                leaders,
                _describe_design(dataset),
                format_count(dataset.rows),
            )
        )
    return TextTable(
        f"{capitalize(protocol.metric_title)} by data set",
        ("Data set", *titles.values(), "Best", "Verdicts by", "Rows"),
        tuple(rows),
        frozenset(best),
    )


def _format_bounds(suite: Suite, dataset: SuiteDataset, name: str) -> str:
    """Return the CI of a contender's metric in brackets; empty without one."""
    if dataset.contenders[name].interval is None:
        return ""
    return f" ({format_metric_interval(suite, dataset, name)})"


def _describe_design(dataset: SuiteDataset) -> str:
    protocol = dataset.protocol
    seeds = f", {protocol.seeds} seeds" if protocol.seeds > 1 else ""
    return f"{protocol.metric_title}, {protocol.split}{seeds}"


def build_picture(suite: Suite) -> Picture:
    """Return the results by data set for a page."""
    titles, metric = list_titles(suite), suite.result.protocol.metric_title
    lines = "; ".join(
        f"{one.name}: "
        + ", ".join(f"{title} {format_metric(suite, one, name)}" for name, title in titles.items())
        for one in suite.result.datasets
    )
    caption = f"{capitalize(metric)} of each contender by data set"
    if any(e.interval for one in suite.result.datasets for e in one.contenders.values()):
        caption += (
            ", with 95 % CI. To compare two contenders, see their paired differences below: "
            "overlapping intervals do not mean that they are equal"
        )
    return draw_picture(
        "results",
        values(suite),
        f"Dot plot of the {metric} of each contender by data set. {lines}.",
        f"{caption}.",
        build_table(suite),
        wide=values(suite, width=WIDE),
    )
