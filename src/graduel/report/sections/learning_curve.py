"""The learning curve over training-set size: its figure, its words, its numbers."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from graduel.duel.result.outcome import Run
from graduel.report.draw import units
from graduel.report.draw.style import (
    MUTED,
    PAPER,
    SMALL,
    WIDTH,
    assign_looks,
    escape_text,
    style_axes,
)
from graduel.report.draw.svg import to_inline_svg
from graduel.report.sections import numbers
from graduel.report.sections.pictures import Picture
from graduel.report.sections.tables import Table, verdict

LOG_FROM = 4
"""The largest value over the smallest, from which on errors have a log scale."""


def curve(run: Run) -> dict[str, Any]:
    """Return the learning curve of a run.

    Raises
    ------
    ValueError
        If the duel was run at one size alone.
    """
    found: dict[str, Any] | None = run.result.get("learning_curve")
    if found is None:
        raise ValueError("sizes needs a duel at several training sizes, as --sizes auto makes it")
    return found


def sizes(run: Run, *, width: float = WIDTH) -> Figure:
    """Draw the test error of every contender over the number of training rows, both on log scales.

    Bars are 95 % intervals; a dotted line is where two curves cross. An error of zero stands at
    half of one row.
    """
    found, titles = curve(run), numbers.titles(run)
    look = assign_looks(numbers.contenders(run))
    least = 100 * numbers.smallest_drawn(run)
    fig = Figure(figsize=(width, 2.3 + 0.2 * width), layout="constrained")
    ax = fig.subplots()
    style_axes(ax, grid="y")
    ax.set_xscale("log")
    ends: list[float] = []
    for name, entry in found["contenders"].items():
        style = look[name]
        errors = [max(100 * error, least) for error in entry["test_errors"]]
        bounds = [[max(100 * b, least) for b in pair] for pair in entry["test_error_intervals"]]
        colour = style.colour.light
        ax.plot(found["sizes"], errors, color=colour, linestyle=style.line, linewidth=1.8)
        for size, (low, high) in zip(found["sizes"], bounds, strict=True):
            ax.plot([size, size], [low, high], color=colour, linewidth=1)
        ax.plot(
            found["sizes"],
            errors,
            style.mark,
            color=colour,
            ms=6.5,
            mec=PAPER.light,
            mew=0.8,
            label=escape_text(titles[name], 24),
            zorder=3,
        )
        ends += [*errors, *(bound for pair in bounds for bound in pair)]
    if max(ends) > LOG_FROM * min(ends):
        ax.set_yscale("log")
        steps = (1, 2, 5) if max(ends) > 20 * min(ends) else (1, 1.5, 2, 3, 5, 7)
        ticks = [s * 10.0**p for p in range(-4, 3) for s in steps]
        ax.set_ylim(0.85 * min(ends), min(1.15 * max(ends), 100))
        ax.yaxis.set_major_locator(
            FixedLocator([t for t in ticks if 0.85 * min(ends) <= t <= 1.15 * max(ends)])
        )
        ax.yaxis.set_minor_locator(NullLocator())
    else:
        ax.set_ylim(0, 1.05 * max(ends))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:.3g} %"))
    _rows_axis(ax, found["sizes"])
    for crossing in _crossings(found):
        ax.axvline(crossing["rows"], color=MUTED.light, linewidth=0.9, linestyle=(0, (1, 2.2)))
    ax.set_xlabel("training rows", color=MUTED.light, fontsize=SMALL)
    ax.set_title("test error", loc="left", color=MUTED.light, fontsize=SMALL, pad=7)
    ax.legend(frameon=False, fontsize=SMALL, labelcolor="linecolor", loc="upper right")
    return fig


def _rows_axis(ax: Any, found: list[int]) -> None:
    ax.set_xlim(0.85 * found[0], 1.18 * found[-1])
    ax.xaxis.set_major_locator(FixedLocator(found))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}"))


def _crossings(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [pair["crossing"] for pair in found["pairs"] if pair["crossing"]]


def sentences(run: Run) -> list[str]:
    """Return for every pair whether and where its curves cross; none where there are no curves."""
    found = run.result.get("learning_curve")
    return [] if found is None else [str(pair["sentence"]) for pair in found["pairs"]]


def picture(run: Run) -> dict[str, Any] | None:
    """Return the learning curve as a page shows it, with its sentences; None without one."""
    found = run.result.get("learning_curve")
    if found is None:
        return None
    titles, places = numbers.titles(run), units.decimals(len(run.y_test))
    said = "; ".join(
        f"{titles[name]} "
        + ", ".join(
            f"{units.percent(error, places)} at {size:,}"
            for size, error in zip(found["sizes"], entry["test_errors"], strict=True)
        )
        for name, entry in found["contenders"].items()
    )
    alt = f"Line chart, test error over the number of training rows. {said}."
    caption = (
        "Test error over the number of training rows, those to choose on among them, with 95 % "
        "intervals. The test rows are the same at every size, and the rows of a smaller size are "
        "among those of a larger one. Each contender has its recipe for that size. A dotted line "
        "is a crossing that verdicts on both sides bear out."
    )
    drawn = to_inline_svg(sizes(run), prefix="sizes", label=alt)
    return {"picture": Picture("sizes", drawn, caption, table(run)), "sentences": sentences(run)}


def table(run: Run) -> Table:
    """Return a row for each size: every contender's error with its interval, and the verdicts."""
    found, titles = curve(run), numbers.titles(run)
    places = units.decimals(len(run.y_test))
    metric = run.result["protocol"]
    rows = []
    for i, size in enumerate(found["sizes"]):
        cells = [
            f"{units.percent(entry['test_errors'][i], places)} "
            f"({units.interval(entry['test_error_intervals'][i], places)})"
            for entry in found["contenders"].values()
        ]
        if "metrics" in next(iter(found["contenders"].values())):
            cells += [f"{entry['metrics'][i]:.4f}" for entry in found["contenders"].values()]
        cells += [
            verdict({"a": pair["a"], "b": pair["b"], "verdict": pair["verdicts"][i]}, titles)
            for pair in found["pairs"]
        ]
        rows.append((units.count(size), *cells))
    names = [titles[name] for name in found["contenders"]]
    leading = []
    if metric["metric"] != "error":
        leading = [f"{metric['metric_title']}, {name}" for name in names]
    pairs = [f"{titles[pair['a']]} − {titles[pair['b']]}" for pair in found["pairs"]]
    return Table(
        "Test error by training rows, with 95 % intervals, and the verdict on every pair",
        ("Training rows", *names, *leading, *pairs),
        tuple(rows),
    )
