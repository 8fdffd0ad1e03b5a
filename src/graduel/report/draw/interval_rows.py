"""A figure with a row for each contender, pair or data set: label, number, marker, interval."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from graduel.number_format import MINUS
from graduel.report.draw.notebook_figure import create_axes
from graduel.report.draw.style import GRID, INK, PAPER, TEXT, WIDTH

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TRACK = 0.17
"""Half the height of the lines behind a whisker, in rows; it leaves room for the text."""


def create_rows(count: int, inches: float, above: float) -> tuple[Figure, Axes]:
    """Return a figure of `count` rows with space `above` the first one, in rows."""
    fig, ax = create_axes(WIDTH, 0.5 + inches * (count - 0.7 + above))
    ax.set_ylim(count - 0.7, -above)
    ax.set_yticks([])
    return fig, ax


def draw_tracks(ax: Axes, count: int, low: float, high: float, label: str) -> None:
    """Set the limits and draw short lines at the ticks behind each row's whisker."""
    ax.set_xlim(low, high)
    ticks = [tick for tick in ax.get_xticks() if low <= tick <= high]
    ax.set_xticks(ticks, [f"{tick:.6g}".replace("-", MINUS) for tick in ticks])
    ax.set_xlabel(label)
    for y in range(count):
        ax.vlines(ticks, y - TRACK, y + TRACK, color=GRID.light, linewidth=0.8, zorder=0.5)
        ax.hlines(y, low, high, color=GRID.light, linewidth=0.8, zorder=0.5)


def write_in_row(
    ax: Axes,
    x: int,
    y: float,
    text: str,
    color: str = INK.light,
    *,
    size: float = TEXT,
    bold: bool = False,
    box: bool = False,
) -> None:
    """Write a text at the left (x = 0) or right (x = 1) end of a row, on a background if `box`."""
    ax.annotate(
        text.rstrip(),
        (x, y),
        xycoords=ax.get_yaxis_transform(),
        ha="right" if x else "left",
        color=color,
        fontsize=size,
        fontweight="bold" if bold else "normal",
        bbox={"facecolor": PAPER.light, "edgecolor": "none", "pad": 0.5} if box else None,
    )


def draw_whisker(
    ax: Axes,
    y: float,
    value: float,
    interval: tuple[float, float],
    color: str,
    mark: str,
    factor: float = 100,
) -> None:
    """Draw a number and its interval times `factor`; by default a share in percent."""
    ax.plot([factor * bound for bound in interval], [y, y], color=color, linewidth=2)
    ax.plot(factor * value, y, mark, color=color, ms=7.5, mec=PAPER.light, clip_on=False, zorder=3)


def create_dataset_rows(
    count: int, inches: float, width: float, *, top: float
) -> tuple[Figure, Axes]:
    """Return a figure of `count` rows, `inches` high each; row y spans y to y + 1."""
    fig, ax = create_axes(width, 0.5 + inches * count + top, grid="x")
    ax.set_ylim(count + 0.1, 0)
    ax.set_yticks([])
    return fig, ax
