"""Permutation importance: the increase of log loss or RMSE when a feature is permuted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from graduel.duel.result.outcome import Run
from graduel.number_format import BARE_DECIMALS, format_count, format_number, format_points
from graduel.report.draw.contender_names import list_looks, list_titles
from graduel.report.draw.loss_scale import curve_scale
from graduel.report.draw.notebook_figure import create_axes, create_figure
from graduel.report.draw.picture import Picture, TextTable, draw_picture
from graduel.report.draw.style import (
    GRID,
    INK,
    MUTED,
    NARROW,
    WIDTH,
    draw_legend,
    draw_marks,
    escape_text,
    style_axes,
    title_axes,
)

MOST_COLUMNS = 15
"""Most columns drawn; of more, those most important to any contender."""


@dataclass(frozen=True, slots=True)
class PermutationImportance:
    """The increase of each contender's log loss when a group of features is permuted."""

    labels: tuple[str, ...]
    """Names of columns or groups of adjacent columns; empty for images."""
    rises: dict[str, NDArray[np.float64]]
    """By contender, shape (n_columns,), or for images (n_blocks_down, n_blocks_across)."""
    error_rises: dict[str, NDArray[np.float64]]
    """The same for the test error."""
    block: int | None
    """Side of a block in pixels; None for a table."""
    n_rows: int

    @property
    def largest_columns(self) -> list[int]:
        """Indices of the columns to draw, the most important to any contender first."""
        most = np.max(list(self.rises.values()), axis=0)
        return [int(index) for index in np.argsort(-most, kind="stable")[:MOST_COLUMNS]]


def read_importance(run: Run) -> PermutationImportance | None:
    """Return the permutation importance of each contender; None for a run without it."""
    stored = {
        name: entry.probes.importance
        for name, entry in run.result.contenders.items()
        if entry.probes and entry.probes.importance
    }
    first = next(iter(stored.values()), None)
    if first is None:
        return None
    return PermutationImportance(
        tuple(
            names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}"
            for names in first.columns or ()
        ),
        {name: np.array(one.log_loss, np.float64) for name, one in stored.items()},
        {name: np.array(one.error, np.float64) for name, one in stored.items()},
        first.block,
        first.rows,
    )


def importance(run: Run) -> Figure:
    """Draw the increase of the log loss when a column or a block of pixels is permuted.

    For images, a heat map for each contender; for tables, the most important columns. Raises a
    ValueError for a run without probes.
    """
    values = read_importance(run)
    if values is None:
        raise ValueError(
            "importance needs a run with probes; this one has none. Run it without --no-probes"
        )
    return _draw_columns(run, values) if values.block is None else _draw_blocks(run, values)


def _name_loss(run: Run) -> str:
    return "log loss" if run.result.dataset.n_classes else "RMSE"


def _draw_columns(run: Run, values: PermutationImportance) -> Figure:
    titles, looks = list_titles(run), list_looks(run)
    shown, count = values.largest_columns, len(values.rises)
    gap = 0.64 / count  # vertical offset of each contender
    height = 0.75 + 0.19 * count + (0.26 + 0.045 * count) * len(shown)
    fig, ax = create_axes(WIDTH, height, grid="x")
    for y, index in enumerate(shown):
        if y % 2:
            ax.axhspan(y - 0.5, y + 0.5, color=GRID.light, alpha=0.35, linewidth=0)
        for number, (name, rises) in enumerate(values.rises.items()):
            at = y + gap * (number - (count - 1) / 2)
            draw_marks(ax, float(rises[index]), at, looks[name], 6)
    ax.axvline(0, color=MUTED.light, linewidth=0.9)
    ax.set_ylim(len(shown) - 0.5, -0.5)
    ax.set_yticks(range(len(shown)), [escape_text(values.labels[index], 22) for index in shown])
    ax.tick_params(axis="y", labelcolor=INK.light)
    ax.margins(x=0.04)
    ax.locator_params(axis="x", nbins=5)
    ax.set_xlabel(f"increase of the {_name_loss(run)} when permuted")
    draw_legend(fig, ax, {name: titles[name] for name in values.rises}, looks)
    return fig


