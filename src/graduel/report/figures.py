"""The figures of a finished duel; each function returns a matplotlib ``Figure``.

What a figure draws are the numbers of the function of the same name in
:mod:`graduel.report.numbers`, no others. Nothing here touches pyplot or global state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator, NullFormatter

from graduel.duel.results import Run
from graduel.report import numbers, units
from graduel.report.curves import learning, race
from graduel.report.intervals import differences, errors
from graduel.report.style import (
    GRID,
    INK,
    LARGE,
    MUTED,
    NARROW,
    PAPER,
    SMALL,
    TEXT,
    WIDTH,
    bare,
    literal,
    looks,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "calibration",
    "confusion",
    "cost",
    "differences",
    "errors",
    "learning",
    "only_one_right",
    "race",
]

MOST_CLASSES = 30
"""A confusion matrix of more classes shows those with the most mistakes."""
CLASSES_WITH_COUNTS = 12
JOINED_FROM = 10
"""A group of fewer rows stands alone in a reliability diagram: a line through it would mislead."""


def confusion(run: Run, name: str) -> Figure:
    """Draw how often `name` took each true class (rows) for each class (columns).

    Mistakes are shaded by their number; right answers, on the diagonal, stay pale, so that they
    do not drown them. Of more than 30 classes it shows the 30 with the most mistakes.
    """
    matrix = numbers.confusion(run, name)
    colour = looks(numbers.contenders(run))[name].colour.light
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
    bare(ax)
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
    labels = [literal(matrix.classes[k], 12) for k in kept]
    small = SMALL if n <= CLASSES_WITH_COUNTS else 6.5
    turn = 90 if max(map(len, labels)) > (3 if n <= CLASSES_WITH_COUNTS else 1) else 0
    ax.set_xticks(range(n), labels, rotation=turn)
    ax.set_yticks(range(n), labels)
    ax.tick_params(labelsize=small, labelcolor=INK.light, pad=2)
    ax.set_xlabel("answer", color=MUTED.light, fontsize=SMALL)
    ax.set_ylabel("true class", color=MUTED.light, fontsize=SMALL)
    ax.set_title(
        literal(numbers.titles(run)[name], 40),
        loc="left",
        color=colour,
        fontsize=LARGE,
        fontweight="bold",
        pad=6,
    )
    return fig


def calibration(run: Run) -> Figure:
    """Draw how often each contender is right over how sure it is, with its calibration error."""
    found = numbers.calibration(run)
    titles, look = numbers.titles(run), looks(numbers.contenders(run))
    fig = Figure(figsize=(WIDTH, WIDTH * 0.86 + 0.19 * len(found)), layout="constrained")
    ax = fig.subplots()
    bare(ax, grid="both")
    ax.plot([0, 100], [0, 100], color=MUTED.light, linewidth=0.9, linestyle=(0, (4, 3)))
    most = max(b.rows for curve in found for b in curve.bins)
    for curve in found:
        style = look[curve.name]
        colour = style.colour.light
        x = [100 * b.confidence for b in curve.bins]
        y = [100 * b.right for b in curve.bins]
        ax.vlines(
            x,
            [100 * b.interval[0] for b in curve.bins],
            [100 * b.interval[1] for b in curve.bins],
            color=colour,
            linewidth=1,
            alpha=0.45,
        )
        joined = [b for b in curve.bins if b.rows >= JOINED_FROM]
        ax.plot(
            [100 * b.confidence for b in joined],
            [100 * b.right for b in joined],
            color=colour,
            linewidth=1.5,
            linestyle=style.line,
        )
        area = [14 + 46 * float(np.log1p(b.rows) / np.log1p(most)) for b in curve.bins]
        ax.scatter(x, y, s=area, marker=style.mark, color=colour, edgecolor=PAPER.light, zorder=3)
        label = f"{literal(titles[curve.name], 28)} (ECE {units.percent(curve.ece)})"
        ax.plot([], [], color=colour, linestyle=style.line, marker=style.mark, ms=6, label=label)
    ax.set_xlim(-1, 102)
    ax.set_ylim(-1, 102)
    ax.set_aspect("equal")
    ticks = range(0, 101, 20)
    ax.set_xticks(ticks)
    ax.set_yticks(ticks)
    ax.set_xlabel("how sure: probability of its answer, %", color=MUTED.light, fontsize=SMALL)
    ax.set_ylabel("how often right, %", color=MUTED.light, fontsize=SMALL)
    legend = fig.legend(
        loc="outside upper left",
        frameon=False,
        fontsize=TEXT,
        handlelength=2.4,
        borderpad=0,
        labelspacing=0.35,
    )
    for text, curve in zip(legend.get_texts(), found, strict=True):
        text.set_color(look[curve.name].colour.light)
    return fig


def cost(run: Run) -> Figure:
    """Draw what each contender costs in time, memory and size, each on a log scale of its own."""
    kinds = numbers.cost(run)
    names = numbers.contenders(run)
    titles, look = numbers.titles(run), looks(names)
    panel = 0.34 + 0.235 * len(names)
    fig = Figure(figsize=(WIDTH, panel * len(kinds) + 0.1), layout="constrained")
    panels = np.atleast_1d(np.asarray(fig.subplots(len(kinds), 1)))
    for ax, kind in zip(panels, kinds, strict=True):
        bare(ax, grid="x")
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
        ax.set_yticks(range(len(names)), [literal(titles[name], 18) for name in names])
        for tick, name in zip(ax.get_yticklabels(), names, strict=True):
            tick.set_color(look[name].colour.light)
        ax.set_title(kind.label, loc="left", fontsize=TEXT, fontweight="bold", color=INK.light)
    return fig


def only_one_right(run: Run, a: str, b: str) -> Figure:
    """Draw test images that only `a` got right, then those that only `b` did, twelve a side.

    Over each image stand the truth and the other's wrong answer. Raises a ValueError where the
    run has no images.
    """
    if run.images is None:
        raise ValueError(
            "only_one_right draws test images, and this run has none; "
            "numbers.only_one_right names the rows"
        )
    sides = numbers.only_one_right(run, a, b)
    titles, look = numbers.titles(run), looks(numbers.contenders(run))
    shown = [case for side in sides for case in side.cases]
    longest = max((len(text) for case in shown for text in (case.truth, case.answer)), default=1)
    columns = 6 if longest <= 2 else 4 if longest <= 6 else 3
    # In inches: fixed places are quicker than a layout engine with two dozen axes, and as exact.
    cell, caption, gap = NARROW / columns, 0.2 if longest <= 2 else 0.34, 0.08
    picture, head, between = cell - 0.1, 0.5, 0.16
    lines = [max(1, -(-len(side.cases) // columns)) if side.cases else 0 for side in sides]
    row = caption + picture + gap
    height = sum(head + line * row for line in lines) + between
    fig = Figure(figsize=(NARROW, height))
    brightest = int(run.images.max(initial=1)) or 1
    top = height
    for side, line in zip(sides, lines, strict=True):
        fig.text(
            0.01,
            (top - 0.2) / height,
            f"Only {literal(numbers.phrase(titles[side.right]), 28)} is right",
            color=look[side.right].colour.light,
            fontsize=LARGE,
            fontweight="bold",
        )
        part = f", {len(side.cases)} shown" if len(side.cases) < side.total else ""
        fig.text(
            0.01,
            (top - 0.39) / height,
            f"{units.rows(side.total)}{part}",
            color=MUTED.light,
            fontsize=SMALL,
        )
        for number, case in enumerate(side.cases):
            down, across = divmod(number, columns)
            bottom = top - head - down * row - caption - picture
            ax = fig.add_axes(
                (
                    (across * cell + 0.05) / NARROW,
                    bottom / height,
                    picture / NARROW,
                    picture / height,
                )
            )
            ax.imshow(
                run.images[case.row], cmap="gray_r", vmin=0, vmax=brightest, interpolation="none"
            )
            ax.set_axis_off()
            glue = " not " if longest <= 2 else "\nnot "
            ax.set_title(
                f"{literal(case.truth, 15)}{glue}{literal(case.answer, 11)}",
                fontsize=SMALL,
                color=INK.light,
                pad=2.5,
            )
        top -= head + line * row + between
    return fig


def _cell(i: int, j: int, colour: str, alpha: float) -> Rectangle:
    return Rectangle(
        (j - 0.47, i - 0.47), 0.94, 0.94, facecolor=colour, alpha=alpha, edgecolor="none"
    )


def _count(ax: Axes, i: int, j: int, count: int, colour: str, size: float) -> None:
    ax.text(j, i, str(count), ha="center", va="center_baseline", color=colour, fontsize=size)
