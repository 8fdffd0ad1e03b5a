"""Split, rows, metric and ROPE: the user's choices, and what suits the data where there is none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graduel.data import Dataset
from graduel.data.source import DataSource
from graduel.duel.plan.design import Design, check_design, default_design
from graduel.duel.plan.protocol import ROPE
from graduel.duel.plan.splits import check_rows, outer_split
from graduel.errors import UserError
from graduel.metrics.metric import default_rope, get_metric

QUICK_ROWS = 10_000
RARE = 0.1
"""Where all classes but one have less than this share together, the error says little."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """How a data set is split and compared: the user's choices, and defaults for the rest."""

    split: str
    metric: str
    rope: float
    rows: int | None
    """Training and validation rows together; None for all."""
    table_rows: int | None
    """Their number where the data are a table; None for images."""


def choose_defaults(
    data: DataSource,
    *,
    split: str | None = None,
    metric: str | None = None,
    rope: float | None = None,
    rows: int | None = None,
    quick: bool = False,
) -> Defaults:
    """Return the user's choices, checked, with a default for each that is None.

    Raises
    ------
    UserError
        If the data cannot be split in this way, or a name or a number is wrong.
    """
    if data.is_builtin:
        return _builtin_defaults(data, split, metric, rope, rows, quick)
    dataset = data.load()
    design, rows, n_rows = _choose_rows(dataset, split, rows, quick)
    chosen = get_metric(default_metric(dataset) if metric is None else metric)
    if rope is None:
        rope = default_rope(chosen, table=True)
    return Defaults(
        str(design), chosen.name, validate_rope(rope), rows, n_rows if dataset.columns else None
    )


def _builtin_defaults(
    data: DataSource,
    split: str | None,
    metric: str | None,
    rope: float | None,
    rows: int | None,
    quick: bool,
) -> Defaults:
    """Return the same for built-in images, which come with a test part."""
    design = Design.parse(split or "given")
    if design.kind != "given":
        design, rows, _ = _choose_rows(data.load(), str(design), rows, quick)
    elif rows is not None:
        check_rows(data.load(), rows)
    elif quick:
        rows = QUICK_ROWS
    name, default = "error", ROPE
    if metric is not None:
        chosen = get_metric(metric)
        name, default = chosen.name, default_rope(chosen, table=False)
    return Defaults(str(design), name, default if rope is None else validate_rope(rope), rows, None)


def _choose_rows(
    dataset: Dataset, split: str | None, rows: int | None, quick: bool
) -> tuple[Design, int | None, int]:
    """Return the design, the rows to train and validate on (None for all), and their number."""
    design = Design.parse(split) if split else default_design(dataset, quick=quick)
    check_design(design, dataset)
    available = len(outer_split(design, dataset, 0)[0])
    if rows is not None and not 2 <= rows <= available:
        raise UserError(
            f"rows must be between 2 and {available:,}, the training rows of {dataset.name}; "
            f"got {rows:,}"
        )
    if rows is None and quick and available > QUICK_ROWS:
        rows = QUICK_ROWS
    return design, rows, available if rows is None else rows


def cap_rows(rows: int | None, dataset: Dataset, split: str | None, *, quick: bool) -> int | None:
    """Return `rows`, or None where the data set has no more training rows than that."""
    if rows is None:
        return None
    design = Design.parse(split) if split else default_design(dataset, quick=quick)
    check_design(design, dataset)
    return None if rows >= len(outer_split(design, dataset, 0)[0]) else rows


def validate_rope(rope: float) -> float:
    """Validate the region of practical equivalence."""
    if not 0 <= rope < 1:
        raise UserError(
            f"rope must be at least 0 and below 1 (0.01 of error is one point); got {rope}"
        )
    return float(rope)


def default_metric(dataset: Dataset) -> str:
    """Return the metric for a data set where the user names none."""
    return "log_loss" if minority_share(dataset) < RARE else "error"


def minority_share(dataset: Dataset) -> float:
    """Return the share of the rows that are not of the most frequent class."""
    counts = np.bincount(dataset.y)
    return 1 - float(counts.max() / counts.sum())
