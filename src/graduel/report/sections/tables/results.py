"""What came out, contender by contender."""

from __future__ import annotations

from collections.abc import Callable
from statistics import mean, stdev
from typing import Any, Literal

from graduel.duel.result.outcome import Run
from graduel.report.draw import units
from graduel.report.sections import numbers, protocol_text
from graduel.report.sections.tables.base import Table


def result(run: Run) -> Table:
    """Return the main table: a row for each measure, a column for each contender."""
    entries: list[dict[str, Any]] = list(run.result["contenders"].values())
    places = units.decimals(len(run.y_test))
    rows: list[tuple[str, ...]] = []
    best: set[tuple[int, int]] = set()

    def add(label: str, values: list[float | None], texts: list[str]) -> None:
        there = [value for value in values if value is not None]
        if len(there) > 1:
            # What reads the same is equally good, whatever stands behind the last digit.
            winner = texts[values.index(min(there))]
            best.update((len(rows), i + 1) for i, text in enumerate(texts) if text == winner)
        rows.append((label, *texts))

    wrong = [entry.get("test_error") for entry in entries]
    add("Test error", wrong, [units.percent(value, places) for value in wrong])
    bounds = [units.interval(entry.get("test_error_interval"), places) for entry in entries]
    rows.append(("95 % interval", *bounds))
    if (spreads := protocol_text.spreads(run)) is not None:
        rows.append(("Spread over folds", *spreads))
    if (leading := protocol_text.measured(run)) is not None:
        label, texts, losses = leading
        add(label, list(losses), list(texts))
    for key, label in (("log_loss", "Log loss"), ("brier", "Brier score")):
        values = [entry.get(key) for entry in entries]
        add(label, values, [units.NONE if v is None else f"{v:.4f}" for v in values])
    _calibrated(run, add)
    for kind in numbers.cost(run):
        say = units.seconds if kind.unit == "seconds" else units.bytes_
        measured = list(kind.values.values())
        add(kind.label, measured, [say(value) for value in measured])
    head = ("Less is better", *numbers.titles(run).values())
    return Table("Results on the test rows", head, tuple(rows), frozenset(best))


def _calibrated(run: Run, add: Callable[[str, list[float | None], list[str]], None]) -> None:
    """Add how far probabilities are to be believed, and what temperature scaling mends of that."""
    names = numbers.contenders(run)
    sides: tuple[tuple[Literal["before", "after"], str], ...] = (
        ("before", ""),
        ("after", " after temperature scaling"),
    )
    for when, added in sides:
        found = {one.name: one for one in numbers.calibration(run, when)}
        if not any(one.ece is not None for one in found.values()):
            continue
        if added:
            for label, key in (("Log loss", "log_loss"), ("Brier score", "brier")):
                values = [getattr(found.get(name), key, None) for name in names]
                texts = [units.NONE if value is None else f"{value:.4f}" for value in values]
                add(label + added, values, texts)
        errors = [found[name].ece if name in found else None for name in names]
        add("Calibration error" + added, errors, [units.percent(value) for value in errors])


def experiment(run: Run) -> Table:
    """Return an experiment's variants, a row each: error with its spread, epoch, seconds, verdict.

    The spread is the standard deviation over seeds. The verdict is against the variant with the
    smallest mean error.
    """
    titles, places = numbers.titles(run), units.decimals(len(run.y_test))
    entries = run.result["contenders"]
    best = min(entries, key=lambda name: float(entries[name]["test_error"]))
    against = {
        one["b"] if one["a"] == best else one["a"]: one["verdict"]
        for one in run.result["comparisons"]
        if best in (one["a"], one["b"])
    }
    rows, several = [], run.result["protocol"]["seeds"] > 1
    for name, entry in entries.items():
        errors = [float(error) for error in entry["test_errors"]]
        epochs = [float(one.get("best_epoch") or 0) for one in entry["details"]]
        found = against.get(name, "")
        row = [titles[name], units.percent(mean(errors), places)]
        if several:
            row.append(f"± {units.percent(stdev(errors), places)}")
        row += [
            f"{mean(epochs):.0f}" if any(epochs) else units.NONE,
            units.seconds(mean(map(float, entry["fit_seconds"]))),
            "best" if name == best else "worse" if "better" in found else found,
        ]
        rows.append(tuple(row))
    spread = ("Spread",) if several else ()
    head = (
        ", ".join(run.result["protocol"]["varies"]) or "Contender",
        "Test error",
        *spread,
        "Best epoch",
        "Training",
        f"Against {titles[best]}",
    )
    place = list(entries).index(best)
    return Table("Variants", head, tuple(rows), frozenset({(place, 1)}))


def race(run: Run) -> Table:
    """Return the race at a few moments: the last checkpoint's test error up to each."""
    racers, titles = numbers.race(run), numbers.titles(run)
    places = units.decimals(len(run.y_test))
    rows = [
        (units.seconds(moment), *(units.percent(racer.at(moment), places) for racer in racers))
        for moment in numbers.race_moments(racers)
    ]
    seeds = run.result["protocol"]["seeds"]
    several = " (mean over seeds)" if seeds > 1 else ""
    rows.append(
        (f"the chosen model{several}", *(units.percent(r.test_error, places) for r in racers))
    )
    rows.append((f"after{several}", *(units.seconds(racer.mean_seconds) for racer in racers)))
    return Table(
        "Test error at the last checkpoint up to each moment (first seed)",
        ("Seconds of training", *(titles[racer.name] for racer in racers)),
        tuple(rows),
    )


def errors(run: Run) -> Table:
    """Return every contender's error, its interval, and the error of each seed."""
    titles, places = numbers.titles(run), units.decimals(len(run.y_test))
    return Table(
        "Test errors",
        ("Contender", "Test error", "95 % interval, %", f"By {protocol_text.fits(run).lower()}"),
        tuple(
            (
                titles[level.name],
                units.percent(level.value, places),
                units.interval(level.interval, places),
                ", ".join(units.percent(share, places) for share in level.by_seed),
            )
            for level in numbers.errors(run)
        ),
    )


def cost(run: Run) -> Table:
    """Return every contender's cost."""
    return Table(
        "Cost",
        ("Less is better", *numbers.titles(run).values()),
        tuple(
            (
                kind.label,
                *(
                    units.seconds(value) if kind.unit == "seconds" else units.bytes_(value)
                    for value in kind.values.values()
                ),
            )
            for kind in numbers.cost(run)
        ),
    )
