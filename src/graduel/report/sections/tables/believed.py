"""How far probabilities are to be believed."""

from __future__ import annotations

from graduel.duel.result.outcome import Run
from graduel.report.draw import units
from graduel.report.sections import numbers
from graduel.report.sections.tables.base import Table


def calibration(run: Run) -> Table:
    """Return how good every contender's probabilities are, before and after temperature scaling."""
    titles, heat = numbers.titles(run), numbers.temperatures(run)
    rows = []
    for when, said in (("before", "as they are"), ("after", "scaled")):
        for one in numbers.calibration(run, when):  # type: ignore[arg-type]
            if one.ece is None or one.log_loss is None or one.brier is None:
                continue
            temperature = "1" if when == "before" else f"{heat[one.name]:.3g}"
            rows.append(
                (
                    f"{titles[one.name]}, {said}",
                    temperature,
                    f"{one.log_loss:.4f}",
                    f"{one.brier:.4f}",
                    units.percent(one.ece),
                    units.interval(one.interval),
                    units.percent(one.by_chance),
                )
            )
    return Table(
        "Probabilities before and after temperature scaling",
        (
            "Contender",
            "Temperature",
            "Log loss",
            "Brier score",
            "ECE",
            "95 % interval, %",
            "By chance alone",
        ),
        tuple(rows),
    )


def reliability(found: list[numbers.Reliability], titles: dict[str, str]) -> Table:
    """Return the bins of every reliability curve."""
    return Table(
        "How often an answer is right, by its probability",
        (
            "Contender",
            "Probability, %",
            "Test rows",
            "Mean probability",
            "Right",
            "95 % interval, %",
        ),
        tuple(
            (
                titles[curve.name],
                f"{100 * b.low:.0f} to {100 * b.high:.0f}",
                units.count(b.rows),
                units.percent(b.confidence, 1),
                units.percent(b.right, 1),
                units.interval(b.interval, 1),
            )
            for curve in found
            for b in curve.bins
        ),
    )
