"""Wins, ties and losses of each pair across the data sets of a suite."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from graduel.duel.result.outcome import Suite
from graduel.duel.verdict.sentences import name_interval
from graduel.number_format import format_p
from graduel.report.draw.contender_names import list_looks, list_titles
from graduel.report.draw.interval_rows import create_dataset_rows, write_in_row
from graduel.report.draw.picture import Picture, TextTable, draw_picture
from graduel.report.draw.style import GRID, INK, PAPER, SMALL, WIDTH, escape_text
from graduel.report.draw.wording import capitalize
from graduel.report.sections.differences import write_verdict
from graduel.report.suite.metric_text import (
    format_difference_interval,
    format_metric_difference,
    format_rope,
    get_across,
)


def wins(suite: Suite, *, width: float = WIDTH) -> Figure:
    """Draw the number of data sets that each of a pair wins, and of ties."""
    titles, looks, pairs = list_titles(suite), list_looks(suite), get_across(suite).pairs
    fig, ax = create_dataset_rows(len(pairs), 0.5, width, top=0.1)
    for y, pair in enumerate(pairs):
        left = 0.0
        for count, color in (
            (pair.wins, looks[pair.a].color.light),
            (pair.ties, GRID.light),
            (pair.losses, looks[pair.b].color.light),
        ):
            if not count:
                continue
            ax.add_patch(
                Rectangle((left, y + 0.42), count, 0.42, facecolor=color, ec=PAPER.light, lw=1)
            )
            ax.annotate(
                str(count),
                (left + count / 2, y + 0.64),
                ha="center",
                va="center",
                color=INK.light if color == GRID.light else PAPER.light,
                fontsize=SMALL,
                fontweight="bold",
            )
            left += count
        for left_or_right, name in enumerate((pair.a, pair.b)):
            title, color = escape_text(titles[name], 26), looks[name].color.light
            write_in_row(ax, left_or_right, y + 0.28, title, color, size=SMALL, bold=True)
    ax.set_xlim(0, len(suite.result.datasets))
    ax.set_xticks([])
    return fig


def build_table(suite: Suite) -> TextTable:
    """Return wins, verdict and tests of each pair across the data sets."""
    titles = list_titles(suite)
    unit = "points" if suite.result.protocol.metric_unit else "difference"
    return TextTable(
        "All pairs across the data sets",
        (
            "First − second",
            "Wins",
            "Ties",
            "Losses",
            "Verdict",
            f"Median, {unit}",
            capitalize(name_interval(get_across(suite).pairs[0])),
            "p (Wilcoxon)",
            "p, adjusted",
            "Probability of first / equal / second, %",
        ),
        tuple(
            (
                f"{titles[one.a]} − {titles[one.b]}",
                str(one.wins),
                str(one.ties),
                str(one.losses),
                write_verdict(one.verdict, titles[one.a], titles[one.b]),
                format_metric_difference(suite, one.median_difference),
                format_difference_interval(suite, one.printed_interval),
                format_p(one.p_value),
                format_p(one.p_adjusted),
                " / ".join(f"{100 * p:.0f}" for p in one.bayes),
            )
            for one in get_across(suite).pairs
        ),
    )


def build_picture(suite: Suite) -> Picture:
    """Return the wins, ties and losses for a page."""
    table = build_table(suite)
    lines = "; ".join(f"{r[0]}: {r[1]} wins, {r[2]} ties, {r[3]} losses" for r in table.rows)
    return draw_picture(
        "wins",
        wins(suite),
        f"Bars of wins, ties and losses for each pair. {lines}.",
        "Number of data sets that each of a pair wins: its metric is better by more than "
        f"{format_rope(suite)}, whether or not that is significant on the data set. Gray: ties.",
        table,
    )
