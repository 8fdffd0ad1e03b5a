"""Mean ranks as a critical-difference diagram."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from graduel.duel.result.outcome import Suite
from graduel.report.draw.style import (
    INK,
    MUTED,
    PAPER,
    SMALL,
    WIDTH,
    assign_looks,
    escape_text,
    style_axes,
)
from graduel.report.suite import suite_tables as tables

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def critical_difference(suite: Suite, *, width: float = WIDTH) -> Figure:
    """Draw the mean ranks, 1 at the right, with bars that join ranks that cannot be told apart.

    Source: Demšar, *Statistical comparisons of classifiers over multiple data sets*, 2006. Raises a
    ValueError where there are fewer than five contenders.
    """
    across, called = suite.result["across"], tables.titles(suite)
    if across is None or across["critical_difference"] is None:
        raise ValueError("a critical-difference diagram needs five contenders and two data sets")
    look = assign_looks(called)
    ranks = {name: float(rank) for name, rank in across["ranks"].items()}
    order = sorted(ranks, key=lambda name: ranks[name])
    bars = [group for group in across["groups"] if len(group) > 1]
    half = ceil(len(order) / 2)
    depth = 0.3 + 0.13 * len(bars)  # from the axis to the first label
    height = 0.75 + depth + 0.26 * half
    fig = Figure(figsize=(width, height), layout="constrained")
    ax = fig.subplots()
    style_axes(ax)
    ax.set_yticks([])
    ax.set_xticks([])
    count = len(order)
    ax.set_xlim(count + 0.15, 0.85)
    ax.set_ylim(depth + 0.26 * half, -0.72)
    ax.plot([1, count], [0, 0], color=INK.light, linewidth=1)
    for rank in range(1, count + 1):
        ax.plot([rank, rank], [-0.06, 0], color=INK.light, linewidth=1)
        _text(ax, str(rank), rank, -0.1, ha="center", va="bottom")
    difference = float(across["critical_difference"])
    shown = min(difference, count - 1.0)
    ax.plot([1, 1 + shown], [-0.42, -0.42], color=MUTED.light, linewidth=2)
    _text(ax, f"critical difference {difference:.2f}", 1, -0.48, ha="right", va="bottom")
    for number, group in enumerate(bars):
        ends = [ranks[name] for name in group]
        y = 0.14 + 0.13 * number
        pad = 0.04
        ax.plot([min(ends) - pad, max(ends) + pad], [y, y], color=INK.light, linewidth=3.2)
    for place, name in enumerate(order):
        right = place < half
        level = place if right else count - 1 - place
        y, edge = depth + 0.26 * level + 0.1, 0.85 if right else count + 0.15
        colour = look[name].colour.light
        ax.plot([ranks[name], ranks[name], edge], [0, y, y], color=colour, linewidth=1)
        ax.plot(ranks[name], 0, look[name].mark, color=colour, ms=5.5, mec=PAPER.light, zorder=4)
        text = f"{escape_text(called[name], 28)}  {ranks[name]:.2f}"
        ax.annotate(
            text,
            (edge, y),
            (0, 4),
            textcoords="offset points",
            ha="right" if right else "left",
            color=colour,
            fontsize=SMALL,
            fontweight="bold",
            bbox={"facecolor": PAPER.light, "edgecolor": "none", "pad": 0},
            zorder=5,
        )
    return fig


def _text(ax: Axes, text: str, x: float, y: float, *, ha: str, va: str) -> None:
    ax.annotate(text, (x, y), ha=ha, va=va, color=MUTED.light, fontsize=SMALL)
