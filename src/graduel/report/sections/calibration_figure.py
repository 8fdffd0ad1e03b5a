"""The reliability diagram: how often a contender is right, over how sure it is."""

from __future__ import annotations

from typing import Literal

import numpy as np
from matplotlib.figure import Figure

from graduel.duel.result.outcome import Run
from graduel.report.draw import units
from graduel.report.draw.style import (
    MUTED,
    PAPER,
    SMALL,
    WIDTH,
    assign_looks,
    draw_legend,
    style_axes,
)
from graduel.report.sections import numbers

JOINED_FROM = 10
"""A group of fewer rows stands alone: a line through it would mislead."""


def calibration(run: Run, when: Literal["before", "after"] = "before") -> Figure:
    """Draw how often each contender is right over how sure it is, with its calibration error.

    `when` is before or after temperature scaling. Raises a ValueError where no contender has a
    temperature.
    """
    found = numbers.calibration(run, when)
    if not found:
        raise ValueError("calibration after temperature scaling needs temperatures; none is there")
    titles, look = numbers.titles(run), assign_looks(numbers.contenders(run))
    fig = Figure(figsize=(WIDTH, WIDTH * 0.86 + 0.19 * len(found)), layout="constrained")
    ax = fig.subplots()
    style_axes(ax, grid="both")
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
    ax.set_xlim(-1, 102)
    ax.set_ylim(-1, 102)
    ax.set_aspect("equal")
    ticks = range(0, 101, 20)
    ax.set_xticks(ticks)
    ax.set_yticks(ticks)
    ax.set_xlabel("how sure: probability of its answer, %", color=MUTED.light, fontsize=SMALL)
    ax.set_ylabel("how often right, %", color=MUTED.light, fontsize=SMALL)
    labels = {
        curve.name: titles[curve.name][:28]
        + ("" if curve.ece is None else f" (ECE {units.percent(curve.ece)})")
        for curve in found
    }
    draw_legend(fig, ax, labels, look)
    return fig
