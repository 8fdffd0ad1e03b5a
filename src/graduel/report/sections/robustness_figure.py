"""What disturbed rows do to each contender, and what each looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from graduel.duel.result.outcome import Run
from graduel.report.draw.style import (
    GRID,
    INK,
    MUTED,
    NARROW,
    PAPER,
    SMALL,
    TEXT,
    WIDTH,
    Look,
    assign_looks,
    draw_legend,
    escape_text,
    style_axes,
)
from graduel.report.sections import numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_COLUMNS = 15
"""Of more columns, those are drawn that matter most to any contender."""


def robustness(run: Run) -> Figure:
    """Draw the test error of every contender over how strongly test rows are disturbed.

    Raises a ValueError where that was not tried.
    """
    ways = numbers.robustness(run)
    if not ways:
        raise ValueError("robustness needs a run with probes; this one has none")
    names = numbers.contenders(run)
    titles, look = numbers.titles(run), assign_looks(names)
    lines = -(-len(ways) // 2)
    fig = Figure(figsize=(WIDTH, 2.25 * lines + 0.19 * len(names)), layout="constrained")
    panels = np.atleast_1d(fig.subplots(lines, 2, sharey=True, squeeze=False)).ravel()
    most = max(e for way in ways for errors in way.errors.values() for e in errors if e is not None)
    for number, (ax, way) in enumerate(zip(panels, ways, strict=False)):
        style_axes(ax, grid="y")
        for name, errors in way.errors.items():
            _line(ax, way.strengths, errors, look[name])
        ax.set_xticks(way.strengths, [f"{strength:.3g}" for strength in way.strengths])
        ax.set_ylim(0, 105 * max(most, 0.01))
        ax.set_title(way.title, loc="left", fontsize=TEXT, fontweight="bold", color=INK.light)
        ax.set_xlabel(way.unit, color=MUTED.light, fontsize=SMALL)
        if number % 2 == 0:
            ax.set_ylabel("test error, %", color=MUTED.light, fontsize=SMALL)
    for ax in panels[len(ways) :]:
        ax.set_axis_off()
    draw_legend(fig, panels[0], {n: titles[n] for n in names if n in ways[0].errors}, look)
    return fig


def importance(run: Run) -> Figure:
    """Draw by how much the log loss rises where a column, or a block of pixels, is permuted.

    Of images a picture for each contender, the darker the more; of a table the columns that matter
    most. Raises a ValueError where that was not tried.
    """
    found = numbers.importance(run)
    if found is None:
        raise ValueError("importance needs a run with probes; this one has none")
    return _columns(run, found) if found.block is None else _blocks(run, found)


def shown_columns(found: numbers.Importance) -> list[int]:
    """Return the places of the columns that are drawn, those first that matter most to any."""
    most = np.max(list(found.rises.values()), axis=0)
    return [int(place) for place in np.argsort(-most, kind="stable")[:MOST_COLUMNS]]


def _columns(run: Run, found: numbers.Importance) -> Figure:
    titles, look = numbers.titles(run), assign_looks(numbers.contenders(run))
    kept = shown_columns(found)
    gap = 0.64 / len(found.rises)  # each contender a little lower than the one before
    height = 0.75 + 0.19 * len(found.rises) + (0.26 + 0.045 * len(found.rises)) * len(kept)
    fig = Figure(figsize=(WIDTH, height), layout="constrained")
    ax = fig.subplots()
    style_axes(ax, grid="x")
    for y, place in enumerate(kept):
        values = [float(rises[place]) for rises in found.rises.values()]
        if y % 2:
            ax.axhspan(y - 0.5, y + 0.5, color=GRID.light, alpha=0.35, linewidth=0)
        for number, (name, value) in enumerate(zip(found.rises, values, strict=True)):
            style = look[name]
            at = y + gap * (number - (len(values) - 1) / 2)
            ax.plot(value, at, style.mark, color=style.colour.light, ms=6, mec=PAPER.light)
    ax.axvline(0, color=MUTED.light, linewidth=0.9)
    ax.set_ylim(len(kept) - 0.5, -0.5)
    ax.set_yticks(range(len(kept)), [escape_text(found.labels[place], 22) for place in kept])
    ax.tick_params(axis="y", labelcolor=INK.light)
    ax.margins(x=0.04)
    ax.locator_params(axis="x", nbins=5)
    ax.set_xlabel("rise of the log loss when permuted", color=MUTED.light, fontsize=SMALL)
    draw_legend(fig, ax, {name: titles[name] for name in found.rises}, look)
    return fig


def _blocks(run: Run, found: numbers.Importance) -> Figure:
    titles, look = numbers.titles(run), assign_looks(numbers.contenders(run))
    across = min(len(found.rises), 3)
    down = -(-len(found.rises) // across)
    side = (WIDTH if across == 3 else NARROW) / across
    fig = Figure(figsize=(side * across, (side + 0.28) * down), layout="constrained")
    panels = fig.subplots(down, across, squeeze=False).ravel()
    most = max(*(float(rises.max()) for rises in found.rises.values()), 1e-9)
    for ax, (name, rises) in zip(panels, found.rises.items(), strict=False):
        style_axes(ax)
        rows, columns = rises.shape
        ax.add_patch(
            Rectangle((0, 0), columns, rows, facecolor="none", edgecolor=GRID.light, linewidth=0.8)
        )
        colour = look[name].colour.light
        for (i, j), rise in np.ndenumerate(rises):
            if rise > 0.01 * most:
                ax.add_patch(
                    Rectangle((j, i), 1, 1, facecolor=colour, alpha=float(rise) / most, lw=0)
                )
        ax.set_xlim(0, columns)
        ax.set_ylim(rows, 0)
        ax.set_aspect("equal")
        ax.set_xticks([])
        ax.set_yticks([])
        title = escape_text(titles[name], 20)
        ax.set_title(title, loc="left", color=colour, fontsize=SMALL, fontweight="bold", pad=4)
    for ax in panels[len(found.rises) :]:
        ax.set_axis_off()
    return fig


def _line(
    ax: Axes, strengths: tuple[float, ...], errors: tuple[float | None, ...], style: Look
) -> None:
    there = [(x, 100 * e) for x, e in zip(strengths, errors, strict=True) if e is not None]
    ax.plot(
        [x for x, _ in there],
        [y for _, y in there],
        marker=style.mark,
        color=style.colour.light,
        linestyle=style.line,
        linewidth=1.6,
        ms=5.5,
        mec=PAPER.light,
    )
