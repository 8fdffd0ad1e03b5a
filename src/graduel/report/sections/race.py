"""The race: test error (in a regression, RMSE) of each contender over training time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from graduel.duel.result.outcome import Curve, Run
from graduel.number_format import format_seconds
from graduel.report.draw.contender_names import list_looks, list_titles
from graduel.report.draw.loss_scale import LossScale, curve_scale
from graduel.report.draw.notebook_figure import create_axes
from graduel.report.draw.picture import WIDE, Picture, TextTable, draw_picture
from graduel.report.draw.style import (
    INK,
    SMALL,
    TEXT,
    WIDTH,
    Look,
    draw_marks,
    escape_text,
    set_ticks,
    spread_labels,
    title_axes,
)
from graduel.report.sections.cost import describe_missing_cores, format_time
from graduel.report.sections.protocol_text import name_run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOG_TIME_FROM = 25
"""Ratio of the longest to the shortest fit above which time has a log scale."""
TIME_LABEL = 22
"""Points from one label of the time to the next."""
MARGIN_WIDTH, MARGIN_HEIGHT = 130, 58
"""Points of a figure's width and height outside its axes, for labels."""


@dataclass(frozen=True, slots=True)
class Racer:
    """A contender in the race: for each run its curve and the test error of its final model."""

    name: str
    curves: tuple[Curve, ...]
    ends: tuple[float, ...]
    """The end of each run: seconds, or the selected epoch."""
    test_errors: tuple[float, ...]
    test_error: float

    @property
    def mean_end(self) -> float:
        """The mean of `ends`."""
        return float(np.mean(self.ends))

    def error_at(self, seconds: float) -> float | None:
        """Return the test error of run 0 at its last checkpoint up to `seconds`; None before it."""
        errors = [error for time, error in self.curves[0] if time <= seconds] if self.curves else []
        return errors[-1] if errors else None


def read_racers(run: Run) -> list[Racer]:
    """Return the test error (a share) or RMSE of each contender over seconds of training.

    A run ends when its model is fitted, or when its hyperparameter search ends.
    """
    racers = []
    for name, entry in run.result.contenders.items():
        tuning = entry.tuning_seconds or [None] * len(entry.fit_seconds)
        ends = tuple(s or fit for s, fit in zip(tuning, entry.fit_seconds, strict=True))
        curves = tuple(run.curve_points.get(name, ()))
        racers.append(Racer(name, curves, ends, tuple(entry.curve_losses), entry.curve_loss))
    return racers


def race(run: Run, *, width: float = WIDTH, ax: Axes | None = None) -> Figure:
    """Draw the test error of each contender, on a log scale, over training time.

    Each run has a line and, at its end, a marker at the error of its final model. A dotted line
    extends that error for comparison with contenders that train longer. An error of zero is drawn
    at half of one row and labeled 0. `width` is in inches. With `ax`, the race is drawn into those
    axes; the labels of the lines are to the right of them.
    """
    return draw_curves(
        run,
        read_racers(run),
        width,
        "training time, s",
        lambda t: f"in {format_seconds(t)}",
        ax,
    )


def draw_curves(
    run: Run,
    racers: list[Racer],
    width: float,
    x_label: str,
    format_end: Callable[[float], str],
    ax: Axes | None = None,
) -> Figure:
    """Draw test errors on a log scale over time; `format_end` formats the end of a run."""
    titles, looks, scale = list_titles(run), list_looks(run), curve_scale(run)
    height = 2.6 + 0.2 * width + 0.15 * max(len(racers) - 4, 0)
    is_new = ax is None
    fig, ax = create_axes(width, height, grid="y", ax=ax)
    if not is_new:
        box = ax.get_window_extent().transformed(fig.dpi_scale_trans.inverted())
        width, height = box.width + MARGIN_WIDTH / 72, box.height + MARGIN_HEIGHT / 72
    _scale_axes(ax, racers, scale, 72 * width - MARGIN_WIDTH)
    for racer in racers:
        _draw_racer(ax, racer, looks[racer.name], scale)
    labels = [
        (
            titles[racer.name],
            f"{scale.text(racer.test_error)} {format_end(racer.mean_end)}",
        )
        for racer in racers
    ]
    _label_lines(ax, width, height, racers, labels, looks, scale)
    ax.set_xlabel(x_label)
    title_axes(ax, scale.name)
    return fig


def _draw_racer(ax: Axes, racer: Racer, look: Look, scale: LossScale) -> None:
    color, several = look.color.light, len(racer.curves) > 1
    for curve in racer.curves:
        ax.plot(
            [time for time, _ in curve],
            [scale.draw(error) for _, error in curve],
            color=color,
            linestyle=look.line,
            linewidth=0.9 if several else 1.8,
            alpha=0.6 if several else 1,
            label=racer.name,
        )
    level = scale.draw(racer.test_error)
    ax.plot(
        [racer.mean_end, ax.get_xlim()[1]],
        [level, level],
        color=color,
        linewidth=0.9,
        linestyle=(0, (1, 2.2)),
        zorder=1.5,
    )
    errors = [scale.draw(error) for error in racer.test_errors]
    draw_marks(ax, racer.ends, errors, look, 5 if several else 8, clip_on=False, zorder=4)


