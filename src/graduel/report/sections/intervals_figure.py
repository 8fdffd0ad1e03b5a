"""Errors and their differences: a row each, with a dot and its interval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from graduel.duel.result.outcome import Run
from graduel.report.draw import units
from graduel.report.draw.style import (
    GRID,
    INK,
    MUTED,
    PAPER,
    SMALL,
    TEXT,
    WIDTH,
    assign_looks,
    escape_text,
    style_axes,
)
from graduel.report.sections import numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TRACK = 0.17
"""How far the lines behind a whisker reach up and down; the text above them stays clear."""


def errors(run: Run) -> Figure:
    """Draw every contender's test error with its 95 % interval, and a small mark for each fit."""
    levels = numbers.errors(run)
    titles, look = numbers.titles(run), assign_looks(numbers.contenders(run))
    places = units.decimals(len(run.y_test))
    fig, ax = _rows(len(levels), 0.5, 0.66)
    for y, level in enumerate(levels):
        style = look[level.name]
        _name(ax, y - 0.3, escape_text(titles[level.name], 24), style.colour.light)
        text = f"{units.percent(level.value, places)}  {_bounds(level.interval, places)}"
        _number(ax, y - 0.3, text, ha="right")
        _whisker(ax, y, level.value, level.interval, style.colour.light, style.mark)
        if len(level.by_seed) > 1:
            shares = [100 * share for share in level.by_seed]
            ax.plot(shares, [y + 0.2] * len(shares), "|", color=style.colour.light, ms=5, mew=1)
    ends = [bound for level in levels for bound in (level.value, *(level.interval or ()))]
    most = max([*ends, *(error for level in levels for error in level.by_seed), 1e-4])
    _tracks(ax, len(levels), 0, 105 * most, "test error, %")
    return fig


def differences(run: Run, name: str | None = None) -> Figure:
    """Draw the paired difference of each pair's test errors, with the band that counts as equal.

    With `name`, only the pairs of that contender. Raises a ValueError where there is no pair.
    """
    pairs = numbers.differences(run, name)
    if not pairs:
        raise ValueError("differences needs a run with two contenders or more; this one has one")
    titles, scale = numbers.titles(run), numbers.scale(run)
    places = scale.places
    fig, ax = _rows(len(pairs), 0.66, 0.82)
    rope = 100 * max(pair.rope for pair in pairs)
    for y in range(len(pairs)):
        ax.add_patch(Rectangle((-rope, y - _TRACK), 2 * rope, 2 * _TRACK, facecolor=GRID.light))
        ax.vlines(0, y - _TRACK, y + _TRACK, color=MUTED.light, linewidth=0.9)
    for y, pair in enumerate(pairs):
        label = f"{escape_text(titles[pair.a], 24)} − {escape_text(titles[pair.b], 24)}"
        _name(ax, y - 0.53, label, INK.light)
        text = f"{units.points(pair.value, places)} {scale.short}  {_bounds(pair.interval, places)}"
        _number(ax, y - 0.29, text, ha="left")
        _whisker(ax, y, pair.value, pair.interval, INK.light, "o")
    ends = [100 * bound for p in pairs for bound in (p.value, *(p.interval or ()))]
    low, high = min([*ends, -rope]), max([*ends, rope])
    margin = 0.05 * (high - low)
    _tracks(ax, len(pairs), low - margin, high + margin, f"difference, {scale.unit}")
    return fig


def _rows(count: int, inches: float, above: float) -> tuple[Figure, Axes]:
    """Return a figure with a row for each of `count` things: `above` is the room over the first."""
    fig = Figure(figsize=(WIDTH, 0.5 + inches * (count - 0.7 + above)), layout="constrained")
    ax = fig.subplots()
    style_axes(ax)
    ax.set_ylim(count - 0.7, -above)
    ax.set_yticks([])
    return fig, ax


def _tracks(ax: Axes, count: int, low: float, high: float, label: str) -> None:
    """Set the limits and, behind each row's whisker, short lines at the ticks."""
    ax.set_xlim(low, high)
    ticks = [tick for tick in ax.get_xticks() if low <= tick <= high]
    ax.set_xticks(ticks, [f"{tick:.6g}".replace("-", units.MINUS) for tick in ticks])
    ax.set_xlabel(label, color=MUTED.light, fontsize=SMALL)
    for y in range(count):
        ax.vlines(ticks, y - _TRACK, y + _TRACK, color=GRID.light, linewidth=0.8, zorder=0.5)
        ax.hlines(y, low, high, color=GRID.light, linewidth=0.8, zorder=0.5)


def _name(ax: Axes, y: float, label: str, colour: str) -> None:
    place = ax.get_yaxis_transform()
    ax.annotate(label, (0, y), xycoords=place, color=colour, fontsize=TEXT, fontweight="bold")


def _number(ax: Axes, y: float, text: str, *, ha: Literal["left", "right"]) -> None:
    at = (0 if ha == "left" else 1, y)
    place = ax.get_yaxis_transform()
    ax.annotate(text.rstrip(), at, xycoords=place, ha=ha, color=INK.light, fontsize=TEXT)


def _bounds(interval: tuple[float, float] | None, places: int) -> str:
    return "" if interval is None else f"({units.interval(interval, places)})"


def _whisker(
    ax: Axes,
    y: float,
    value: float,
    interval: tuple[float, float] | None,
    colour: str,
    mark: str,
) -> None:
    if interval is not None:
        ax.plot([100 * bound for bound in interval], [y, y], color=colour, linewidth=2)
    ax.plot(100 * value, y, mark, color=colour, ms=7.5, mec=PAPER.light, clip_on=False, zorder=3)
