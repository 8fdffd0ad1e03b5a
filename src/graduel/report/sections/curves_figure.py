"""The race: test error of every contender over seconds of training, or over epochs."""

from __future__ import annotations

from collections.abc import Callable
from math import floor, log10
from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from graduel.duel.result.outcome import Run
from graduel.report.draw import units
from graduel.report.draw.style import (
    INK,
    MUTED,
    PAPER,
    SMALL,
    TEXT,
    WIDTH,
    Look,
    assign_looks,
    escape_text,
    spread_labels,
    style_axes,
)
from graduel.report.sections import numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOG_TIME_FROM = 25
"""The longest fit over the shortest, from which on time has a log scale too."""


def race(run: Run, *, width: float = WIDTH) -> Figure:
    """Draw the test error of every contender, on a log scale, over seconds of training.

    A line for each seed; a mark where a contender ended, at the error of the model it chose; and
    from there a dotted line at that error, against which those that still train can be read. An
    error of zero stands at half of one row, labelled 0. `width` is in inches.
    """
    return _figure(run, numbers.race(run), width, "seconds of training", _in_seconds)


def learning(run: Run, *, width: float = WIDTH) -> Figure:
    """Draw the test error of every contender, on a log scale, over epochs of training.

    Lines and marks are those of :func:`race`; a mark stands at the epoch that was chosen.
    """
    return _figure(run, numbers.learning(run), width, "epochs of training", _at_epoch)


def _in_seconds(time: float) -> str:
    return f"in {units.seconds(time)}"


def _at_epoch(time: float) -> str:
    return f"at epoch {time:.0f}"


def _figure(
    run: Run, racers: list[numbers.Racer], width: float, over: str, when: Callable[[float], str]
) -> Figure:
    titles, look = numbers.titles(run), assign_looks(numbers.contenders(run))
    smallest = numbers.smallest_drawn(run)
    height = 2.6 + 0.2 * width + 0.15 * max(len(racers) - 4, 0)
    fig = Figure(figsize=(width, height), layout="constrained")
    ax = fig.subplots()
    style_axes(ax, grid="y")
    _scales(ax, racers, smallest)
    for racer in racers:
        _draw(ax, racer, look[racer.name], smallest)
    names = {
        racer.name: (
            titles[racer.name],
            f"{units.percent(racer.test_error, units.decimals(len(run.y_test)))} "
            f"{when(racer.mean_seconds)}",
        )
        for racer in racers
    }
    _labels(ax, width, height, racers, names, look, smallest)
    ax.set_xlabel(over, color=MUTED.light, fontsize=SMALL)
    ax.set_title("test error", loc="left", color=MUTED.light, fontsize=SMALL, pad=7)
    return fig


def _draw(ax: Axes, racer: numbers.Racer, look: Look, smallest: float) -> None:
    colour, several = look.colour.light, len(racer.curves) > 1
    for curve in racer.curves:
        ax.plot(
            [time for time, _ in curve],
            [100 * max(error, smallest) for _, error in curve],
            color=colour,
            linestyle=look.line,
            linewidth=0.9 if several else 1.8,
            alpha=0.6 if several else 1,
            label=racer.name,
        )
    level = 100 * max(racer.test_error, smallest)
    ax.plot(
        [racer.mean_seconds, ax.get_xlim()[1]],
        [level, level],
        color=colour,
        linewidth=0.9,
        linestyle=(0, (1, 2.2)),
        zorder=1.5,
    )
    ax.plot(
        racer.fit_seconds,
        [100 * max(error, smallest) for error in racer.test_errors],
        look.mark,
        color=colour,
        markersize=5 if several else 8,
        markeredgecolor=PAPER.light,
        markeredgewidth=1,
        clip_on=False,
        zorder=4,
    )


def _scales(ax: Axes, racers: list[numbers.Racer], smallest: float) -> None:
    """Set both axes: error on a log scale; time on one only where fits differ widely in length."""
    drawn = [
        max(error, smallest)
        for racer in racers
        for error in (*racer.test_errors, *(e for curve in racer.curves for _, e in curve))
    ]
    low, high = 100 * min(drawn), 100 * max(drawn)
    low, high = low * 0.82, max(high * 1.12, low * 2)
    ax.set_yscale("log")
    ax.set_ylim(low, high)
    steps = (1, 2, 5) if high / low > 4 else (1, 1.5, 2, 3, 4, 5, 7)
    ticks = [step * 10.0**power for power in range(floor(log10(low)), 3) for step in steps]
    ticks = [tick for tick in ticks if low <= tick <= min(high, 100)]
    zero = any(error < smallest for r in racers for c in r.curves for _, error in c) or any(
        error < smallest for racer in racers for error in racer.test_errors
    )
    if zero:
        ticks = [100 * smallest, *(tick for tick in ticks if tick > 180 * smallest)]
    ax.yaxis.set_major_locator(FixedLocator(ticks))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(
        FuncFormatter(lambda y, _: "0 %" if zero and y == ticks[0] else f"{y:.3g} %")
    )

    fits = [max(time, 1e-6) for racer in racers for time in racer.fit_seconds]
    times = [time for racer in racers for curve in racer.curves for time, _ in curve] + fits
    if max(fits) > LOG_TIME_FROM * min(fits):
        start = min([time for time in times if time > 0])
        ax.set_xscale("log")
        ax.set_xlim(0.9 * start, 1.08 * max(times))
        few = max(times) < 1000 * start
        ax.xaxis.set_major_locator(LogLocator(subs=[1, 2, 5] if few else [1]))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    else:
        ax.set_xlim(0, 1.03 * max(times))


def _labels(
    ax: Axes,
    width: float,
    height: float,
    racers: list[numbers.Racer],
    names: dict[str, tuple[str, str]],
    look: dict[str, Look],
    smallest: float,
) -> None:
    """Name every line at the right, at the height where it ended, without overlap."""
    low, high = (log10(limit) for limit in ax.get_ylim())
    ends = [(log10(100 * max(racer.test_error, smallest)) - low) / (high - low) for racer in racers]
    tall = 72 * height - 58  # points, about: what the two axis titles leave
    reach = 1 + 11 / (72 * width - 130)  # and what the labels do
    moved = spread_labels(ends, gap=27 / tall, low=8 / tall, high=1 - 8 / tall)
    for racer, end, place in zip(racers, ends, moved, strict=True):
        colour = look[racer.name].colour.light
        ax.plot(
            [1.0, reach],
            [end, place],
            transform=ax.transAxes,
            color=colour,
            linewidth=0.9,
            clip_on=False,
        )
        for text, drop, weight, ink in (
            (escape_text(names[racer.name][0], 18), 2, "bold", colour),
            (names[racer.name][1], -9, "normal", INK.light),
        ):
            ax.annotate(
                text,
                (reach, place),
                (3, drop),
                xycoords="axes fraction",
                textcoords="offset points",
                color=ink,
                fontsize=TEXT if weight == "bold" else SMALL,
                fontweight=weight,
            )