def _scale_axes(ax: Axes, racers: list[Racer], scale: LossScale, points: float) -> None:
    """Scale the axes: log scale for errors, and for time if fits differ widely in length.

    `points` is the width of the axes; on a log scale it limits the labels of the time.
    """
    errors = [
        error
        for racer in racers
        for error in (*racer.test_errors, *(e for curve in racer.curves for _, e in curve))
    ]
    low, high = (scale.draw(end) for end in (min(errors), max(errors)))
    low, high = low * 0.82, max(high * 1.12, low * 2)
    ax.set_yscale("log")
    ax.set_ylim(low, high)
    steps = (1, 2, 5) if high / low > 4 else (1, 1.5, 2, 3, 4, 5, 7)
    ticks = [
        step * 10.0**power
        for power in range(floor(log10(low)), ceil(log10(high)) + 1)
        for step in steps
    ]
    ticks = [tick for tick in ticks if low <= tick <= min(high, scale.most)]
    has_zero, zero = min(errors) < scale.lowest, scale.factor * scale.lowest
    if has_zero:
        ticks = [zero, *(tick for tick in ticks if tick > 1.8 * zero)]
    set_ticks(
        ax.yaxis,
        ticks,
        lambda y: f"0{scale.unit}" if has_zero and y == ticks[0] else scale.tick(y),
    )

    ends = [max(time, 1e-6) for racer in racers for time in racer.ends]
    times = [time for racer in racers for curve in racer.curves for time, _ in curve] + ends
    if max(ends) > LOG_TIME_FROM * min(ends):
        start = min([time for time in times if time > 0])
        ax.set_xscale("log")
        ax.set_xlim(0.9 * start, 1.08 * max(times))
        decades = log10(max(times) / start)
        few = decades < 3 and points * log10(2) > TIME_LABEL * decades
        ax.xaxis.set_major_locator(LogLocator(subs=[1, 2, 5] if few else [1]))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    else:
        ax.set_xlim(0, 1.03 * max(times))


def _label_lines(
    ax: Axes,
    width: float,
    height: float,
    racers: list[Racer],
    labels: list[tuple[str, str]],
    looks: dict[str, Look],
    scale: LossScale,
) -> None:
    """Label each line at the right end, near its height, without overlap."""
    low, high = (log10(limit) for limit in ax.get_ylim())
    levels = [(log10(scale.draw(racer.test_error)) - low) / (high - low) for racer in racers]
    tall = 72 * height - MARGIN_HEIGHT  # height of the axes in points, without their titles
    reach = 1 + 11 / (72 * width - MARGIN_WIDTH)  # axes fraction at which the labels start
    moved = spread_labels(levels, gap=27 / tall, low=8 / tall, high=1 - 8 / tall)
    for racer, (title, end), level, label_y in zip(racers, labels, levels, moved, strict=True):
        color = looks[racer.name].color.light
        ax.plot(
            [1.0, reach],
            [level, label_y],
            transform=ax.transAxes,
            color=color,
            linewidth=0.9,
            clip_on=False,
        )
        for text, drop, weight, ink in (
            (escape_text(title, 18), 2, "bold", color),
            (end, -9, "normal", INK.light),
        ):
            ax.annotate(
                text,
                (reach, label_y),
                (3, drop),
                xycoords="axes fraction",
                textcoords="offset points",
                color=ink,
                fontsize=TEXT if weight == "bold" else SMALL,
                fontweight=weight,
            )


def build_table(run: Run) -> TextTable:
    """Return the test error at the last checkpoint before 1, 2, 5, 10, … seconds."""
    racers, titles, scale = read_racers(run), list_titles(run), curve_scale(run)
    times = [time for racer in racers for curve in racer.curves[:1] for time, _ in curve]
    moments = [step * 10.0**power for power in range(-3, 7) for step in (1, 2, 5)]
    rows = [
        (
            format_seconds(t),
            *(scale.text(racer.error_at(t)) for racer in racers),
        )
        for t in moments
        if times and min(times) <= t <= max(times)
    ]
    mean = " (mean over seeds)" if run.result.protocol.seeds > 1 else ""
    rows.append((f"Final model{mean}", *(scale.text(r.test_error) for r in racers)))
    rows.append(
        (
            f"Training time{mean}",
            *(format_time(run, racer.name, racer.mean_end) for racer in racers),
        )
    )
    return TextTable(
        f"{scale.title} at the last checkpoint before each time (first seed)",
        ("Training time", *(titles[racer.name] for racer in racers)),
        tuple(rows),
    )


def build_picture(run: Run) -> Picture:
    """Return the race for a page."""
    racers, titles, scale = read_racers(run), list_titles(run), curve_scale(run)
    ends = "; ".join(
        f"{titles[racer.name]} {scale.text(racer.test_error)} after "
        f"{format_time(run, racer.name, racer.mean_end)}"
        for racer in racers
    )
    caption = (
        f"{scale.title}, on a log scale, over training time. A marker is the final model of a "
        "contender at the end of its training; the dotted line extends its error. The clock stops "
        "while test rows are evaluated."
    )
    if any(len(racer.curves) > 1 for racer in racers):
        caption += f" Each {name_run(run).lower()} has a thin line."
    if any(error == 0 for racer in racers for error in racer.test_errors):
        caption += " An error of zero is drawn at half of one row."
    if note := describe_missing_cores(run):
        caption += f" {note}"
    return draw_picture(
        "race",
        race(run),
        f"Line chart of the {scale.name}, on a log scale, over training time. {ends}.",
        caption,
        build_table(run),
        wide=race(run, width=WIDE),
    )