def _draw_blocks(run: Run, values: PermutationImportance) -> Figure:
    titles, looks = list_titles(run), list_looks(run)
    across = min(len(values.rises), 3)
    down = -(-len(values.rises) // across)
    side = (WIDTH if across == 3 else NARROW) / across
    fig = create_figure(side * across, (side + 0.28) * down)
    panels = fig.subplots(down, across, squeeze=False).ravel()
    most = max(*(float(rises.max()) for rises in values.rises.values()), 1e-9)
    for ax, (name, rises) in zip(panels, values.rises.items(), strict=False):
        style_axes(ax)
        rows, columns = rises.shape
        ax.add_patch(
            Rectangle((0, 0), columns, rows, facecolor="none", edgecolor=GRID.light, linewidth=0.8)
        )
        color = looks[name].color.light
        for (i, j), rise in np.ndenumerate(rises):
            if rise > 0.01 * most:
                ax.add_patch(
                    Rectangle((j, i), 1, 1, facecolor=color, alpha=float(rise) / most, lw=0)
                )
        ax.set_xlim(0, columns)
        ax.set_ylim(rows, 0)
        ax.set_aspect("equal")
        ax.set_xticks([])
        ax.set_yticks([])
        title = escape_text(titles[name], 20)
        title_axes(ax, title, color, pad=4)
    for ax in panels[len(values.rises) :]:
        ax.set_axis_off()
    return fig


def build_table(run: Run, values: PermutationImportance) -> TextTable:
    """Return the increase of log loss and error, a row for each column or block."""
    titles = list_titles(run)

    scale = curve_scale(run)

    def cell(loss: float, error: float) -> str:
        if not scale.unit:
            return format_number(loss, scale.decimals)
        return f"{format_number(loss)} ({format_points(error, 1)})"

    labels: tuple[str, ...] | list[str] = values.labels
    if (side := values.block) is not None:
        shape = next(iter(values.rises.values())).shape
        labels = [f"rows from {i * side}, columns from {j * side}" for i, j in np.ndindex(*shape)]
    rises = [one.ravel() for one in values.rises.values()]
    errors = [one.ravel() for one in values.error_rises.values()]
    order = np.argsort(-np.max(rises, axis=0), kind="stable")
    return TextTable(
        f"Increase of the {_name_loss(run)}"
        + (" (and of the error, in points) when permuted" if scale.unit else " when permuted"),
        ("Column" if side is None else "Pixels", *(titles[name] for name in values.rises)),
        tuple(
            (
                labels[index],
                *(
                    cell(float(loss[index]), float(error[index]))
                    for loss, error in zip(rises, errors, strict=True)
                ),
            )
            for index in map(int, order)
        ),
    )


def build_picture(run: Run) -> Picture | None:
    """Return the feature importance for a page; None for a run without it."""
    values = read_importance(run)
    if values is None:
        return None
    describe = _describe_columns if values.block is None else _describe_blocks
    alt, caption = describe(run, values)
    return draw_picture("importance", importance(run), alt, caption, build_table(run, values))


def _describe_columns(run: Run, values: PermutationImportance) -> tuple[str, str]:
    """Return the alternative text and the caption for a table."""
    titles, shown, scale = list_titles(run), values.largest_columns, curve_scale(run)
    decimals = BARE_DECIMALS if scale.unit else scale.decimals
    largest = "; ".join(
        f"{values.labels[index]}: "
        + ", ".join(
            f"{titles[name]} {format_number(float(rises[index]), decimals)}"
            for name, rises in values.rises.items()
        )
        for index in shown[:3]
    )
    caption = (
        f"Permutation importance: the increase of the {_name_loss(run)} on "
        f"{format_count(values.n_rows)} test rows when the values of a column are permuted. Of two "
        "columns with the same information, neither seems important."
    )
    if len(values.labels) > MOST_COLUMNS:
        caption += f" Drawn: the {len(shown)} columns most important to any contender."
    what = f"Increase of the {_name_loss(run)} when a column is permuted, the largest first"
    return f"{what}. {largest}.", caption


def _describe_blocks(run: Run, values: PermutationImportance) -> tuple[str, str]:
    """Return the alternative text and the caption for images."""
    titles, block = list_titles(run), values.block or 1
    peaks = []
    for name, rises in values.rises.items():
        i, j = divmod(int(rises.argmax()), rises.shape[1])
        at = f"pixel rows from {i * block}, columns from {j * block}"
        peaks.append(f"{titles[name]} most at {at}")
    return (
        f"Heat map of the important pixels for each contender. {'; '.join(peaks)}.",
        "Permutation importance: the increase of the log loss on "
        f"{format_count(values.n_rows)} test rows when a block of {block} × {block} pixels is "
        "taken from other images. A stronger color is a larger increase; all contenders have one "
        "scale.",
    )
