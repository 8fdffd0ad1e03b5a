"""The figures of a suite; each function returns a matplotlib ``Figure``.

What a figure draws stands in the table of the same name in
:mod:`graduel.report.suite.suite_tables`.
"""

from __future__ import annotations

from math import ceil, floor, log10
from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from graduel.duel.result.outcome import Suite
from graduel.report.draw import units
from graduel.report.draw.style import (
    GRID,
    INK,
    MUTED,
    PAPER,
    SMALL,
    WIDTH,
    assign_looks,
    escape_text,
    style_axes,
)
from graduel.report.suite import suite_tables as tables

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOG_FROM = 8
"""The largest value over the smallest, from which on values have a log scale."""
BEHIND = {"facecolor": PAPER.light, "edgecolor": "none", "pad": 0.5}
"""What keeps lines out of a text."""
LANE = 0.13
"""Inches from one contender's mark to the next within a data set."""


def results(suite: Suite, *, width: float = WIDTH) -> Figure:
    """Draw every contender's metric on every data set, with its 95 % interval.

    An error of zero stands at half of one row where the scale is a logarithm.
    """
    called, lines = tables.titles(suite), suite.result["datasets"]
    look, percent = assign_looks(called), bool(suite.result["protocol"]["metric_unit"] == "%")
    factor = 100 if percent else 1
    tall = LANE * len(called) + 0.3
    legend = [escape_text(title, 24) for title in called.values()]
    columns = max(1, min(len(legend), int(width // 1.6)))
    fig, ax = _rows(len(lines), tall, width, top=0.1 + 0.22 * ceil(len(legend) / columns))
    found = [
        (factor * float(line["contenders"][name]["value"]), line)
        for line in lines
        for name in called
    ]
    positive = [value for value, _ in found if value > 0]
    log = percent and bool(positive) and max(positive) > LOG_FROM * min(positive)
    floor_of = {line["name"]: factor * 0.5 / tables.judged(line) if log else 0.0 for line in lines}
    ends: list[float] = []
    for y, line in enumerate(lines):
        _name(ax, y, tall, 0.02, escape_text(line["name"], 34))
        for lane, name in enumerate(called):
            at = y + (0.3 + LANE * lane) / tall
            least = floor_of[line["name"]]
            value = max(factor * float(line["contenders"][name]["value"]), least)
            bounds = tables.interval(line, name)
            if bounds is not None:
                low, high = (max(factor * bound, least or factor * bound) for bound in bounds)
                ax.plot([low, high], [at, at], color=look[name].colour.light, linewidth=1.3)
                ends += [low, high]
            ax.plot(
                value,
                at,
                look[name].mark,
                color=look[name].colour.light,
                markersize=5.5,
                markeredgecolor=PAPER.light,
                markeredgewidth=0.6,
                zorder=3,
            )
            ends.append(value)
    handles = [
        Line2D([], [], color=look[name].colour.light, marker=look[name].mark, ms=5.5, lw=1.3)
        for name in called
    ]
    fig.legend(
        handles,
        legend,
        loc="outside upper left",
        ncols=columns,
        frameon=False,
        fontsize=SMALL,
        labelcolor="linecolor",
    )
    if log:
        _log_scale(ax, min(ends), max(ends))
    else:
        margin = 0.04 * (max(ends) - min(ends) or 1)
        ax.set_xlim(0 if percent else min(ends) - margin, max(ends) + margin)
    title = str(suite.result["protocol"]["metric_title"])
    ax.set_xlabel(f"{title}, %" if percent else title, color=MUTED.light, fontsize=SMALL)
    return fig


def differences(suite: Suite, a: str, b: str, *, width: float = WIDTH) -> Figure:
    """Draw the difference of a pair on every data set, and its median over all of them.

    The band is what counts as equal. A filled mark is a data set whose own duel calls one of the
    two better.
    """
    called, lines = tables.titles(suite), suite.result["datasets"]
    look, across = assign_looks(called), suite.result["across"]
    factor = 100 if suite.result["protocol"]["metric_unit"] else 1
    rope = factor * float(suite.result["protocol"]["rope"])
    found = [(line["name"], *tables.difference(suite, line, a, b)) for line in lines]
    found.sort(key=lambda one: one[1])
    over_all = next((one for one in across["pairs"] if (one["a"], one["b"]) == (a, b)), None)
    tall = 0.36
    fig, ax = _rows(len(found) + (over_all is not None), tall, width, top=0.2)
    ends = [-rope, rope]
    ax.add_patch(Rectangle((-rope, -0.1), 2 * rope, len(found) + 1.2, facecolor=GRID.light, lw=0))
    ax.axvline(0, color=MUTED.light, linewidth=0.8)
    for y, (name, value, bounds, said) in enumerate(found):
        winner = a if value < 0 else b
        colour = look[winner].colour.light if "better" in said else MUTED.light
        ends += _whisker(ax, y + 0.68, factor, value, bounds, colour, "o", "better" in said)
        _name(ax, y, tall, 0.0, escape_text(name, 34), weight="normal")
        _value(ax, y, tall, tables.size(suite, value))
    if over_all is not None:
        y = len(found)
        bounds = None if over_all["interval"] is None else tuple(over_all["interval"])
        value = float(over_all["median_difference"])
        ends += _whisker(ax, y + 0.68, factor, value, bounds, INK.light, "D", True)
        _name(ax, y, tall, 0.0, "all, the median")
        _value(ax, y, tall, tables.size(suite, value))
    low, high = min(ends), max(ends)
    margin = 0.05 * (high - low or 1)
    ax.set_xlim(low - margin, high + margin)
    _true_minus(ax)
    for side, name in (("left", a), ("right", b)):
        ax.annotate(
            escape_text(f"← {called[name]}" if side == "left" else f"{called[name]} →", 26),
            (0 if side == "left" else 1, 1),
            (0, 3),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="left" if side == "left" else "right",
            color=look[name].colour.light,
            fontsize=SMALL,
            fontweight="bold",
        )
    unit = "points" if suite.result["protocol"]["metric_unit"] else ""
    title = suite.result["protocol"]["metric_title"]
    label = f"difference of {title}" + f", {unit}" * bool(unit)
    ax.set_xlabel(label, color=MUTED.light, fontsize=SMALL)
    return fig


def wins(suite: Suite, *, width: float = WIDTH) -> Figure:
    """Draw for every pair on how many data sets which one wins, and on how many they are equal."""
    called, pairs = tables.titles(suite), suite.result["across"]["pairs"]
    look = assign_looks(called)
    tall = 0.5
    fig, ax = _rows(len(pairs), tall, width, top=0.1)
    total = len(suite.result["datasets"])
    for y, one in enumerate(pairs):
        left = 0.0
        for count, colour in (
            (one["wins"], look[one["a"]].colour.light),
            (one["ties"], GRID.light),
            (one["losses"], look[one["b"]].colour.light),
        ):
            if not count:
                continue
            ax.add_patch(
                Rectangle((left, y + 0.42), count, 0.42, facecolor=colour, ec=PAPER.light, lw=1)
            )
            ink = INK.light if colour == GRID.light else PAPER.light
            ax.annotate(
                str(count),
                (left + count / 2, y + 0.64),
                ha="center",
                va="center",
                color=ink,
                fontsize=SMALL,
                fontweight="bold",
            )
            left += count
        at = y + 0.28
        place = ax.get_yaxis_transform()
        for x, ha, name in ((0, "left", one["a"]), (1, "right", one["b"])):
            ax.annotate(
                escape_text(called[name], 26),
                (x, at),
                xycoords=place,
                ha=ha,
                color=look[name].colour.light,
                fontsize=SMALL,
                fontweight="bold",
            )
    ax.set_xlim(0, total)
    ax.set_xticks([])
    return fig


def _rows(count: int, inches: float, width: float, *, top: float) -> tuple[Figure, Axes]:
    """Return a figure of `count` rows, each so many inches tall; row y reaches from y to y + 1."""
    fig = Figure(figsize=(width, 0.5 + inches * count + top), layout="constrained")
    ax = fig.subplots()
    style_axes(ax, grid="x")
    ax.set_ylim(count + 0.1, 0)
    ax.set_yticks([])
    return fig, ax


def _name(
    ax: Axes, y: float, tall: float, shift: float, label: str, *, weight: str = "bold"
) -> None:
    """Write what a row is about at its top left."""
    at = (0, y + (0.17 + shift) / tall)
    place = ax.get_yaxis_transform()
    ax.annotate(
        label,
        at,
        xycoords=place,
        color=INK.light,
        fontsize=SMALL,
        fontweight=weight,
        bbox=BEHIND,
    )


def _value(ax: Axes, y: float, tall: float, text: str) -> None:
    place = ax.get_yaxis_transform()
    at = (1, y + 0.17 / tall)
    ax.annotate(text, at, xycoords=place, ha="right", color=INK.light, fontsize=SMALL, bbox=BEHIND)


def _whisker(
    ax: Axes,
    y: float,
    factor: float,
    value: float,
    bounds: tuple[float, float] | None,
    colour: str,
    mark: str,
    full: bool,
) -> list[float]:
    """Draw a mark with its interval; return where it reaches."""
    ends = [factor * value]
    if bounds is not None:
        ends += [factor * bound for bound in bounds]
        ax.plot(ends[1:], [y, y], color=colour, linewidth=1.8)
    face = colour if full else PAPER.light
    ax.plot(ends[0], y, mark, color=colour, mfc=face, ms=6, mew=1.3, zorder=3)
    return ends


def _log_scale(ax: Axes, low: float, high: float) -> None:
    ax.set_xscale("log")
    ax.set_xlim(0.85 * low, 1.15 * high)
    powers = range(floor(log10(low)), ceil(log10(high)) + 1)
    steps = (1, 3) if high > 300 * low else (1, 2, 5)
    ticks = [s * 10.0**p for p in powers for s in steps if low <= s * 10.0**p <= high]
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))


def _true_minus(ax: Axes) -> None:
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}".replace("-", units.MINUS)))
