"""The figures as a page shows them: the drawing, what it says in words, and its numbers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from graduel.duel.results import Run
from graduel.report import design, figures, numbers, tables, units
from graduel.report.svg import inline
from graduel.report.tables import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDE = 8.8
"""Inches: the race on a wide screen."""
MOST_DIFFERENCES = 10
"""Of more pairs, the page draws those of the contender with the lowest error."""
MOST_PAIRS = 6
"""A page shows the images of this many pairs; the claims' pairs come first."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One figure on the page."""

    id: str
    svg: str
    caption: str
    table: Table
    wide: str | None = None
    """The same drawn for wide screens, where it is worth it."""


def _picture(
    slug: str, figure: Figure, alt: str, caption: str, table: Table, wide: Figure | None = None
) -> Picture:
    large = None if wide is None else inline(wide, prefix=f"{slug}-wide", label=alt)
    return Picture(slug, inline(figure, prefix=slug, label=alt), caption, table, large)


def race(run: Run) -> Picture:
    """Return the race."""
    racers, titles = numbers.race(run), numbers.titles(run)
    places = units.decimals(len(run.y_test))
    ends = "; ".join(
        f"{titles[r.name]} {units.percent(r.test_error, places)} after "
        f"{units.seconds(r.mean_seconds)}"
        for r in racers
    )
    zero = (
        " No error at all is drawn at half of one row."
        if any(error == 0 for r in racers for error in r.test_errors)
        else ""
    )
    fits = f" Thin lines are the {design.fits(run).lower()}s."
    seeds = fits if any(len(r.curves) > 1 for r in racers) else ""
    return _picture(
        "race",
        figures.race(run),
        f"Line chart, test error on a log scale over seconds of training. {ends}.",
        "Test error, on a log scale, over seconds of training. A mark is the model that a "
        "contender hands in when its training ends; the dotted line carries its error on. The "
        "clock stands still while test rows are scored." + seeds + zero,
        tables.race(run),
        wide=figures.race(run, width=WIDE),
    )


def errors(run: Run) -> Picture:
    """Return the test errors with their intervals."""
    titles, places = numbers.titles(run), units.decimals(len(run.y_test))
    said = "; ".join(
        f"{titles[level.name]} {units.percent(level.value, places)}"
        + (f", {units.interval(level.interval, places)}" if level.interval else "")
        for level in numbers.errors(run)
    )
    return _picture(
        "errors",
        figures.errors(run),
        f"Test error of each contender with its 95 % interval. {said}.",
        "The share of the test rows that each contender gets wrong, with its 95 % interval. To "
        "compare two, look at their difference: they answer the same rows, so these intervals "
        "may overlap although the difference is sure.",
        tables.errors(run),
    )


def differences(run: Run) -> Picture:
    """Return the paired differences; of many pairs, those of the contender with fewest errors."""
    titles, scale = numbers.titles(run), numbers.scale(run)
    places = scale.places
    best = min(numbers.errors(run), key=lambda level: level.value).name
    name = best if len(numbers.differences(run)) > MOST_DIFFERENCES else None
    said = "; ".join(
        f"{titles[p.a]} minus {titles[p.b]} {units.points(p.value, places)} {scale.short}".rstrip()
        + (f", {units.interval(p.interval, places)}" if p.interval else "")
        for p in numbers.differences(run, name)
    )
    part = f" Drawn are the pairs of {titles[best]}; the table has all." if name else ""
    return _picture(
        "differences",
        figures.differences(run, name),
        f"Paired differences of {scale.of}. {said}.",
        f"The difference of two {_losses(run)} on the same rows, the first minus the second, with "
        "its 95 % interval. Left of zero the first is better, right of it the second. Within the "
        "grey band the two count as practically equal." + part,
        tables.comparisons(run),
    )


def _losses(run: Run) -> str:
    return "test errors" if numbers.scale(run).of == "test errors" else "losses"


def confusions(run: Run) -> list[Picture]:
    """Return a confusion matrix for each contender."""
    found = []
    for number, (name, title) in enumerate(numbers.titles(run).items()):
        matrix = numbers.confusion(run, name)
        said = "; ".join(f"{n} times {true} as {answer}" for true, answer, n in matrix.mistakes(3))
        wrong = f"{units.count(matrix.wrong)} wrong of {units.count(matrix.total)}"
        rounds = "seeds" if design.fits(run) == "Seed" else "rounds"
        seeds = f", all {matrix.seeds} {rounds} together" if matrix.seeds > 1 else ""
        found.append(
            _picture(
                f"confusion-{number}",
                figures.confusion(run, name),
                f"Confusion matrix of {title}: {wrong}. Most often: {said or 'no mistakes'}.",
                f"{title}: {wrong}{seeds}.",
                tables.confusion(matrix, title),
            )
        )
    return found


def only_one_right(run: Run) -> list[Picture]:
    """Return the images that only one of a pair got right, for the pairs that matter most."""
    if run.images is None:
        return []
    titles = numbers.titles(run)
    claims = [(claim["network"], claim["booster"]) for claim in run.result.get("claims", [])]
    pairs: dict[frozenset[str], tuple[str, str]] = {}
    for a, b in [*claims, *combinations(numbers.contenders(run), 2)]:
        if a in titles and b in titles and a != b:
            pairs.setdefault(frozenset((a, b)), (a, b))
    found = []
    for number, (a, b) in enumerate(list(pairs.values())[:MOST_PAIRS]):
        sides = numbers.only_one_right(run, a, b)
        said = "; ".join(
            f"only {numbers.phrase(titles[side.right])} is right on {side.total}" for side in sides
        )
        found.append(
            _picture(
                f"alone-{number}",
                figures.only_one_right(run, a, b),
                f"Test images that one of two contenders gets right and the other wrong: {said}.",
                f"{titles[a]} and {titles[b]}: over each image stand the truth and the wrong "
                "answer of the other. The surest wrong answers come first"
                + ("; first seed." if len(run.probabilities[a]) > 1 else "."),
                tables.only_one_right(sides, titles),
            )
        )
    return found


def calibration(run: Run) -> Picture:
    """Return the reliability diagram."""
    found, titles = numbers.calibration(run), numbers.titles(run)
    said = "; ".join(f"{titles[c.name]} {units.percent(c.ece)}" for c in found)
    return _picture(
        "calibration",
        figures.calibration(run),
        f"Reliability diagram. Expected calibration error: {said}.",
        "How often an answer is right, over the probability that the contender gave it: ten "
        "groups by probability, larger marks for more rows, with 95 % intervals; groups of fewer "
        "than ten rows are not joined. On the dashed "
        "line a contender is right as often as it says; below it, it is too sure. ECE is the mean "
        "distance from that line, weighted by rows.",
        tables.calibration(found, titles),
    )


def cost(run: Run) -> Picture:
    """Return the costs."""
    titles = numbers.titles(run)
    said = ". ".join(
        f"{kind.label}: "
        + ", ".join(
            f"{titles[name]} "
            + (units.seconds(value) if kind.unit == "seconds" else units.bytes_(value))
            for name, value in kind.values.items()
        )
        for kind in numbers.cost(run)
    )
    return _picture(
        "cost",
        figures.cost(run),
        f"Cost of each contender, each kind on a log scale of its own. {said}.",
        "Each kind of cost has a log scale of its own: from one grey line to the next it is ten "
        "times as much. Times of fits are means over the seeds."
        if any(len(entry["fit_seconds"]) > 1 for entry in run.result["contenders"].values())
        else "Each kind of cost has a log scale of its own: from one grey line to the next it is "
        "ten times as much.",
        tables.cost(run),
    )
