"""Test rows that tell contenders apart, and those that all of them get wrong."""

from __future__ import annotations

from itertools import combinations

from graduel.duel.result.outcome import Run
from graduel.report.draw import units
from graduel.report.sections import figures, numbers, tables
from graduel.report.sections.pictures.base import Picture, picture
from graduel.report.sections.tables import Table

MOST_PAIRS = 6
"""A page shows the rows of this many pairs; the claims' pairs come first."""


def _pairs(run: Run) -> list[tuple[str, str]]:
    """Return the pairs that matter most: those of the claims first."""
    names = numbers.contenders(run)
    claims = [(claim["network"], claim["booster"]) for claim in run.result.get("claims", [])]
    pairs: dict[frozenset[str], tuple[str, str]] = {}
    for a, b in [*claims, *combinations(names, 2)]:
        if a in names and b in names and a != b:
            pairs.setdefault(frozenset((a, b)), (a, b))
    return list(pairs.values())[:MOST_PAIRS]


def only_one_right(run: Run) -> list[Picture]:
    """Return the images that only one of a pair got right, for the pairs that matter most."""
    if run.images is None:
        return []
    titles, found = numbers.titles(run), []
    for number, (a, b) in enumerate(_pairs(run)):
        sides = numbers.only_one_right(run, a, b)
        said = "; ".join(
            f"only {numbers.phrase(titles[side.right])} is right on {side.total}" for side in sides
        )
        found.append(
            picture(
                f"alone-{number}",
                figures.only_one_right(run, a, b),
                f"Test images that one of two contenders gets right and the other wrong: {said}.",
                f"{titles[a]} and {titles[b]}: over each image stand the truth and the wrong "
                "answer of the other. The surest wrong answers come first"
                + ("; first seed." if len(run.probabilities[a]) > 1 else "."),
                tables.only_one_right(run, sides),
            )
        )
    return found


def alone(run: Run) -> list[tuple[str, Table]]:
    """Return the rows of the same pairs, where there are no images to show: a title, a table."""
    if run.images is not None:
        return []
    titles, found = numbers.titles(run), []
    for a, b in _pairs(run):
        sides = numbers.only_one_right(run, a, b)
        if any(side.cases for side in sides):
            found.append((f"{titles[a]} and {titles[b]}", tables.only_one_right(run, sides)))
    return found


def doubts(run: Run) -> Picture | None:
    """Return the images that every contender gets wrong."""
    found = numbers.doubts(run)
    if run.images is None or found is None or not found.cases:
        return None
    agreed = sum(case.agreed for case in found.cases)
    return picture(
        "doubts",
        figures.doubts(run),
        f"Test images that every contender gets wrong, {units.rows(found.total)} in all; on "
        f"{agreed} of the {len(found.cases)} shown they agree.",
        "Over each image stand its label and what the contenders say instead. First come the "
        "images on which the least sure of them is surest.",
        tables.doubts(run, found),
    )
