"""What is left to choose for data of the user's own: split, rows, metric and ROPE."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graduel.data import Dataset
from graduel.duel.plan.splits import Design, check_design, default_design, outer_split
from graduel.errors import UserError
from graduel.metrics.metric import default_rope, get_metric

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


def default_metric(dataset: Dataset) -> str:
    """Return the metric that leads where none is asked for."""
    return "log_loss" if minority_share(dataset) < RARE else "error"


def minority_share(dataset: Dataset) -> float:
    """Return the share of the rows that are not of the most frequent class."""
    counts = np.bincount(dataset.y)
    return 1 - float(counts.max() / counts.sum())
