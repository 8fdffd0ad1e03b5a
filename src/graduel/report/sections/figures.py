"""The figures of a finished duel; each function returns a matplotlib ``Figure``.

What a figure draws are the numbers of the function of the same name in
:mod:`graduel.report.sections.numbers`, no others. Nothing here touches pyplot or global state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator, NullFormatter

from graduel.duel.result.outcome import Run
from graduel.report.draw import units
from graduel.report.draw.style import (
    GRID,
    INK,
    LARGE,
    MUTED,
    NARROW,
    PAPER,
    SMALL,
    TEXT,
    WIDTH,
    assign_looks,
    escape_text,
    style_axes,
)
from graduel.report.sections import numbers
from graduel.report.sections.calibration_figure import calibration
from graduel.report.sections.curves_figure import learning, race
from graduel.report.sections.intervals_figure import differences, errors
from graduel.report.sections.mistakes_figure import doubts, only_one_right
from graduel.report.sections.robustness_figure import (
    MOST_COLUMNS,
    importance,
    robustness,
    shown_columns,
)
from graduel.report.sections.tuning_figure import trials

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "MOST_COLUMNS",
    "calibration",
    "confusion",
    "cost",
    "differences",
    "doubts",
    "errors",
    "importance",
    "learning",
    "only_one_right",
    "race",
    "robustness",
    "shown_columns",
    "trials",
]

MOST_CLASSES = 30
"""A confusion matrix of more classes shows those with the most mistakes."""
CLASSES_WITH_COUNTS = 12


def confusion(run: Run, name: str) -> Figure:
    """Draw how often `name` took each true class (rows) for each class (columns).

    Mistakes are shaded by their number; right answers, on the diagonal, stay pale, so that they
    do not drown them. Of more than 30 classes it shows the 30 with the most mistakes.
    """
    matrix = numbers.confusion(run, name)
    colour = assign_looks(numbers.contenders(run))[name].colour.light
    off = matrix.counts.copy()
    np.fill_diagonal(off, 0)
    kept = np.arange(len(matrix.classes))
    if len(kept) > MOST_CLASSES:
        kept = np.sort(np.argsort(-(off.sum(0) + off.sum(1)), kind="stable")[:MOST_CLASSES])
    counts, off = matrix.counts[np.ix_(kept, kept)], off[np.ix_(kept, kept)]
    n, most = len(kept), max(int(off.max()), 1)
    width = NARROW if n <= CLASSES_WITH_COUNTS else WIDTH
    fig = Figure(figsize=(width, width), layout="constrained")
    ax = fig.subplots()
    style_axes(ax)
    size = SMALL if n <= 10 else SMALL - 1
    for i in range(n):
        ax.add_patch(_cell(i, i, GRID.light, 0.6))
        if n <= CLASSES_WITH_COUNTS and counts[i, i]:
            _count(ax, i, i, int(counts[i, i]), MUTED.light, size - 1.5)
    for i, j in np.argwhere(off):
        # The darkest cell keeps 60 % of the hue: ink stays legible on it, in light and in dark.
        ax.add_patch(_cell(i, j, colour, 0.08 + 0.52 * float(off[i, j]) / most))
        if n <= CLASSES_WITH_COUNTS:
            _count(ax, i, j, int(off[i, j]), INK.light, size)
    ax.set_xlim(-0.5, n - 0.5)
    ax.set_ylim(n - 0.5, -0.5)
    ax.set_aspect("equal")
    labels = [escape_text(matrix.classes[k], 12) for k in kept]
    small = SMALL if n <= CLASSES_WITH_COUNTS else 6.5
    turn = 90 if max(map(len, labels)) > (3 if n <= CLASSES_WITH_COUNTS else 1) else 0
    ax.set_xticks(range(n), labels, rotation=turn)
    ax.set_yticks(range(n), labels)
    ax.tick_params(labelsize=small, labelcolor=INK.light, pad=2)
    ax.set_xlabel("answer", color=MUTED.light, fontsize=SMALL)
    ax.set_ylabel("true class", color=MUTED.light, fontsize=SMALL)
    ax.set_title(
        escape_text(numbers.titles(run)[name], 40),
        loc="left",
        color=colour,
        fontsize=LARGE,
        fontweight="bold",
        pad=6,
    )
    return fig


def cost(run: Run) -> Figure:
    """Draw what each contender costs in time, memory and size, each on a log scale of its own."""
    kinds = numbers.cost(run)
    names = numbers.contenders(run)
    titles, look = numbers.titles(run), assign_looks(names)
    panel = 0.34 + 0.235 * len(names)
    fig = Figure(figsize=(WIDTH, panel * len(kinds) + 0.1), layout="constrained")
    panels = np.atleast_1d(np.asarray(fig.subplots(len(kinds), 1)))
    for ax, kind in zip(panels, kinds, strict=True):
        style_axes(ax, grid="x")
        say = units.seconds if kind.unit == "seconds" else units.bytes_
        measured = [value for value in kind.values.values() if value and value > 0]
        low, high = (min(measured), max(measured)) if measured else (1.0, 1.0)
        # At least a decade, so that equal costs look equal; room for the value at the right.
        low, high = min(low, high / 10) / 1.6, high * 1.25
        ax.set_xscale("log")
        ax.set_xlim(low, high * (high / low) ** 0.28)
        ax.xaxis.set_major_formatter(NullFormatter())
        ax.xaxis.set_minor_locator(FixedLocator([]))
        for y, name in enumerate(names):
            value, style = kind.values[name], look[name]
            x = value if value and value > 0 else low
            if value and value > 0:
                ax.hlines(y, low, x, color=style.colour.light, linewidth=1.4, alpha=0.5)
                ax.plot(x, y, style.mark, color=style.colour.light, ms=6.5, mec=PAPER.light)
            ax.annotate(
                say(value),
                (x, y),
                (8, 0),
                textcoords="offset points",
                va="center_baseline",
                color=INK.light,
                fontsize=SMALL,
                bbox={"facecolor": PAPER.light, "edgecolor": "none", "pad": 1},
            )
        ax.set_ylim(len(names) - 0.5, -0.5)
        ax.set_yticks(range(len(names)), [escape_text(titles[name], 20) for name in names])
        for tick, name in zip(ax.get_yticklabels(), names, strict=True):
            tick.set_color(look[name].colour.light)
        ax.set_title(kind.label, loc="left", fontsize=TEXT, fontweight="bold", color=INK.light)
    return fig


def _cell(i: int, j: int, colour: str, alpha: float) -> Rectangle:
    return Rectangle(
        (j - 0.47, i - 0.47), 0.94, 0.94, facecolor=colour, alpha=alpha, edgecolor="none"
    )


def _count(ax: Axes, i: int, j: int, count: int, colour: str, size: float) -> None:
    ax.text(j, i, str(count), ha="center", va="center_baseline", color=colour, fontsize=size)
