"""What came out: race, errors, differences, mistakes, cost."""

from __future__ import annotations

from graduel.duel.result.outcome import Run
from graduel.report.draw import units
from graduel.report.sections import figures, numbers, protocol_text, tables
from graduel.report.sections.pictures.base import WIDE, Picture, picture

MOST_DIFFERENCES = 10
"""Of more pairs, the page draws those of the contender with the lowest error."""


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
    fits = f" Thin lines are the {protocol_text.fits(run).lower()}s."
    seeds = fits if any(len(r.curves) > 1 for r in racers) else ""
    return picture(
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
    return picture(
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
    return picture(
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
        rounds = "seeds" if protocol_text.fits(run) == "Seed" else "rounds"
        seeds = f", all {matrix.seeds} {rounds} together" if matrix.seeds > 1 else ""
        found.append(
            picture(
                f"confusion-{number}",
                figures.confusion(run, name),
                f"Confusion matrix of {title}: {wrong}. Most often: {said or 'no mistakes'}.",
                f"{title}: {wrong}{seeds}.",
                tables.confusion(matrix, title),
            )
        )
    return found


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
    return picture(
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
