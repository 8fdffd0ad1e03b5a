"""What is left to choose for data of the user's own: split, rows, metric and ROPE."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from graduel.data import Dataset
from graduel.duel.plan.splits import Design, check_design, default_design, outer_split
from graduel.errors import UserError
from graduel.metrics.metric import Metric, default_rope, get_metric

QUICK_ROWS = 10_000
RARE = 0.1
"""Where all classes but one have less than this share together, the error says little."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """What was asked for, and where nothing was, what suits the data."""

    split: str
    metric: str
    rope: float
    rows: int | None
    """Training rows in all, those to choose on among them; None for all there are."""
    learning: int
    """How many training rows that comes to."""


def choose_defaults(
    dataset: Dataset,
    *,
    split: str | None,
    metric: str | None,
    rope: float | None,
    rows: int | None,
    quick: bool,
) -> Defaults:
    """Choose what was not asked for; check what was.

    Raises
    ------
    UserError
        If the data cannot be split as asked, or a name or a number is wrong.
    """
    design = Design.read(split) if split else default_design(dataset, quick=quick)
    check_design(design, dataset)
    pool = len(outer_split(design, dataset, 0)[0])
    if rows is not None and not 2 <= rows <= pool:
        raise UserError(
            f"rows must be between 2 and {pool:,}, the training rows of {dataset.name}; "
            f"got {rows:,}"
        )
    if rows is None and quick and pool > QUICK_ROWS:
        rows = QUICK_ROWS
    found = get_metric(default_metric(dataset) if metric is None else metric)
    if rope is None:
        rope = default_rope(found, table=True)
    learning = pool if rows is None else rows
    return Defaults(str(design), found.name, validate_rope(rope), rows, learning)


def cap_rows(rows: int | None, dataset: Dataset, split: str | None, *, quick: bool) -> int | None:
    """Return at most so many training rows as there are: None where that is all of them."""
    if rows is None:
        return None
    design = Design.read(split) if split else default_design(dataset, quick=quick)
    check_design(design, dataset)
    return None if rows >= len(outer_split(design, dataset, 0)[0]) else rows


def validate_rope(rope: float) -> float:
    """Refuse a region of practical equivalence that is none."""
    if not 0 <= rope < 1:
        raise UserError(
            f"rope must be at least 0 and below 1 (0.01 of error is one point); got {rope}"
        )
    return float(rope)


def duel_warnings(
    dataset: Dataset, split: str, metric: str, rope: float, contenders: int
) -> Iterator[str]:
    """Yield what a user should know before anything is fitted, a sentence each."""
    if dataset.understood is not None:
        from graduel.data.checks import check_table

        yield from check_table(dataset.understood)
    design = Design.read(split)
    few = int((np.bincount(dataset.y, minlength=len(dataset.classes)) < design.folds).sum())
    if few and design.kind == "folds":
        yield (
            f"{few} {'class has' if few == 1 else 'classes have'} fewer rows than there are "
            f"folds ({design.folds}): not every fold has them to learn from and to be judged on"
        )
    if (why := explain_metric(dataset, metric)) is not None:
        yield why
    said = power_warning(dataset, design, get_metric(metric), rope, contenders)
    if contenders > 1 and said is not None:
        yield said


def default_metric(dataset: Dataset) -> str:
    """Return the metric that leads where none is asked for."""
    return "log_loss" if minority_share(dataset) < RARE else "error"


def minority_share(dataset: Dataset) -> float:
    """Return the share of the rows that are not of the most frequent class."""
    counts = np.bincount(dataset.y)
    return 1 - float(counts.max() / counts.sum())


def explain_metric(dataset: Dataset, metric: str) -> str | None:
    """Say why log loss leads, where few rows are not of the most frequent class."""
    share = minority_share(dataset)
    if metric != "log_loss" or share >= RARE:
        return None
    return (
        f"Log loss leads: {100 * share:.2g} % of the rows are not of the most frequent class, so "
        "that always naming that class is seldom wrong and the error says little."
    )


def power_warning(
    dataset: Dataset, design: Design, metric: Metric, rope: float, contenders: int
) -> str | None:
    """Say, before anything is fitted, if the test rows are too few for the ROPE."""
    pairs = max(contenders * (contenders - 1) // 2, 1)
    classes = np.bincount(dataset.y)
    if design.kind == "folds":
        shape, n = (design.repeats, design.folds), len(dataset.y)
    else:
        shape = None
        n = len(dataset.test_rows) if design.kind == "given" else len(dataset.y) // design.folds
        classes = np.maximum(classes * n // len(dataset.y), 1)
    rows = [int(c) for c in classes if c]
    from graduel.duel.plan.power import explain_power  # SciPy's statistics, which no fit needs

    return explain_power(n, rope, metric, shape, pairs=pairs, class_rows=rows)
