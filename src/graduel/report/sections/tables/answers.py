"""Row by row: mistakes, and rows that tell contenders apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import combinations

from graduel.duel.result.outcome import Run
from graduel.report.draw import units
from graduel.report.sections import numbers
from graduel.report.sections.tables.base import Table

MOST_CELLS = 40
"""Of wider tables the page shows the first columns of a row."""


def confusion(matrix: numbers.Confusion, title: str) -> Table:
    """Return the most frequent mistakes of one contender."""
    return Table(
        f"The most frequent mistakes of {title}",
        ("True class", "Answer", "Test rows"),
        tuple((true, said, units.count(n)) for true, said, n in matrix.mistakes(12)),
    )


def only_one_right(run: Run, sides: Iterable[numbers.Alone]) -> Table:
    """Return the rows that only one of a pair got right, as far as they are shown."""
    titles = numbers.titles(run)
    more, cells = _cells(run)
    return Table(
        f"The rows shown, {_counted(run)}",
        ("Only right", "Row", "Truth", "The other's answer", "How sure it was", *more),
        tuple(
            (
                titles[side.right],
                str(numbers.label(run, case.row)),
                case.truth,
                case.answer,
                units.percent(case.confidence, 1),
                *cells(case.row),
            )
            for side in sides
            for case in side.cases
        ),
    )


def agreement(run: Run) -> Table:
    """Return for every pair how often both, one or none is right, with the first seed."""
    titles, right = numbers.titles(run), {}
    for name in numbers.contenders(run):
        right[name] = run.probabilities[name][0].argmax(axis=-1) == run.y_test
    rows = []
    for a, b in combinations(right, 2):
        both, one = right[a] & right[b], right[a] & ~right[b]
        other, none = ~right[a] & right[b], ~right[a] & ~right[b]
        counts = (units.count(int(part.sum())) for part in (both, one, other, none))
        rows.append((f"{titles[a]}, {titles[b]}", *counts))
    return Table(
        "How often each of a pair is right",
        ("First, second", "Both right", "Only the first", "Only the second", "Both wrong"),
        tuple(rows),
    )


def doubts(run: Run, found: numbers.Doubts) -> Table:
    """Return the rows that every contender gets wrong, as far as they are shown."""
    titles = numbers.titles(run)
    more, cells = _cells(run)
    return Table(
        f"The rows shown, {_counted(run)}",
        ("Row", "Label", *(titles[name] for name in titles), *more),
        tuple(
            (
                str(numbers.label(run, case.row)),
                case.truth,
                *(f"{answer}, {units.percent(sure, 1)}" for answer, sure in case.answers.values()),
                *cells(case.row),
            )
            for case in found.cases
        ),
    )


def _counted(run: Run) -> str:
    """Say what rows are counted in."""
    if run.rows is None:
        return "test rows counted from 0"
    return "counted in the table from 1, without its header"


def _cells(run: Run) -> tuple[tuple[str, ...], Callable[[int], tuple[str, ...]]]:
    """Return the names of the columns that may be shown, and how to tell a row's cells."""
    if run.cells is None:
        return (), lambda row: ()
    names = tuple(run.cells.columns[:MOST_CELLS])
    return names, lambda row: tuple(
        units.NONE if run.cells[name][row] is None else units.plain(run.cells[name][row])
        for name in names
    )
