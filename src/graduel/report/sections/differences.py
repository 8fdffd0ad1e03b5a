"""Paired differences of the contenders: figure, tests and verdicts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from graduel.duel.result.outcome import Run
from graduel.duel.verdict.sentences import name_interval
from graduel.number_format import (
    NONE,
    SHARES,
    decimals_of,
    format_count,
    format_exact,
    format_interval,
    format_p,
    format_points,
    round_rows,
)
from graduel.report.draw.contender_names import check_contender, list_titles
from graduel.report.draw.interval_rows import (
    TRACK,
    create_rows,
    draw_tracks,
    draw_whisker,
    write_in_row,
)
from graduel.report.draw.picture import Picture, TextTable, draw_picture
from graduel.report.draw.style import GRID, INK, MUTED, escape_text
from graduel.report.draw.wording import capitalize

if TYPE_CHECKING:
    from graduel.duel.verdict.types import Comparison, DatasetComparison

MOST_DIFFERENCES = 10
"""Most pairs drawn; of more, those of the contender with the lowest error."""


@dataclass(frozen=True, slots=True)
class DifferenceScale:
    """Units of differences: percentage points for shares, none for log loss and the like.

    A difference times `factor` is formatted like a share, with that number of decimals.
    """

    losses: str
    """The quantity that is subtracted: "test errors", or the title of the metric."""
    unit: str
    short: str
    factor: float
    decimals: int

    def interval(self, bounds: tuple[float, float]) -> tuple[float, float]:
        """Return an interval times the factor."""
        return self.factor * bounds[0], self.factor * bounds[1]


def choose_scale(run: Run) -> DifferenceScale:
    """Return the scale for differences of the leading metric."""
    protocol = run.result.protocol
    title = protocol.metric_title
    if protocol.metric_unit not in SHARES:
        losses = [entry.leading_metric for entry in run.result.contenders.values()]
        decimals = decimals_of(protocol.metric_unit, len(run.y_test), min(losses))
        return DifferenceScale(title, title, "", 0.01, decimals)
    what = "test errors" if protocol.metric == "error" else title
    decimals = decimals_of(protocol.metric_unit, len(run.y_test))
    return DifferenceScale(what, "percentage points", "points", 1.0, decimals)


def select_comparisons(run: Run, name: str | None = None) -> list[Comparison]:
    """Return the comparisons of all pairs, or those of contender `name`."""
    if name is not None:
        check_contender(run, name)
    return [one for one in run.result.comparisons if name in (None, one.a, one.b)]


def find_beaten(
    comparisons: Iterable[Comparison | DatasetComparison], *, by: str | None = None
) -> set[str]:
    """Return the contenders that are worse, by the verdicts, than any other or than `by`."""
    results = [(one.a, one.b) for one in comparisons if one.verdict == "a better"]
    results += [(one.b, one.a) for one in comparisons if one.verdict == "b better"]
    return {loser for winner, loser in results if by in (None, winner)}


def differences(run: Run, name: str | None = None) -> Figure:
    """Draw the paired difference of each pair, with its CI and the ROPE as a band.

    With `name`, only the pairs of that contender. Raises a ValueError if there is no pair.
    """
    pairs = select_comparisons(run, name)
    if not pairs:
        raise ValueError("differences needs a run with two contenders or more; this one has one")
    titles, scale = list_titles(run), choose_scale(run)
    fig, ax = create_rows(len(pairs), 0.66, 0.82)
    rope = 100 * scale.factor * max(pair.rope for pair in pairs)
    for y in range(len(pairs)):
        ax.add_patch(Rectangle((-rope, y - TRACK), 2 * rope, 2 * TRACK, facecolor=GRID.light))
        ax.vlines(0, y - TRACK, y + TRACK, color=MUTED.light, linewidth=0.9)
    ends = []
    for y, pair in enumerate(pairs):
        value, bounds = scale.factor * pair.difference, scale.interval(pair.printed_interval)
        label = f"{escape_text(titles[pair.a], 24)} − {escape_text(titles[pair.b], 24)}"
        write_in_row(ax, 0, y - 0.53, label, bold=True)
        text = f"{format_points(value, scale.decimals)} {scale.short}"
        text += f"  ({format_interval(bounds, scale.decimals)})"
        write_in_row(ax, 0, y - 0.29, text)
        draw_whisker(ax, y, value, bounds, INK.light, "o")
        ends += [100 * end for end in (value, *bounds)]
    low, high = min([*ends, -rope]), max([*ends, rope])
    margin = 0.05 * (high - low)
    draw_tracks(ax, len(pairs), low - margin, high + margin, f"difference, {scale.unit}")
    return fig


def build_table(run: Run) -> TextTable:
    """Return the difference, intervals, p-values and verdict of each pair."""
    titles, scale = list_titles(run), choose_scale(run)
    pairs = run.result.comparisons

    def level(levels: set[float]) -> str:
        return f"{format_exact(100 * levels.pop())} % " if len(levels) == 1 else ""

    def bounds(interval: tuple[float, float]) -> str:
        return format_interval(scale.interval(interval), scale.decimals)

    columns: list[tuple[str, list[str]]] = [
        ("First − second", [f"{titles[one.a]} − {titles[one.b]}" for one in pairs]),
        ("Verdict", [write_verdict(one.verdict, titles[one.a], titles[one.b]) for one in pairs]),
        (
            "Difference",
            [format_points(scale.factor * one.difference, scale.decimals) for one in pairs],
        ),
        (
            capitalize(name_interval(pairs[0])),
            [bounds(one.printed_interval) for one in pairs],
        ),
        (
            f"{level({one.equivalence_level for one in pairs})}CI for equivalence",
            [bounds(one.equivalence_interval) for one in pairs],
        ),
        ("p", [format_p(one.p_value) for one in pairs]),
        ("p, adjusted", [format_p(one.p_adjusted) for one in pairs]),
    ]
    # Sample sizes that would decide an undecided pair; empty columns are left out.
    for head, needs, write in (
        ("Test rows needed", [one.more_rows for one in pairs], round_rows),
        ("Seeds needed", [one.more_seeds for one in pairs], format_count),
        ("Repeats needed", [one.more_repeats for one in pairs], format_count),
    ):
        if any(needs):
            columns.append((head, [NONE if need is None else write(need) for need in needs]))
    return TextTable(
        f"Paired differences of {scale.losses}" + f", in {scale.unit}" * bool(scale.short),
        tuple(head for head, _ in columns),
        tuple(zip(*(cells for _, cells in columns), strict=True)),
    )


def write_verdict(verdict: str, a: str, b: str) -> str:
    """Return a verdict with the title `a` or `b` of the better contender.

    >>> write_verdict("a better", "NumPy network", "XGBoost")
    'NumPy network better'
    """
    winner = {"a better": a, "b better": b}.get(verdict)
    return verdict if winner is None else f"{winner} better"


def build_picture(run: Run) -> Picture:
    """Return the paired differences; of many pairs, those of the best contender."""
    titles, scale = list_titles(run), choose_scale(run)
    entries = run.result.contenders
    best = min(entries, key=lambda name: entries[name].curve_loss)
    name = best if len(run.result.comparisons) > MOST_DIFFERENCES else None
    values = []
    for pair in select_comparisons(run, name):
        value = format_points(scale.factor * pair.difference, scale.decimals)
        text = f"{titles[pair.a]} minus {titles[pair.b]} {value} {scale.short}".rstrip()
        values.append(
            f"{text}, {format_interval(scale.interval(pair.printed_interval), scale.decimals)}"
        )
    interval = name_interval(run.result.comparisons[0])
    losses = "test errors" if scale.losses == "test errors" else "losses"
    part = f" Only pairs with {titles[best]} are drawn; the table lists all." if name else ""
    return draw_picture(
        "differences",
        differences(run, name),
        f"Paired differences of {scale.losses}. {'; '.join(values)}.",
        f"Difference of the two {losses} on the same rows, first minus second, with {interval}. "
        "Left of zero the first is better, right of zero the second. The gray band is the ROPE: "
        "differences in it count as practically equal." + part,
        build_table(run),
    )


def describe_rope(run: Run) -> str:
    """Return the ROPE and the rule of the verdicts in words."""
    rope, scale = run.result.protocol.rope, choose_scale(run)
    if run.result.protocol.rope_is_share:
        return _explain_rules(
            f"{format_exact(100 * rope)} % of the lower {scale.losses} of the two"
        )
    size = f"{format_exact(100 * scale.factor * rope)} {scale.unit}"
    if scale.losses == "test errors":
        n_test = len(run.y_test)
        size += f" of zero, which is {format_exact(rope * n_test)} in {n_test:,} test rows"
    else:
        size += " of zero"
    return _explain_rules(size)


def _explain_rules(size: str) -> str:
    return (
        "Two contenders count as practically equal if the CI for equivalence of their difference "
        f"lies within {size}. Otherwise the one with the lower loss is better if the p-value, "
        "adjusted for the number of pairs (Holm), is below 0.05. If neither holds, the pair is "
        "undecided."
    )
