"""Predicted numbers: against the true ones, their errors by range, and the largest errors."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from graduel.duel.result.outcome import Run
from graduel.number_format import format_number, format_value
from graduel.report.draw.contender_names import list_looks, list_titles
from graduel.report.draw.loss_scale import curve_scale
from graduel.report.draw.notebook_figure import create_axes, create_figure
from graduel.report.draw.picture import Picture, TextTable, draw_picture
from graduel.report.draw.row_cells import (
    describe_numbering,
    find_row_number,
    format_cells,
    list_cell_names,
)
from graduel.report.draw.style import (
    GRID,
    MUTED,
    WIDTH,
    draw_legend,
    draw_marks,
    escape_text,
    style_axes,
    title_axes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = NDArray[Any]
MOST_POINTS = 400
"""Most test rows that are drawn as points; of more, the counts in cells of a grid."""
CELLS = 36
"""Cells of that grid along a side."""
RANGES = 10
"""Ranges of the true or predicted numbers with as many rows each."""
MOST_ROWS = 20
"""Rows in the tables of single rows."""
INNER = (0.002, 0.998)
"""Quantiles of all numbers between which the axes reach, so that few outliers do not hide the
rest."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """True numbers and, by contender, the predicted ones; means over seeds or repeats."""

    y: Array
    predicted: dict[str, Array]

    @property
    def errors(self) -> dict[str, Array]:
        """Prediction minus true number, by contender and row."""
        return {name: p - self.y for name, p in self.predicted.items()}


def read_numbers(run: Run) -> Numbers:
    """Return the true and the predicted numbers of the test rows."""
    predicted = {name: p[..., 0].mean(axis=0) for name, p in run.probabilities.items()}
    return Numbers(run.y_test, predicted)


def predictions(run: Run) -> Figure:
    """Draw true over predicted numbers, a panel for each contender; many rows as counts."""
    numbers, titles, looks = read_numbers(run), list_titles(run), list_looks(run)
    every = np.concatenate([numbers.y, *numbers.predicted.values()])
    low, high = np.quantile(every, INNER)
    margin = 0.03 * (high - low) or 1.0
    limits = (low - margin, high + margin)
    fig, panels = _panels(len(titles))
    for ax, (name, p) in zip(panels, numbers.predicted.items(), strict=False):
        color = looks[name].color.light
        ax.plot(limits, limits, color=MUTED.light, linewidth=0.9, zorder=3)
        if len(p) <= MOST_POINTS:
            ax.scatter(p, numbers.y, s=9, color=color, alpha=0.6, linewidths=0)
        else:
            _draw_counts(ax, p, numbers.y, limits, limits, color)
        ax.set_xlim(limits)
        ax.set_ylim(limits)
        ax.set_xlabel("predicted")
        title_axes(ax, escape_text(titles[name], 22), color)
    panels[0].set_ylabel("true")
    return fig


def residuals(run: Run) -> Figure:
    """Draw the errors over the prediction: their median, and the range of 80 % of them."""
    numbers, titles, looks = read_numbers(run), list_titles(run), list_looks(run)
    fig, panels = _panels(len(titles), sharey=True)
    for ax, (name, p) in zip(panels, numbers.predicted.items(), strict=False):
        color = looks[name].color.light
        middles, bands = summarize_residuals(p, p - numbers.y)
        ax.axhline(0, color=MUTED.light, linewidth=0.9)
        ax.fill_between(middles, bands[0], bands[2], color=color, alpha=0.25, linewidth=0)
        ax.plot(middles, bands[1], color=color, linewidth=1.8)
        ax.set_xlabel("predicted")
        ax.locator_params(axis="x", nbins=4)
        title_axes(ax, escape_text(titles[name], 22), color)
    panels[0].set_ylabel("predicted − true")
    return fig


def summarize_residuals(p: Array, error: Array) -> tuple[Array, Array]:
    """Return the middles of ranges of the prediction, and the 10, 50 and 90 % quantiles of errors.

    >>> middles, bands = summarize_residuals(np.arange(100.0), np.ones(100))
    >>> middles.shape, float(bands[1].max())
    ((10,), 1.0)
    """
    parts = [part for part in np.array_split(np.argsort(p, kind="stable"), RANGES) if len(part)]
    bands = np.array([np.quantile(error[part], (0.1, 0.5, 0.9)) for part in parts]).T
    return np.array([np.median(p[part]) for part in parts]), bands


def error_by_range(run: Run) -> Figure:
    """Draw the RMSE of each contender in ten ranges of the true number, of as many rows each."""
    titles, looks = list_titles(run), list_looks(run)
    edges, losses = measure_ranges(read_numbers(run))
    fig, ax = create_axes(WIDTH, 3.2, grid="y")
    x = np.arange(len(edges) - 1)
    for name, values in losses.items():
        ax.plot(x, values, color=looks[name].color.light, linestyle=looks[name].line, linewidth=1.6)
        draw_marks(ax, x, values, looks[name], 6)
    ax.set_xticks(x, [f"to {format_value(float(edge))}" for edge in edges[1:]], rotation=30)
    ax.set_ylim(0, 1.05 * max(float(values.max()) for values in losses.values()))
    ax.set_xlabel("true number, in ranges of as many rows each")
    title_axes(ax, "RMSE")
    draw_legend(fig, ax, titles, looks)
    return fig


def measure_ranges(numbers: Numbers) -> tuple[Array, dict[str, Array]]:
    """Return the edges of ranges of the true number, and by contender the RMSE in each range."""
    order = np.argsort(numbers.y, kind="stable")
    parts = [part for part in np.array_split(order, min(RANGES, len(order))) if len(part)]
    edges = np.array([numbers.y[order[0]], *(numbers.y[part[-1]] for part in parts)])
    losses = {
        name: np.array([np.sqrt(np.mean(error[part] ** 2)) for part in parts])
        for name, error in numbers.errors.items()
    }
    return edges, losses


def _panels(count: int, *, sharey: bool = False) -> tuple[Figure, list[Axes]]:
    across = min(count, 3)
    down = -(-count // across)
    fig = create_figure(WIDTH, (0.5 + WIDTH / max(across, 2)) * down)
    axes = np.atleast_1d(fig.subplots(down, across, squeeze=False, sharey=sharey)).ravel()
    for ax in axes:
        style_axes(ax)
        ax.locator_params(nbins=5)
    for ax in axes[count:]:
        ax.set_axis_off()
    return fig, list(axes)


def _draw_counts(
    ax: Axes,
    x: Array,
    y: Array,
    x_range: tuple[float, float],
    y_range: tuple[float, float],
    color: str,
) -> None:
    """Draw the number of rows in each cell of a grid; a stronger color is more, by its root."""
    counts, xs, ys = np.histogram2d(x, y, bins=CELLS, range=(x_range, y_range))
    most = max(float(counts.max()), 1.0)
    for (i, j), count in np.ndenumerate(counts):
        if count:
            alpha = 0.12 + 0.88 * float(count / most) ** 0.5
            corner = float(xs[i]), float(ys[j])
            width, height = float(xs[i + 1] - xs[i]), float(ys[j + 1] - ys[j])
            ax.add_patch(
                Rectangle(corner, width, height, facecolor=color, alpha=alpha, linewidth=0)
            )
    ax.grid(color=GRID.light, linewidth=0.5)


def build_pictures(run: Run) -> list[Picture]:
    """Return the pictures of predicted numbers for a page."""
    numbers, titles, scale = read_numbers(run), list_titles(run), curve_scale(run)
    edges, losses = measure_ranges(numbers)
    names = [titles[name] for name in numbers.predicted]
    table = TextTable(
        "RMSE by range of the true number",
        ("True number", *names),
        tuple(
            (
                f"{format_value(float(edges[i]))} to {format_value(float(edges[i + 1]))}",
                *(scale.text(float(values[i])) for values in losses.values()),
            )
            for i in range(len(edges) - 1)
        ),
    )
    quantiles = (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
    spread = TextTable(
        "Quantiles of predicted minus true",
        ("Quantile", *names),
        tuple(
            (
                f"{100 * q:g} %",
                *(
                    format_number(float(np.quantile(error, q)), scale.decimals)
                    for error in numbers.errors.values()
                ),
            )
            for q in quantiles
        ),
    )
    correlations = "; ".join(
        f"{titles[name]} correlation {_correlate(numbers.y, p):.3f}"
        for name, p in numbers.predicted.items()
    )
    return [
        draw_picture(
            "predictions",
            predictions(run),
            f"True over predicted numbers for each contender. {correlations}.",
            "True over predicted numbers on the test rows; on the line both are equal. A stronger "
            "color is more rows. 0.4 % of the numbers may lie outside.",
            spread,
        ),
        draw_picture(
            "residuals",
            residuals(run),
            "Errors over the prediction for each contender: median, and range of 80 %.",
            "Predicted minus true over the prediction, in ranges of as many rows each: the line is "
            "the median, the band holds 80 % of the errors. A line away from zero is a bias; a "
            "band that widens means that the uncertainty depends on the prediction.",
            spread,
        ),
        draw_picture(
            "error-by-range",
            error_by_range(run),
            "RMSE of each contender by range of the true number.",
            "RMSE in ranges of the true number, of as many rows each.",
            table,
        ),
    ]


def _correlate(a: Array, b: Array) -> float:
    return float(np.corrcoef(a, b)[0, 1]) if np.ptp(a) > 0 and np.ptp(b) > 0 else 0.0


def build_tables(run: Run) -> list[tuple[str, TextTable]]:
    """Return tables of the rows with the largest errors of all, and where two differ most."""
    numbers, titles = read_numbers(run), list_titles(run)
    sizes = {name: np.abs(error) for name, error in numbers.errors.items()}
    worst = np.argsort(-np.min(list(sizes.values()), axis=0), kind="stable")[:MOST_ROWS]
    tables = [("The rows with the largest errors of all contenders", _list_rows(run, worst))]
    names = list(sizes)
    for first, second in pairwise(names):
        gap = np.abs(sizes[first] - sizes[second])
        rows = np.argsort(-gap, kind="stable")[: MOST_ROWS // 2]
        title = f"The rows where the errors of {titles[first]} and {titles[second]} differ most"
        tables.append((title, _list_rows(run, rows)))
    return tables


def _list_rows(run: Run, rows: Array) -> TextTable:
    numbers = read_numbers(run)
    return TextTable(
        f"The rows ({describe_numbering(run)})",
        ("Row", "True", *list_titles(run).values(), *list_cell_names(run)),
        tuple(
            (
                str(find_row_number(run, int(row))),
                format_value(float(numbers.y[row])),
                *(format_value(float(p[row])) for p in numbers.predicted.values()),
                *format_cells(run, int(row)),
            )
            for row in rows
        ),
    )
