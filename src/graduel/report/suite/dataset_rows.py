"""A figure of rows, a data set or a pair each: a label, a value, and marks below them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from graduel.report.draw.style import INK, PAPER, SMALL, create_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BEHIND = {"facecolor": PAPER.light, "edgecolor": "none", "pad": 0.5}
"""The box that keeps lines out of a text."""


def create_dataset_rows(
    count: int, inches: float, width: float, *, top: float
) -> tuple[Figure, Axes]:
    """Return a figure of `count` rows of that height; row y reaches from y to y + 1."""
    fig, ax = create_axes(width, 0.5 + inches * count + top, grid="x")
    ax.set_ylim(count + 0.1, 0)
    ax.set_yticks([])
    return fig, ax


def label_row(
    ax: Axes, y: float, inches: float, label: str, *, shift: float = 0.0, weight: str = "bold"
) -> None:
    """Write the label of a row at its top left."""
    ax.annotate(
        label,
        (0, y + (0.17 + shift) / inches),
        xycoords=ax.get_yaxis_transform(),
        color=INK.light,
        fontsize=SMALL,
        fontweight=weight,
        bbox=BEHIND,
    )


def write_value(ax: Axes, y: float, inches: float, text: str) -> None:
    """Write the value of a row at its top right."""
    ax.annotate(
        text,
        (1, y + 0.17 / inches),
        xycoords=ax.get_yaxis_transform(),
        ha="right",
        color=INK.light,
        fontsize=SMALL,
        bbox=BEHIND,
    )
