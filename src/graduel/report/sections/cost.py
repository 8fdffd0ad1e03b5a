"""Cost: training time, prediction time, memory and model size of each contender."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullFormatter

from graduel.duel.result.outcome import Run
from graduel.duel.verdict.costs import QUARTILES
from graduel.duel.verdict.sentences import join_words, with_article
from graduel.number_format import NONE, format_bytes, format_rows, format_seconds
from graduel.report.draw.contender_names import list_looks, list_titles
from graduel.report.draw.notebook_figure import create_figure
from graduel.report.draw.picture import Picture, TextTable, draw_picture
from graduel.report.draw.style import (
    INK,
    PAPER,
    SMALL,
    TEXT,
    WIDTH,
    draw_marks,
    escape_text,
    style_axes,
    title_axes,
)

MARK = " *"
"""Marks times that are too long to compare because other processes used the cores."""


@dataclass(frozen=True, slots=True)
class Cost:
    """One kind of cost by contender; None if it was not measured.

    `marked` are the contenders whose times are too long because other processes used the cores.
    """

    key: str
    label: str
    unit: Literal["seconds", "bytes"]
    values: dict[str, float | None]
    marked: frozenset[str] = frozenset()

    def format(self, name: str) -> str:
        """Return a contender's value with its unit, and a mark if it is too long."""
        value = self.values[name]
        if self.unit == "bytes":
            return format_bytes(value)
        return format_seconds(value) + MARK * (name in self.marked)

    def format_all(self) -> list[str]:
        """Return the values of all contenders."""
        return list(map(self.format, self.values))


def format_time(run: Run, name: str, seconds: float) -> str:
    """Return a contender's time, with the mark if other processes used the cores."""
    return format_seconds(seconds) + MARK * run.result.contenders[name].lacked_cores


def read_costs(run: Run) -> list[Cost]:
    """Return each contender's times of search, training and prediction, memory and model size."""
    entries = run.result.contenders
    batch_sizes = {entry.batch_rows for entry in entries.values()}
    batch = format_rows(batch_sizes.pop()) if len(batch_sizes) == 1 else "a batch"
    tuned = any(any(entry.tuning_seconds) for entry in entries.values())
    kinds: list[tuple[str, str, Literal["seconds", "bytes"]]] = [
        ("fit_seconds", "Training time, selected trial" if tuned else "Training time", "seconds"),
        ("predict_row_seconds", "Prediction time, 1 row", "seconds"),
        ("predict_batch_seconds", f"Prediction time, {batch}", "seconds"),
        ("peak_memory_bytes", "Peak memory", "bytes"),
        ("model_bytes", "Model size", "bytes"),
    ]
    if tuned:
        kinds.insert(0, ("tuning_seconds", "Search and training time", "seconds"))
    marked = frozenset(name for name, entry in entries.items() if entry.lacked_cores)
    return [
        Cost(
            key,
            label,
            unit,
            {name: _mean(getattr(entry, key)) for name, entry in entries.items()},
            marked if unit == "seconds" else frozenset(),
        )
        for key, label, unit in kinds
    ]


def read_latency_rows(run: Run) -> dict[str, tuple[str, ...]]:
    """Return the rows of a table with the quartiles of prediction times, by the key of the cost.

    Costs without quartiles (in results of earlier versions) have no row.
    """
    rows = {}
    for key, field in QUARTILES.items():
        spreads = [getattr(entry, field) for entry in run.result.contenders.values()]
        if any(spreads):
            rows[key] = ("its quartiles", *(_format_spread(spread) for spread in spreads))
    return rows


def _format_spread(spread: tuple[float, float] | None) -> str:
    return NONE if spread is None else " to ".join(map(format_seconds, spread))


def _mean(value: float | Sequence[float | None] | None) -> float | None:
    """Return the mean over runs; None if nothing was measured."""
    values = value if isinstance(value, Sequence) else [value]
    measured = [one for one in values if one is not None]
    return float(np.mean(measured)) if measured else None


def list_notes(run: Run) -> list[str]:
    """Return sentences on what makes the costs hard to compare."""
    notes = (describe_missing_cores(run), describe_machines(run), describe_attempts(run))
    return [note for note in notes if note]


def describe_missing_cores(run: Run) -> str:
    """Return a sentence on contenders whose cores other processes used; empty if there are none."""
    titles = list_titles(run)
    contenders = run.result.contenders
    names = [with_article(name, titles) for name, one in contenders.items() if one.lacked_cores]
    if not names:
        return ""
    kind = "experiment" if run.result.protocol.varies else "duel"
    return (
        f"{MARK.strip()} Other processes used cores during the runs of {join_words(names)}: these "
        f"times are too long to compare. Run the {kind} again on a machine with free cores."
    )


