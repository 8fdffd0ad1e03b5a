"""What is behind the errors: probabilities, disturbed rows, importance, tuning."""

from __future__ import annotations

from typing import Literal

from graduel.duel.result.outcome import Run
from graduel.report.draw import units
from graduel.report.sections import figures, numbers, protocol_text, tables
from graduel.report.sections.pictures.base import Picture, picture

SCALED: dict[Literal["before", "after"], str] = {
    "before": "of the probabilities as they are",
    "after": "after temperature scaling",
}
CALIBRATION = {
    "before": "As they are: how often an answer is right, over the probability that the contender "
    "gave it: ten groups by probability, larger marks for more rows, with 95 % intervals; groups "
    "of fewer than ten rows are not joined. On the dashed line a contender is right as often as it "
    "says; below it, it is too sure. ECE is the mean distance from that line, weighted by rows, "
    "less what chance adds.",
    "after": "After temperature scaling: the same with every probability p made p^(1/T), for one T "
    "that has the lowest log loss on the validation rows. No answer changes, only how sure it is.",
}


def calibration(run: Run) -> list[Picture]:
    """Return the reliability diagrams, before and after temperature scaling where there is one."""
    titles, found = numbers.titles(run), []
    for when, said in SCALED.items():
        curves = numbers.calibration(run, when)
        if not curves:
            continue
        errors = "; ".join(f"{titles[c.name]} {units.percent(c.ece)}" for c in curves)
        found.append(
            picture(
                "calibration" if when == "before" else "calibration-after",
                figures.calibration(run, when),
                f"Reliability diagram {said}. Expected calibration error: {errors}.",
                CALIBRATION[when],
                tables.reliability(curves, titles),
            )
        )
    return found


def robustness(run: Run) -> Picture | None:
    """Return what disturbed rows do."""
    ways = numbers.robustness(run)
    if not ways:
        return None
    titles = numbers.titles(run)
    said = ". ".join(
        f"{way.title} of {way.strengths[-1]:.3g} {way.unit}: "
        + ", ".join(f"{titles[n]} {units.percent(e[-1], 1)}" for n, e in way.errors.items())
        for way in ways
    )
    return picture(
        "robustness",
        figures.robustness(run),
        f"Line charts, test error over how strongly test rows are disturbed. {said}.",
        f"Test error on {units.rows(ways[0].rows)} drawn from the test rows, as they are and "
        "disturbed ever more; every contender meets the same ones. Nothing was trained for it.",
        tables.robustness(run, ways),
    )


def importance(run: Run) -> Picture | None:
    """Return what each contender looks at."""
    found = numbers.importance(run)
    if found is None:
        return None
    titles, rows = numbers.titles(run), units.rows(found.rows)
    if found.block is None:
        places = figures.shown_columns(found)[:3]
        said = "; ".join(
            f"{found.labels[place]}: "
            + ", ".join(
                f"{titles[name]} {units.number(float(rises[place]))}"
                for name, rises in found.rises.items()
            )
            for place in places
        )
        part = (
            f" The {len(figures.shown_columns(found))} that matter most to any of them are drawn."
            if len(found.labels) > figures.MOST_COLUMNS
            else ""
        )
        return picture(
            "importance",
            figures.importance(run),
            f"Rise of the log loss when a column is permuted, the largest first. {said}.",
            f"By how much the log loss on {rows} of the test rows rises when the values of a "
            "column are dealt out to other rows. What two columns tell alike, neither seems to "
            f"matter for.{part}",
            tables.importance(run, found),
        )
    peaks = []
    for name, rises in found.rises.items():
        i, j = divmod(int(rises.argmax()), rises.shape[1])
        peaks.append(
            f"{titles[name]} most at pixel rows from {i * found.block}, columns from "
            f"{j * found.block}"
        )
    return picture(
        "importance",
        figures.importance(run),
        f"For each contender a picture of which pixels matter. {'; '.join(peaks)}.",
        f"By how much the log loss on {rows} of the test rows rises when a block of "
        f"{found.block} × {found.block} pixels comes from other images: the stronger the colour, "
        "the more, on one scale for all.",
        tables.importance(run, found),
    )


def trials(run: Run) -> Picture | None:
    """Return the tuning."""
    found = numbers.searches(run)
    if not found:
        return None
    titles = numbers.titles(run)
    said = "; ".join(
        f"{titles[one.name]} {len(one.runs[0])} trials, best loss {best[-1][1]:.4g}"
        for one in found
        if (best := one.best_so_far())
    )
    several = max(len(one.runs) for one in found) > 1
    fit = protocol_text.fits(run).lower()
    first = f" Drawn is the first {fit}; the table has all." if several else ""
    return picture(
        "trials",
        figures.trials(run),
        f"Validation loss of every trial, and the best so far. {said or 'No trial was finished'}.",
        "Every mark is a setting that was fitted and judged on validation rows; the line is the "
        "best so far, the ring the one that duelled. Crosses at the lower edge were stopped "
        "early, or failed. Losses far above the others are drawn at the upper edge." + first,
        tables.trials(run, found),
    )
