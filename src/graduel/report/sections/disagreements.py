"""Where contenders disagree: test rows that only one of a pair classifies correctly."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from matplotlib.figure import Figure

from graduel.duel.result.outcome import Run
from graduel.duel.verdict.sentences import with_article
from graduel.number_format import format_count, format_percent
from graduel.report.draw.contender_names import (
    check_contender,
    list_looks,
    list_titles,
)
from graduel.report.draw.image_grid import ImageGroup, check_images, draw_image_grid
from graduel.report.draw.picture import Picture, TextTable, draw_picture
from graduel.report.draw.row_cells import (
    describe_numbering,
    find_row_number,
    format_cells,
    list_cell_names,
)
from graduel.report.draw.style import NARROW, escape_text
from graduel.report.sections.protocol_text import name_first

MOST_PAIRS = 6
"""Most pairs whose rows a page shows; networks with boosters come first."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A test row that one contender classifies correctly and the other does not."""

    row: int
    truth: str
    prediction: str
    """The wrong prediction."""
    confidence: float
    """The probability of the wrong prediction."""


@dataclass(frozen=True, slots=True)
class OneSide:
    """The test rows that only `right` classifies correctly; most confident errors first."""

    right: str
    total: int
    rows: tuple[Disagreement, ...]


def find_disagreements(run: Run, a: str, b: str, limit: int = 12) -> tuple[OneSide, OneSide]:
    """Return the rows that only `a`, and those that only `b` classifies correctly, in run 0.

    Each side lists at most `limit` rows, those with the most confident wrong predictions.
    """
    p = {name: run.probabilities[check_contender(run, name)][0] for name in (a, b)}
    right = {name: p[name].argmax(axis=-1) == run.y_test for name in (a, b)}

    def side(winner: str, loser: str) -> OneSide:
        rows = np.flatnonzero(right[winner] & ~right[loser])
        confidence = p[loser][rows].max(axis=-1)
        first = rows[np.argsort(-confidence, kind="stable")[:limit]]
        shown = tuple(
            Disagreement(
                int(row),
                run.classes[int(run.y_test[row])],
                run.classes[int(p[loser][row].argmax())],
                float(p[loser][row].max()),
            )
            for row in first
        )
        return OneSide(winner, len(rows), shown)

    return side(a, b), side(b, a)


def disagreements(run: Run, a: str, b: str) -> Figure:
    """Draw 12 test images that only `a` classifies correctly, then 12 of `b`.

    Above each image are its true class and the wrong prediction. Raises a ValueError if the run
    has no images.
    """
    check_images(run, "disagreements")
    titles, looks = list_titles(run), list_looks(run)
    groups = [
        ImageGroup(
            f"Only {escape_text(with_article(side.right, titles), 28)} is right",
            looks[side.right].color.light,
            side.total,
            tuple((one.row, one.truth, one.prediction) for one in side.rows),
        )
        for side in find_disagreements(run, a, b)
    ]
    return draw_image_grid(run, groups, NARROW)


def build_agreement_table(run: Run) -> TextTable | None:
    """Return for each pair on how many rows both, one or neither is right; None without a pair."""
    names = list(run.result.contenders)
    if len(names) < 2:
        return None
    titles = list_titles(run)
    right = {name: run.probabilities[name][0].argmax(axis=-1) == run.y_test for name in names}
    rows = []
    for a, b in combinations(names, 2):
        both, only_a = right[a] & right[b], right[a] & ~right[b]
        only_b, neither = ~right[a] & right[b], ~right[a] & ~right[b]
        counts = (format_count(int(part.sum())) for part in (both, only_a, only_b, neither))
        rows.append((f"{titles[a]}, {titles[b]}", *counts))
    return TextTable(
        "Test rows that each of a pair classifies correctly" + name_first(run),
        ("First, second", "Both right", "Only first right", "Only second right", "Both wrong"),
        tuple(rows),
    )


def build_table(run: Run, sides: Iterable[OneSide]) -> TextTable:
    """Return the shown rows that only one of a pair classifies correctly."""
    titles = list_titles(run)
    return TextTable(
        f"The rows shown ({describe_numbering(run)})",
        ("Only right", "Row", "True class", "Prediction", "Probability", *list_cell_names(run)),
        tuple(
            (
                titles[side.right],
                str(find_row_number(run, one.row)),
                one.truth,
                one.prediction,
                format_percent(one.confidence, 1),
                *format_cells(run, one.row),
            )
            for side in sides
            for one in side.rows
        ),
    )


def build_pictures(run: Run) -> list[Picture]:
    """Return the images that only one of a pair classifies correctly, for the main pairs."""
    if run.images is None:
        return []
    titles, pictures = list_titles(run), []
    for number, (a, b) in enumerate(_main_pairs(run)):
        sides = find_disagreements(run, a, b)
        counts = "; ".join(
            f"only {with_article(side.right, titles)} is right on {side.total}" for side in sides
        )
        pictures.append(
            draw_picture(
                f"disagreements-{number}",
                disagreements(run, a, b),
                f"Test images that only one of two contenders classifies correctly: {counts}.",
                f"{titles[a]} and {titles[b]}: above each image are its true class and the wrong "
                "prediction. The most confident errors come first"
                + ("; first seed only." if len(run.probabilities[a]) > 1 else "."),
                build_table(run, sides),
            )
        )
    return pictures


def build_tables(run: Run) -> list[tuple[str, TextTable]]:
    """Return (title, table) for each main pair of a run without images."""
    if run.images is not None:
        return []
    titles, tables = list_titles(run), []
    for a, b in _main_pairs(run):
        sides = find_disagreements(run, a, b)
        if any(side.rows for side in sides):
            tables.append((f"{titles[a]} and {titles[b]}", build_table(run, sides)))
    return tables


def _main_pairs(run: Run) -> list[tuple[str, str]]:
    """Return the main pairs: each network with each XGBoost contender, then the others in order."""
    names = list(run.result.contenders)
    family = {name: name.partition("-")[0] for name in names}  # as xgboost-td is of xgboost
    boosters = [name for name in names if family[name] == "xgboost"]
    networks = [name for name in names if family[name] in ("textbook", "net")]
    first = [(network, booster) for booster in boosters for network in networks]
    pairs: dict[frozenset[str], tuple[str, str]] = {}
    for a, b in [*first, *combinations(names, 2)]:
        if a in names and b in names and a != b:
            pairs.setdefault(frozenset((a, b)), (a, b))
    return list(pairs.values())[:MOST_PAIRS]
