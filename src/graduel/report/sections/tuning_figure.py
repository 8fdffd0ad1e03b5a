"""The tuning: every trial, and the best so far."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from graduel.duel.result.outcome import Run
from graduel.report.draw.style import (
    INK,
    MUTED,
    PAPER,
    SMALL,
    TEXT,
    WIDTH,
    assign_looks,
    draw_legend,
    style_axes,
)
from graduel.report.sections import numbers

LOG_FROM = 4
"""The highest loss over the lowest, from which on losses have a log scale."""
CUT = 1.6
"""Losses above so many times the median are drawn at the edge: they would flatten all others."""


def trials(run: Run) -> Figure:
    """Draw the validation loss of every trial of the first run, and the best so far.

    A ring marks the trial that was chosen; small crosses on the lower edge are trials that were
    pruned or failed. Raises a ValueError where nothing was tuned.
    """
    found = numbers.searches(run)
    if not found:
        raise ValueError("trials needs a tuned duel, as --trials 20 makes it")
    titles, look = numbers.titles(run), assign_looks(numbers.contenders(run))
    fig = Figure(figsize=(WIDTH, 3.3 + 0.19 * len(found)), layout="constrained")
    ax = fig.subplots()
    style_axes(ax, grid="y")
    whole = {
        one.name: [t for t in one.runs[0] if t.state == "complete" and t.loss is not None]
        for one in found
    }
    losses = sorted(float(t.loss or 0) for part in whole.values() for t in part)
    top = min(losses[-1], CUT * losses[len(losses) // 2]) if losses else 1.0
    top = max(top, *(float(part[0].loss or 0) for part in whole.values() if part), 1e-12)
    for one in found:
        style = look[one.name]
        colour = style.colour.light
        ax.plot(
            [t.number for t in whole[one.name]],
            [min(float(t.loss or 0), top) for t in whole[one.name]],
            style.mark,
            color=colour,
            ms=4.5,
            mec=PAPER.light,
            mew=0.6,
            alpha=0.75,
            clip_on=False,
        )
        best = one.best_so_far()
        if best:
            last = max(t.number for t in one.runs[0])
            ax.step(
                [n for n, _ in best] + [last],
                [loss for _, loss in best] + [best[-1][1]],
                where="post",
                color=colour,
                linestyle=style.line,
                linewidth=1.6,
            )
        for trial in whole[one.name]:
            if trial.chosen:
                at = (trial.number, min(float(trial.loss or 0), top))
                ax.plot(*at, "o", ms=11, mfc="none", mec=INK.light, mew=1.2, clip_on=False)
        lost = [t.number for t in one.runs[0] if t.state != "complete"]
        place = ax.get_xaxis_transform()
        ax.plot(lost, [0.02] * len(lost), "x", color=colour, ms=4, transform=place)
    low = losses[0] if losses else 0.0
    if low > 0 and top > LOG_FROM * low:
        ax.set_yscale("log")
    else:
        room = 0.12 * max(top - low, 1e-9)
        ax.set_ylim(max(low - room, 0.0) if low >= 0 else low - room, top + room / 3)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    ax.set_xlabel("trial (0 is the default recipe)", color=MUTED.light, fontsize=SMALL)
    ax.set_title("loss on the validation rows", loc="left", color=MUTED.light, fontsize=TEXT, pad=7)
    draw_legend(fig, ax, {one.name: titles[one.name] for one in found}, look)
    return fig
