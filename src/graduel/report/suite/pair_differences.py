"""Paired differences by data set, and their median."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter

from graduel.duel.result.outcome import Suite
from graduel.duel.verdict.sentences import name_interval, with_article
from graduel.number_format import MINUS, NONE
from graduel.report.draw.contender_names import list_looks, list_titles
from graduel.report.draw.interval_rows import create_dataset_rows, write_in_row
from graduel.report.draw.picture import Picture, TextTable, draw_picture
from graduel.report.draw.style import GRID, INK, MUTED, PAPER, SMALL, WIDTH, escape_text
from graduel.report.draw.wording import capitalize
from graduel.report.sections.differences import write_verdict
from graduel.report.suite.metric_text import (
    Interval,
    format_difference_interval,
    format_metric_difference,
    get_across,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from graduel.duel.result.suite_result import SuiteDataset

MOST_PAIRS = 3
"""Most pairs drawn; the tables list all pairs."""
USUAL = (("net", "xgboost"), ("textbook", "xgboost"), ("textbook", "net"))


@dataclass(frozen=True, slots=True)
class DatasetDifference:
    """The difference of a pair on one data set."""

    dataset: str
    value: float
    """Loss of the first − loss of the second."""
    interval: Interval | None
    """CI of the duel; None if the duel is decided by another metric than the suite."""
    verdict: str
    """Verdict of the duel in words."""

    @property
    def is_decided(self) -> bool:
        """Whether one of the two is better by the verdict."""
        return "better" in self.verdict


def read_differences(suite: Suite, a: str, b: str) -> list[DatasetDifference]:
    """Return the difference of a pair on each data set."""
    return [_read_difference(suite, dataset, a, b) for dataset in suite.result.datasets]


def _read_difference(suite: Suite, dataset: SuiteDataset, a: str, b: str) -> DatasetDifference:
    protocol, titles = suite.result.protocol, list_titles(suite)
    sign = 1 if protocol.lower_is_better else -1
    value = sign * (dataset.contenders[a].value - dataset.contenders[b].value)
    for one in dataset.comparisons:
        if {one.a, one.b} != {a, b}:
            continue
        verdict = write_verdict(one.verdict, titles[one.a], titles[one.b])
        if one.metric != protocol.metric:
            verdict += f", by {dataset.protocol.metric_title}"
            return DatasetDifference(dataset.name, value, None, verdict)
        low, high = one.printed_interval
        interval = (low, high) if one.a == a else (-high, -low)
        return DatasetDifference(dataset.name, value, interval, verdict)
    return DatasetDifference(dataset.name, value, None, NONE)


def name_duel_interval(suite: Suite) -> str:
    """Return the name of the CI of a difference in the duels: "simultaneous 95 % CI" of several."""
    duels = [one.comparisons[0] for one in suite.result.datasets if one.comparisons]
    return name_interval(duels[0]) if duels else "95 % CI"


def differences(suite: Suite, a: str, b: str, *, width: float = WIDTH) -> Figure:
    """Draw the difference of a pair on each data set, and the median over data sets.

    The band is the ROPE. A filled marker is a data set on which one of the two is better by the
    verdict of its duel.
    """
    titles, looks, protocol = list_titles(suite), list_looks(suite), suite.result.protocol
    factor = 100 if protocol.metric_unit else 1
    rope = factor * protocol.rope
    rows = sorted(read_differences(suite, a, b), key=lambda row: row.value)
    overall = next((one for one in get_across(suite).pairs if (one.a, one.b) == (a, b)), None)
    tall = 0.36
    fig, ax = create_dataset_rows(len(rows) + (overall is not None), tall, width, top=0.2)
    ends = [-rope, rope]
    ax.add_patch(Rectangle((-rope, -0.1), 2 * rope, len(rows) + 1.2, facecolor=GRID.light, lw=0))
    ax.axvline(0, color=MUTED.light, linewidth=0.8)
    for y, row in enumerate(rows):
        winner = looks[a if row.value < 0 else b]
        color = winner.color.light if row.is_decided else MUTED.light
        face = color if row.is_decided else PAPER.light
        ends += _draw_whisker(ax, y, factor, row.value, row.interval, (color, face, "o"))
        text = format_metric_difference(suite, row.value)
        _write_texts(ax, y + 0.17 / tall, escape_text(row.dataset, 34), text, bold=False)
    if overall is not None:
        y, value, style = len(rows), overall.median_difference, (INK.light, INK.light, "D")
        ends += _draw_whisker(ax, y, factor, value, overall.printed_interval, style)
        text = format_metric_difference(suite, value)
        _write_texts(ax, y + 0.17 / tall, "median of all", text, bold=True)
    low, high = min(ends), max(ends)
    margin = 0.05 * (high - low or 1)
    ax.set_xlim(low - margin, high + margin)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}".replace("-", MINUS)))
    for x, ha, name in ((0, "left", a), (1, "right", b)):
        ax.annotate(
            escape_text(f"← {titles[name]}" if x == 0 else f"{titles[name]} →", 26),
            (x, 1),
            (0, 3),
            xycoords="axes fraction",
            textcoords="offset points",
            ha=ha,
            color=looks[name].color.light,
            fontsize=SMALL,
            fontweight="bold",
        )
    unit = ", points" if protocol.metric_unit else ""
    label = f"difference of {protocol.metric_title}{unit}"
    ax.set_xlabel(label)
    return fig


def _write_texts(ax: Axes, y: float, label: str, value: str, *, bold: bool) -> None:
    """Write the label of a row at the left and its value at the right."""
    write_in_row(ax, 0, y, label, size=SMALL, bold=bold, box=True)
    write_in_row(ax, 1, y, value, size=SMALL, box=True)


def _draw_whisker(
    ax: Axes,
    y: float,
    factor: float,
    value: float,
    interval: Interval | None,
    style: tuple[str, str, str],
) -> list[float]:
    """Draw a marker and its interval; `style` is (color, fill, shape). Return the ends."""
    color, face, mark = style
    ends = [factor * value]
    if interval is not None:
        ends += [factor * bound for bound in interval]
        ax.plot(ends[1:], [y + 0.68] * 2, color=color, linewidth=1.8)
    ax.plot(ends[0], y + 0.68, mark, color=color, mfc=face, ms=6, mew=1.3, zorder=3)
    return ends


def build_table(suite: Suite, a: str, b: str) -> TextTable:
    """Return a table of the difference of a pair on each data set."""
    titles = list_titles(suite)
    return TextTable(
        f"{titles[a]} − {titles[b]} by data set",
        ("Data set", "Difference", capitalize(name_duel_interval(suite)), "Verdict"),
        tuple(
            (
                one.dataset,
                format_metric_difference(suite, one.value),
                format_difference_interval(suite, one.interval),
                one.verdict,
            )
            for one in read_differences(suite, a, b)
        ),
    )


def build_pictures(suite: Suite) -> list[Picture]:
    """Return the differences of the main pairs for a page."""
    pairs = _select_pairs(suite)
    return [_build_picture(suite, number, a, b) for number, (a, b) in enumerate(pairs)]


def _build_picture(suite: Suite, number: int, a: str, b: str) -> Picture:
    titles, table = list_titles(suite), build_table(suite, a, b)
    interval = name_duel_interval(suite)
    lines = "; ".join(f"{name} {value}, {verdict}" for name, value, _, verdict in table.rows)
    return draw_picture(
        f"differences-{number}",
        differences(suite, a, b),
        f"Paired differences of {titles[a]} and {titles[b]} by data set. {lines}.",
        f"{titles[a]} − {titles[b]} by data set, with {interval}: left of zero "
        f"{with_article(a, titles)} is better. The band is the ROPE. Filled markers: one of the "
        "two is better by the verdict; hollow markers: undecided or practically equal. The last "
        "row is the median over data sets.",
        table,
    )


def _select_pairs(suite: Suite) -> list[tuple[str, str]]:
    """Return the pairs to draw: the usual ones first, then those with the best ranks."""
    across = get_across(suite)
    pairs = [(one.a, one.b) for one in across.pairs]
    usual = [pair for a, b in USUAL for pair in ((a, b), (b, a)) if pair in pairs]
    rest = [pair for pair in pairs if pair not in usual]
    rest.sort(key=lambda pair: across.ranks[pair[0]] + across.ranks[pair[1]])
    return [*usual, *rest][:MOST_PAIRS]
