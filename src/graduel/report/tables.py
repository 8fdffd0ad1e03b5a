"""The tables of a report: the same numbers as its figures, written for people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import mean, stdev
from typing import Any

from graduel.duel.results import Run
from graduel.report import design, numbers, units


@dataclass(frozen=True, slots=True)
class Table:
    """A table of texts; the first cell of a row is its heading."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    best: frozenset[tuple[int, int]] = field(default_factory=frozenset)
    """The cells (row, column) that are best of their row."""


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
    if (spreads := design.spreads(run)) is not None:
        rows.append(("Spread over folds", *spreads))
    if (leading := design.measured(run)) is not None:
        label, texts, losses = leading
        add(label, list(losses), list(texts))
    for key, label in (("log_loss", "Log loss"), ("brier", "Brier score")):
        values = [entry.get(key) for entry in entries]
        add(label, values, [units.NONE if v is None else f"{v:.4f}" for v in values])
    for kind in numbers.cost(run):
        say = units.seconds if kind.unit == "seconds" else units.bytes_
        measured = list(kind.values.values())
        add(kind.label, measured, [say(value) for value in measured])
    head = ("Less is better", *numbers.titles(run).values())
    return Table("Results on the test rows", head, tuple(rows), frozenset(best))


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
        ("Contender", "Test error", "95 % interval, %", f"By {design.fits(run).lower()}"),
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


def comparisons(run: Run) -> Table:
    """Return every pair's difference with its intervals, its test and its verdict."""
    titles, scale = numbers.titles(run), numbers.scale(run)
    found = run.result.get("comparisons", [])

    def level(key: str) -> str:
        levels = {entry.get(key) for entry in found} - {None}
        return f"{100 * levels.pop():.3g} %" if len(levels) == 1 else ""

    def difference(value: float) -> str:
        return units.points(scale.factor * value, scale.places)

    def bounds(one: dict[str, Any], key: str) -> str:
        found = one.get(key)
        scaled = None if found is None else [scale.factor * bound for bound in found]
        return units.interval(scaled, scale.places)

    columns: list[tuple[str, list[str]]] = [
        ("First − second", [f"{titles[one['a']]} − {titles[one['b']]}" for one in found]),
        ("Verdict", [verdict(one, titles) for one in found]),
        ("Difference", [difference(one["difference"]) for one in found]),
        (f"{level('interval_level')} interval".strip(), [bounds(o, "interval") for o in found]),
        (
            f"{level('equivalence_level')} interval for equality".strip(),
            [bounds(one, "equivalence_interval") for one in found],
        ),
        ("p", [units.p_value(one.get("p_value")) for one in found]),
        ("p, adjusted", [units.p_value(one.get("p_adjusted")) for one in found]),
    ]
    # What an undecided pair lacks; a column that would be empty is left out.
    for key, head in (
        ("more_rows", "Test rows needed"),
        ("more_seeds", "Seeds needed"),
        ("more_repeats", "Repeats needed"),
    ):
        if any(one.get(key) for one in found):
            columns.append((head, [units.count(one.get(key)) for one in found]))
    return Table(
        f"Paired differences of {scale.of}" + f", in {scale.unit}" * bool(scale.short),
        tuple(head for head, _ in columns),
        tuple(zip(*(cells for _, cells in columns), strict=True)),
    )


def verdict(entry: dict[str, Any], titles: dict[str, str]) -> str:
    """Return the verdict of one comparison, with the winner's title in it.

    >>> verdict({"a": "net", "b": "xgboost", "verdict": "a better"}, {"net": "NumPy network"})
    'NumPy network better'
    """
    said = str(entry["verdict"])
    winner = {"a better": "a", "b better": "b"}.get(said)
    return said if winner is None else f"{titles[entry[winner]]} better"


def confusion(matrix: numbers.Confusion, title: str) -> Table:
    """Return the most frequent mistakes of one contender."""
    return Table(
        f"The most frequent mistakes of {title}",
        ("True class", "Answer", "Test rows"),
        tuple((true, said, units.count(n)) for true, said, n in matrix.mistakes(12)),
    )


def calibration(found: list[numbers.Reliability], titles: dict[str, str]) -> Table:
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


def only_one_right(sides: Iterable[numbers.Alone], titles: dict[str, str]) -> Table:
    """Return the rows that only one of a pair got right, as far as they are drawn."""
    return Table(
        "The test rows shown, counted from 0",
        ("Only right", "Test row", "Truth", "The other's answer", "How sure it was"),
        tuple(
            (
                titles[side.right],
                str(case.row),
                case.truth,
                case.answer,
                units.percent(case.confidence, 1),
            )
            for side in sides
            for case in side.cases
        ),
    )


def settings(caption: str, found: dict[str, Any]) -> Table:
    """Return a table of names and values."""
    return Table(
        caption,
        ("Setting", "Value"),
        tuple((str(key), units.plain(value)) for key, value in found.items()),
    )


def details(run: Run, name: str, title: str) -> Table | None:
    """Return what each fit of one contender chose, a column a seed; None where nothing is told."""
    found: list[dict[str, Any]] = run.result["contenders"][name].get("details") or []
    keys = list(dict.fromkeys(key for one in found for key in one))
    if not keys:
        return None
    seeds = (
        ("Value",)
        if len(found) == 1
        else tuple(f"{design.fits(run)} {number}" for number in range(len(found)))
    )
    return Table(
        f"What the {'fit' if len(found) == 1 else 'fits'} of {title} found",
        ("Chosen or measured", *seeds),
        tuple(
            (key, *(units.plain(one[key]) if key in one else units.NONE for one in found))
            for key in keys
        ),
    )
