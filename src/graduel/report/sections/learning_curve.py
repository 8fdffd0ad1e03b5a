"""Learning curve: test error of each contender over the number of training rows."""

from __future__ import annotations

from math import ceil, floor, log10
from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from graduel.duel.result.outcome import Run
from graduel.number_format import (
    format_count,
    format_score,
)
from graduel.report.draw.contender_names import list_looks, list_titles
from graduel.report.draw.loss_scale import LossScale, curve_scale
from graduel.report.draw.notebook_figure import create_axes
from graduel.report.draw.picture import Picture, TextTable, draw_picture
from graduel.report.draw.style import (
    MUTED,
    SMALL,
    WIDTH,
    draw_marks,
    escape_text,
    set_ticks,
    title_axes,
)
from graduel.report.sections.differences import write_verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from graduel.duel.result.duel_result import LearningCurve

LOG_FROM = 4
"""Ratio of the largest to the smallest error above which errors have a log scale."""


def read_curve(run: Run) -> LearningCurve:
    """Return the learning curve of a run.

    Raises
    ------
    ValueError
        If the duel was run at one training size only.
    """
    if run.result.learning_curve is None:
        raise ValueError(
            "expected a duel at several training sizes, got one size; run it with --sizes auto"
        )
    return run.result.learning_curve


def learning_curve(run: Run, *, width: float = WIDTH) -> Figure:
    """Draw the test error of each contender over the number of training rows, on log scales.

    Bars are 95 % CIs; a dotted line marks a crossing of two curves. An error of zero is drawn at
    half of one row.
    """
    curve, titles, looks = read_curve(run), list_titles(run), list_looks(run)
    scale = curve_scale(run)
    fig, ax = create_axes(width, 2.3 + 0.2 * width, grid="y")
    ax.set_xscale("log")
    ends: list[float] = []
    for name, entry in curve.contenders.items():
        look = looks[name]
        errors = [scale.draw(error) for error in entry.test_errors]
        intervals = [[scale.draw(b) for b in pair] for pair in entry.test_error_intervals]
        color = look.color.light
        ax.plot(curve.sizes, errors, color=color, linestyle=look.line, linewidth=1.8)
        for size, bounds in zip(curve.sizes, intervals, strict=True):
            ax.plot([size, size], bounds, color=color, linewidth=1)
        label = escape_text(titles[name], 24)
        draw_marks(ax, curve.sizes, errors, look, 6.5, 0.8, label=label, zorder=3)
        ends += [*errors, *(bound for bounds in intervals for bound in bounds)]
    _scale_errors(ax, min(ends), max(ends), scale)
    ax.set_xlim(0.85 * curve.sizes[0], 1.18 * curve.sizes[-1])
    set_ticks(ax.xaxis, curve.sizes, lambda x: f"{x:,.0f}")
    for pair in curve.pairs:
        if pair.crossing is not None:
            dotted = (0, (1, 2.2))
            ax.axvline(pair.crossing.rows, color=MUTED.light, linewidth=0.9, linestyle=dotted)
    ax.set_xlabel("training rows")
    title_axes(ax, scale.name)
    ax.legend(frameon=False, fontsize=SMALL, labelcolor="linecolor", loc="upper right")
    return fig


def _scale_errors(ax: Axes, low: float, high: float, scale: LossScale) -> None:
    """Scale the axis of errors; log scale if they differ widely."""
    if high > LOG_FROM * low:
        ax.set_yscale("log")
        steps = (1, 2, 5) if high > 20 * low else (1, 1.5, 2, 3, 5, 7)
        powers = range(floor(log10(low)), ceil(log10(high)) + 1)
        ticks = [s * 10.0**p for p in powers for s in steps]
        ax.set_ylim(0.85 * low, min(1.15 * high, scale.most))
        ax.yaxis.set_major_locator(
            FixedLocator([t for t in ticks if 0.85 * low <= t <= 1.15 * high])
        )
        ax.yaxis.set_minor_locator(NullLocator())
    else:
        ax.set_ylim(0, 1.05 * high)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: scale.tick(y)))


def list_sentences(run: Run) -> list[str]:
    """Return a sentence for each pair on the crossing of its curves; empty without curves."""
    curve = run.result.learning_curve
    return [] if curve is None else [pair.sentence for pair in curve.pairs]


def build_table(run: Run) -> TextTable:
    """Return a row for each size: the errors with CIs, and the verdict on each pair."""
    curve, titles = read_curve(run), list_titles(run)
    scale, protocol = curve_scale(run), run.result.protocol
    main = "error" if scale.unit else "rmse"
    entries = curve.contenders.values()
    rows = []
    for i, size in enumerate(curve.sizes):
        cells = [
            f"{scale.text(entry.test_errors[i])} ({scale.interval(entry.test_error_intervals[i])})"
            for entry in entries
        ]
        if protocol.metric != main:
            cells += [
                format_score(entry.metrics[i], protocol.metric_unit)
                for entry in entries
                if entry.metrics is not None
            ]
        cells += [
            write_verdict(pair.verdicts[i], titles[pair.a], titles[pair.b]) for pair in curve.pairs
        ]
        rows.append((format_count(size), *cells))
    names = [titles[name] for name in curve.contenders]
    leading = []
    if protocol.metric != main:
        leading = [f"{protocol.metric_title}, {name}" for name in names]
    pairs = [f"{titles[pair.a]} − {titles[pair.b]}" for pair in curve.pairs]
    return TextTable(
        f"{scale.title} by number of training rows, with 95 % CI, and the verdict on each pair",
        ("Training rows", *names, *leading, *pairs),
        tuple(rows),
    )


def build_picture(run: Run) -> Picture | None:
    """Return the learning curve for a page; None for a duel at one size."""
    curve = run.result.learning_curve
    if curve is None:
        return None
    titles, scale = list_titles(run), curve_scale(run)
    values = "; ".join(
        f"{titles[name]} "
        + ", ".join(
            f"{scale.text(error)} at {size:,}"
            for size, error in zip(curve.sizes, entry.test_errors, strict=True)
        )
        for name, entry in curve.contenders.items()
    )
    return draw_picture(
        "learning-curve",
        learning_curve(run),
        f"Line chart, {scale.name} over the number of training rows. {values}.",
        f"{scale.title} over the number of training rows (validation rows included), with 95 % CI. "
        "The test rows are the same at every size, and a smaller training set is a subset of a "
        "larger one. Each contender uses its recipe for that size. A dotted line is a crossing "
        "that the verdicts on both sides support.",
        build_table(run),
    )
