"""Pairs of contenders: differences, tests, verdicts."""

from __future__ import annotations

from typing import Any

from graduel.duel.result.outcome import Run
from graduel.report.draw import units
from graduel.report.sections import numbers
from graduel.report.sections.tables.base import Table


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
