"""Mean ranks over the data sets of a suite: critical-difference diagram and Friedman's test."""

from __future__ import annotations

from math import ceil
from statistics import median
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from graduel.duel.result.outcome import Suite
from graduel.duel.verdict.sentences import join_words
from graduel.number_format import format_equals_p, format_number, format_quantity, format_seconds
from graduel.report.draw.contender_names import list_looks, list_titles
from graduel.report.draw.notebook_figure import create_axes
from graduel.report.draw.picture import Picture, TextTable, draw_picture
from graduel.report.draw.style import (
    INK,
    MUTED,
    PAPER,
    SMALL,
    WIDTH,
    draw_marks,
    escape_text,
)
from graduel.report.suite.metric_text import get_across

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from graduel.duel.verdict.types import DatasetVerdict


def critical_difference(suite: Suite, *, width: float = WIDTH) -> Figure:
    """Draw the critical-difference diagram: mean ranks, and bars that join similar ones.

    Rank 1 is at the right. A bar joins ranks that differ by less than the critical difference.
    Source: Demšar, *Statistical comparisons of classifiers over multiple data sets*, 2006. Raises a
    ValueError if there are fewer than five contenders.
    """
    across, titles, looks = suite.result.across, list_titles(suite), list_looks(suite)
    if across is None or across.critical_difference is None:
        raise ValueError(
            "expected at least five contenders and two data sets for a critical-difference "
            f"diagram; got {format_quantity(len(titles), 'contender')} and "
            f"{format_quantity(len(suite.result.datasets), 'data set')}"
        )
    ranks, order = across.ranks, _order_by_rank(across)
    bars = [group for group in across.groups if len(group) > 1]
    half = ceil(len(order) / 2)
    depth = 0.3 + 0.13 * len(bars)  # distance from the axis to the first label
    height = 0.75 + depth + 0.26 * half
    fig, ax = create_axes(width, height)
    ax.set_yticks([])
    ax.set_xticks([])
    count = len(order)
    ax.set_xlim(count + 0.15, 0.85)
    ax.set_ylim(depth + 0.26 * half, -0.72)
    ax.plot([1, count], [0, 0], color=INK.light, linewidth=1)
    for rank in range(1, count + 1):
        ax.plot([rank, rank], [-0.06, 0], color=INK.light, linewidth=1)
        _write(ax, str(rank), rank, -0.1, ha="center", va="bottom")
    difference = across.critical_difference
    shown = min(difference, count - 1.0)
    ax.plot([1, 1 + shown], [-0.42, -0.42], color=MUTED.light, linewidth=2)
    _write(
        ax, f"critical difference {format_number(difference, 2)}", 1, -0.48, ha="right", va="bottom"
    )
    for number, group in enumerate(bars):
        ends = [ranks[name] for name in group]
        y = 0.14 + 0.13 * number
        pad = 0.04
        ax.plot([min(ends) - pad, max(ends) + pad], [y, y], color=INK.light, linewidth=3.2)
    for position, name in enumerate(order):
        right = position < half
        level = position if right else count - 1 - position
        y, edge = depth + 0.26 * level + 0.1, 0.85 if right else count + 0.15
        color = looks[name].color.light
        ax.plot([ranks[name], ranks[name], edge], [0, y, y], color=color, linewidth=1)
        draw_marks(ax, ranks[name], 0, looks[name], 5.5, zorder=4)
        text = f"{escape_text(titles[name], 28)}  {format_number(ranks[name], 2)}"
        ax.annotate(
            text,
            (edge, y),
            (0, 4),
            textcoords="offset points",
            ha="right" if right else "left",
            color=color,
            fontsize=SMALL,
            fontweight="bold",
            bbox={"facecolor": PAPER.light, "edgecolor": "none", "pad": 0},
            zorder=5,
        )
    return fig


def _write(ax: Axes, text: str, x: float, y: float, *, ha: str, va: str) -> None:
    ax.annotate(text, (x, y), ha=ha, va=va, color=MUTED.light, fontsize=SMALL)


def _order_by_rank(across: DatasetVerdict) -> list[str]:
    return sorted(across.ranks, key=lambda name: across.ranks[name])


def build_table(suite: Suite) -> TextTable:
    """Return the mean rank and the median training time of each contender."""
    titles, across = list_titles(suite), get_across(suite)
    times = {
        name: median(one.contenders[name].fit_seconds for one in suite.result.datasets)
        for name in titles
    }
    return TextTable(
        "Mean ranks (1: best on all data sets)",
        ("Contender", "Mean rank", "Median training time"),
        tuple(
            (titles[name], format_number(across.ranks[name], 2), format_seconds(times[name]))
            for name in _order_by_rank(across)
        ),
        frozenset({(0, 1)} if len(titles) > 1 else ()),
    )


def build_picture(suite: Suite, suffix: str = "") -> Picture | None:
    """Return the diagram for a page; None with fewer than five contenders."""
    table, titles, across = build_table(suite), list_titles(suite), get_across(suite)
    if across.critical_difference is None:
        return None
    ranks = "; ".join(f"{title} {rank}" for title, rank, _ in table.rows)
    groups = "; ".join(join_words([titles[name] for name in group]) for group in across.groups)
    return draw_picture(
        f"critical-difference{suffix}",
        critical_difference(suite),
        f"Critical-difference diagram of mean ranks: {ranks}. Critical difference "
        f"{format_number(across.critical_difference, 2)}. "
        f"Not significantly different: {groups or 'none'}.",
        "Critical-difference diagram: mean ranks, the best at the right. A bar joins contenders "
        "whose mean ranks differ by less than Nemenyi’s critical difference at 5 %.",
        table,
    )


def describe_friedman(across: DatasetVerdict) -> str:
    """Return the result of Friedman's test in a sentence; empty with two contenders."""
    p = across.iman_davenport_p
    if p is None or across.friedman_p is None:
        return ""
    result = (
        "some contenders differ" if p < 0.05 else "no contender is shown to differ from another"
    )
    return (
        f"Friedman test of all contenders (Iman–Davenport F): "
        f"{format_equals_p(p)} (χ²: {format_equals_p(across.friedman_p)}): {result}."
    )
