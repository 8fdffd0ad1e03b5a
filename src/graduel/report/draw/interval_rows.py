"""A figure of rows: a label and a number each, and below them a dot with its interval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from matplotlib.figure import Figure

from graduel.report.draw import units
from graduel.report.draw.style import GRID, INK, PAPER, TEXT, WIDTH, create_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TRACK = 0.17
"""How far the lines behind a whisker reach up and down; the text above them stays clear."""


def create_rows(count: int, inches: float, above: float) -> tuple[Figure, Axes]:
    """Return a figure of `count` rows; `above` is the room over the first one, in rows."""
    fig, ax = create_axes(WIDTH, 0.5 + inches * (count - 0.7 + above))
    ax.set_ylim(count - 0.7, -above)
    ax.set_yticks([])
    return fig, ax


def draw_tracks(ax: Axes, count: int, low: float, high: float, label: str) -> None:
    """Set the limits and draw, behind each row's whisker, short lines at the ticks."""
    ax.set_xlim(low, high)
    ticks = [tick for tick in ax.get_xticks() if low <= tick <= high]
    ax.set_xticks(ticks, [f"{tick:.6g}".replace("-", units.MINUS) for tick in ticks])
    ax.set_xlabel(label)
    for y in range(count):
        ax.vlines(ticks, y - TRACK, y + TRACK, color=GRID.light, linewidth=0.8, zorder=0.5)
        ax.hlines(y, low, high, color=GRID.light, linewidth=0.8, zorder=0.5)


def draw_label(ax: Axes, y: float, label: str, colour: str) -> None:
    """Write the label of a row at its left."""
    transform = ax.get_yaxis_transform()
    ax.annotate(label, (0, y), xycoords=transform, color=colour, fontsize=TEXT, fontweight="bold")


def draw_number(ax: Axes, y: float, text: str, *, ha: Literal["left", "right"]) -> None:
    """Write the number of a row at one of its ends."""
    at = (0 if ha == "left" else 1, y)
    transform = ax.get_yaxis_transform()
    ax.annotate(text.rstrip(), at, xycoords=transform, ha=ha, color=INK.light, fontsize=TEXT)


def draw_whisker(
    ax: Axes, y: float, value: float, interval: tuple[float, float], colour: str, mark: str
) -> None:
    """Draw a share and its interval, in percent."""
    ax.plot([100 * bound for bound in interval], [y, y], color=colour, linewidth=2)
    ax.plot(100 * value, y, mark, color=colour, ms=7.5, mec=PAPER.light, clip_on=False, zorder=3)
