"""Split, rows, metric and ROPE: the user's choices, with defaults that depend on the data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graduel.data import Dataset
from graduel.data.source import DataSource
from graduel.data.task import TaskKind
from graduel.duel.plan.budget import validate_count
from graduel.duel.plan.design import Design, check_design, default_design
from graduel.duel.plan.splits import check_rows, outer_split
from graduel.errors import UserError
from graduel.metrics.metric import (
    METRICS,
    Metric,
    check_task,
    default_metric_name,
    default_rope,
    get_metric,
)
from graduel.metrics.positive_class import fit_metric

QUICK_ROWS = 10_000
RARE_SHARE = 0.1
"""Below this share of rows outside the largest class, the default metric is log loss: always
predicting the largest class already has a low error."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """Split, metric, ROPE and rows of a duel, chosen by the user or by default."""

    split: str
    metric: str
    """The metric by its :attr:`~graduel.metrics.Metric.key`, which names the positive class."""
    rope: float
    rows: int | None
    """Number of training and validation rows together; None for all."""
    table_rows: int | None
    """Number of training and validation rows of a table, never None for tables; None for images."""
    task: TaskKind = "classification"
    rope_is_share: bool = False
    """Whether `rope` is a share of the lower loss of a pair."""


def choose_defaults(
    data: DataSource,
    *,
    split: str | None = None,
    metric: str | None = None,
    positive: object = None,
    rope: float | None = None,
    rows: int | None = None,
    quick: bool = False,
) -> Defaults:
    """Validate the user's choices and fill in a default for each that is None.

    Raises
    ------
    UserError
        If the data cannot be split in this way, a name is unknown, a number out of range, or the
        metric is not defined on these classes.
    """
    if rows is not None:
        rows = validate_count("rows", rows, None)
    builtin = data.is_builtin
    if builtin and Design.parse(split or "given").kind == "given":
        design, table_rows = Design("given"), None
        if rows is not None:
            check_rows(data.load(), rows)
        elif quick:
            rows = QUICK_ROWS
    else:
        dataset = data.load()
        design = _design(dataset, split, quick)
        if design.kind != "given" and (data.spec.test, data.spec.n_train) != (None, None):
            raise UserError(
                f"--split: expected given with a test table; got {split}. Leave one of them out"
            )
        available = len(outer_split(design, dataset, 0)[0])
        if rows is not None and not 2 <= rows <= available:
            raise UserError(
                f"rows must be between 2 and {available:,}, the training rows of {dataset.name}; "
                f"got {rows:,}"
            )
        if rows is None and quick and available > QUICK_ROWS:
            rows = QUICK_ROWS
        table_rows = (available if rows is None else rows) if dataset.columns else None
    task: TaskKind = "classification" if builtin else data.load().task.kind
    if metric is None:
        metric = "error" if builtin else default_metric(data.load())
    compared = get_metric(metric)
    check_task(compared, task)
    if task == "regression":
        _check_numbers(compared, data.load(), positive)
    elif positive is not None or compared.name not in METRICS:
        dataset = data.load()
        compared = fit_metric(compared, dataset.classes, dataset.y, positive)
    is_share = rope is None and compared.relative_rope
    if rope is None:
        rope = default_rope(compared, table=not builtin)
    rope = validate_rope(rope, compared)
    return Defaults(str(design), compared.key, rope, rows, table_rows, task, is_share)


def _check_numbers(metric: Metric, dataset: Dataset, positive: object) -> None:
    """Raise `UserError` unless a metric is defined on a numeric target."""
    if positive is not None:
        raise UserError("positive: expected data with two classes; the target is a number")
    metric.value(dataset.y[:, np.newaxis], dataset.y)


def _design(dataset: Dataset, split: str | None, quick: bool) -> Design:
    """Return the user's or the default split design; raise if the data do not allow it."""
    design = Design.parse(split) if split else default_design(dataset, quick=quick)
    check_design(design, dataset)
    return design


def cap_rows(rows: int | None, dataset: Dataset, split: str | None, *, quick: bool) -> int | None:
    """Return `rows`, or None (all) if the data set has no more training rows than that."""
    if rows is None:
        return None
    available = len(outer_split(_design(dataset, split, quick), dataset, 0)[0])
    return None if rows >= available else rows


def validate_rope(rope: float, metric: Metric) -> float:
    """Validate the region of practical equivalence (ROPE)."""
    if metric.task == "regression":
        if not 0 <= rope < float("inf"):
            raise UserError(
                f"rope must be a finite number, at least 0, in the unit of {metric.title}; got "
                f"{rope}"
            )
    elif not 0 <= rope < 1:
        raise UserError(
            f"rope must be at least 0 and below 1 (0.01 is 1 percentage point of error); got {rope}"
        )
    return float(rope)


def default_metric(dataset: Dataset) -> str:
    """Return the default metric for a data set."""
    if not dataset.classes:
        return default_metric_name("regression")
    return "log_loss" if minority_share(dataset) < RARE_SHARE else "error"


def minority_share(dataset: Dataset) -> float:
    """Return the share of rows outside the most frequent class."""
    counts = np.bincount(dataset.y)
    return 1 - float(counts.max() / counts.sum())