def describe_machines(run: Run) -> str:
    """Return a sentence on runs on different kinds of machines; empty if all were on one kind."""
    machines = run.result.machines
    if len(machines) < 2:
        return ""
    titles = list_titles(run)
    kinds = "; ".join(
        f"{machine} ({join_words([titles[name] for name in _names_on(run, index)])})"
        for index, machine in enumerate(machines)
    )
    return (
        f"The runs were on {len(machines)} kinds of machines: {kinds}. Costs of contenders are "
        "compared only if all their runs were on one kind."
    )


def _names_on(run: Run, index: int) -> list[str]:
    """Return the contenders with a run on a kind of machine."""
    return [name for name, one in run.result.contenders.items() if index in one.machines]


def describe_attempts(run: Run) -> str:
    """Return a sentence on runs that were started again; empty if there are none."""
    again = sum(n - 1 for one in run.result.contenders.values() for n in one.attempts)
    if not again:
        return ""
    times = "once" if again == 1 else f"{again} times"
    return f"A run was started again {times} because its worker was lost."


def cost(run: Run) -> Figure:
    """Draw the costs in time, memory and size, each on its own log scale."""
    costs, names = read_costs(run), list(run.result.contenders)
    titles, looks = list_titles(run), list_looks(run)
    panel = 0.34 + 0.235 * len(names)
    fig = create_figure(WIDTH, panel * len(costs) + 0.1)
    panels = np.atleast_1d(np.asarray(fig.subplots(len(costs), 1)))
    for ax, one in zip(panels, costs, strict=True):
        style_axes(ax, grid="x")
        measured = [value for value in one.values.values() if value and value > 0]
        low, high = (min(measured), max(measured)) if measured else (1.0, 1.0)
        # At least a decade, so that similar costs look similar; with space for the value.
        low, high = min(low, high / 10) / 1.6, high * 1.25
        ax.set_xscale("log")
        ax.set_xlim(low, high * (high / low) ** 0.28)
        ax.xaxis.set_major_formatter(NullFormatter())
        ax.xaxis.set_minor_locator(FixedLocator([]))
        for y, name in enumerate(names):
            value, look = one.values[name], looks[name]
            x = value if value and value > 0 else low
            if value and value > 0:
                ax.hlines(y, low, x, color=look.color.light, linewidth=1.4, alpha=0.5)
                draw_marks(ax, x, y, look, 6.5)
            ax.annotate(
                one.format(name),
                (x, y),
                (8, 0),
                textcoords="offset points",
                va="center_baseline",
                color=INK.light,
                fontsize=SMALL,
                bbox={"facecolor": PAPER.light, "edgecolor": "none", "pad": 1},
            )
        ax.set_ylim(len(names) - 0.5, -0.5)
        ax.set_yticks(range(len(names)), [escape_text(titles[name], 20) for name in names])
        for tick, name in zip(ax.get_yticklabels(), names, strict=True):
            tick.set_color(looks[name].color.light)
        title_axes(ax, one.label, INK.light, TEXT, None)
    return fig


def build_table(run: Run) -> TextTable:
    """Return the costs of each contender."""
    latency, rows = read_latency_rows(run), list[tuple[str, ...]]()
    for one in read_costs(run):
        rows.append((one.label, *one.format_all()))
        if one.key in latency:
            rows.append(latency[one.key])
    return TextTable("Cost", ("Lower is better", *list_titles(run).values()), tuple(rows))


def build_picture(run: Run) -> Picture:
    """Return the costs for a page."""
    titles = list_titles(run)
    values = ". ".join(
        f"{one.label}: " + ", ".join(f"{titles[name]} {one.format(name)}" for name in one.values)
        for one in read_costs(run)
    )
    caption = (
        "Each kind of cost has its own log scale: from one gray line to the next, the cost is 10 "
        "times as high."
    )
    if "predict_row_seconds" in read_latency_rows(run):
        caption += (
            " The prediction time of 1 row is the median of at least 50 predictions after a "
            "warm-up; the table has its quartiles, except for models that need over 5 s for 50."
        )
    if any(len(entry.fit_seconds) > 1 for entry in run.result.contenders.values()):
        caption += " Training times are means over all fits."
    return draw_picture(
        "cost",
        cost(run),
        f"Cost of each contender, each kind on its own log scale. {values}.",
        caption,
        build_table(run),
    )
