"""The content of ``result.json`` as dataclasses; ``docs/result.md`` documents every field.

Errors, differences and intervals are shares from 0 to 1, times are seconds, sizes are bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from graduel.data.finding import Finding
from graduel.duel.result.probe_results import Probes
from graduel.duel.verdict.types import Claim, Comparison, Costs, PairCurve
from graduel.errors import UserError
from graduel.metrics.calibration import Calibration
from graduel.metrics.metric import Metric
from graduel.serialize import from_plain, read_json

RESULT = "result.json"

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnSummary:
    """One feature of a table."""

    name: str
    kind: str
    """"numeric", "categorical", "boolean", "date" or "text"."""
    missing: int
    """Rows without a value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DroppedColumn:
    """A column of a table that is no feature."""

    name: str
    why: str
    reason: str
    """The same in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSummary:
    """The data set. The row counts are those of the first run."""

    name: str
    n_train: int
    """Training rows."""
    n_valid: int
    """Validation rows."""
    n_test: int
    """Test rows."""
    n_features: int
    n_classes: int
    file: str | None = None
    """User data: the name of the file, never its path."""
    rows: int | None = None
    """User data: all rows."""
    classes: tuple[str, ...] | None = None
    """User data: names of the classes."""
    class_rows: tuple[int, ...] | None = None
    """User data: rows of each class."""
    in_both: int | None = None
    """User data: test rows whose features equal those of a training row."""
    warnings: tuple[Finding, ...] | None = None
    """Findings of the checks, see ``docs/checks.md``; null where nothing was checked."""
    show_rows: bool | None = None
    """User data: whether a report may show rows."""
    target: str | None = None
    """Tables: the column to predict."""
    columns: tuple[ColumnSummary, ...] | None = None
    """Tables: the features."""
    set_aside: tuple[DroppedColumn, ...] | None = None
    """Tables: columns that are no features."""
    notes: tuple[str, ...] | None = None
    """Tables: remarks on reading them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSummary:
    """The metric that verdicts compare by, and its ROPE."""

    metric: str
    """"error", "log_loss", "brier", "auc", … or a scikit-learn scorer."""
    metric_title: str
    metric_unit: str
    """"%", "points" or empty."""
    lower_is_better: bool
    rope: float
    """The largest difference that makes no difference in practice."""


def metric_fields(metric: Metric, rope: float) -> dict[str, Any]:
    """Return the fields of a :class:`MetricSummary`."""
    return {
        "metric": metric.name,
        "metric_title": metric.title,
        "metric_unit": metric.unit,
        "lower_is_better": metric.lower_is_better,
        "rope": rope,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetSummary:
    """What each contender may spend in a run."""

    kind: Literal["none", "trials", "seconds"]
    value: int | float | None
    """The number of trials, or seconds of tuning and fitting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolSummary(MetricSummary):
    """How the duel was run."""

    split: str
    """"given", "holdout", "shuffle", or folds and repeats such as "5x2"."""
    seeds: int
    """Fits of each contender on each split."""
    rows: int | None
    """Training rows where not all are used."""
    quick: bool
    """Fewer rows and small budgets."""
    varies: tuple[str, ...]
    """What an experiment varies; empty for a duel."""
    threads: int
    """Of each contender."""
    budget: BudgetSummary


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialResult:
    """One trial of a hyperparameter search."""

    number: int
    """0 is the default recipe."""
    params: Mapping[str, Any]
    """The hyperparameters."""
    loss: float | None
    """On the validation rows, the leading metric as a loss; null where there is none."""
    seconds: float
    state: Literal["complete", "pruned", "failed"]
    why: str | None = None
    """Why it failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationResult:
    """The calibration of a contender before and after temperature scaling."""

    temperatures: tuple[float, ...]
    """One for each run, fitted on its validation rows."""
    before: Calibration
    after: Calibration


@dataclass(frozen=True, slots=True, kw_only=True)
class ContenderResult(Costs):
    """Quality and cost of one contender: means over the runs, memory and size the largest."""

    title: str
    """Its name in words."""
    test_error: float
    """Share of misclassified test rows."""
    test_error_interval: Interval
    """95 %."""
    test_errors: tuple[float, ...]
    """One for each run."""
    metric: float | None = None
    """The leading metric; null where that is the error."""
    metric_interval: Interval | None = None
    """95 %; null for metrics that are no mean over rows on one test set."""
    metrics: tuple[float, ...] | None = None
    """One for each run; null where the leading metric is the error."""
    log_loss: float
    """−mean log p(true class), p at least 1.2e-7."""
    brier: float
    """Mean Σ over classes of (p − onehot)², from 0 to 2."""
    curve: tuple[tuple[float, float], ...]
    """Seconds and test error in the first run, in the order of training."""
    details: tuple[Mapping[str, Any], ...]
    """What each run's fit selected: best epoch or round, validation error, …"""
    trials: tuple[tuple[TrialResult, ...], ...]
    """The hyperparameter search of each run; empty without one."""
    best_trial: tuple[int | None, ...]
    """The trial that each run's model is of; null without a search."""
    calibration: CalibrationResult
    probes: Probes | None
    """Null with ``--no-probes``, and of arrays that are neither a table nor images."""
    recipe: Mapping[str, Any]
    """Its hyperparameters."""

    @property
    def leading_metric(self) -> float:
        """The metric that verdicts compare by."""
        return self.test_error if self.metric is None else self.metric


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownBest:
    """The strongest XGBoost recipe on a data set that the project knows, and its cost."""

    contender: str
    test_error: float
    fit_seconds: float
    settings: Mapping[str, Any]
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Where and with which versions a duel ran."""

    command: str
    python: str
    versions: Mapping[str, str]
    """Of graduel and the packages that decide its numbers."""
    platform: str
    processor: str
    cores: int | None
    memory_bytes: int
    threads: int
    blas: str
    kernels: str | None = None
    """Kernels of the networks, "numpy" or "numba" with its version; null where none was trained, or
    by a graduel that had no others than NumPy's."""
    finished: str
    """Date and time, ISO 8601, UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeCurve:
    """One contender by training-set size; means over the runs."""

    test_errors: tuple[float, ...]
    """By size."""
    test_error_intervals: tuple[Interval, ...]
    metrics: tuple[float, ...] | None = None
    """The leading metric; null where that is the error."""
    fit_seconds: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningCurve:
    """Duels that differ by the number of training rows only."""

    sizes: tuple[int, ...]
    """Training and validation rows of each duel; the last is the main duel's."""
    contenders: Mapping[str, SizeCurve]
    pairs: tuple[PairCurve, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A finished duel."""

    format: Literal[1] = 1
    dataset: DatasetSummary
    protocol: ProtocolSummary
    contenders: Mapping[str, ContenderResult]
    comparisons: tuple[Comparison, ...]
    """One for each pair."""
    claims: tuple[Claim, ...]
    """One for each XGBoost and each network."""
    known_best: KnownBest | None
    """Null where none is known."""
    environment: Environment
    learning_curve: LearningCurve | None = None
    """Of a duel with ``--sizes``; null without."""

    @property
    def titles(self) -> dict[str, str]:
        """The title of each contender."""
        return {name: entry.title for name, entry in self.contenders.items()}


def read_result(path: Path) -> Result:
    """Return the result in a finished duel's folder.

    Raises
    ------
    UserError
        If there is none, or it is damaged or of another format.
    """
    if not (path / RESULT).exists():
        raise UserError(f"expected a finished duel's folder; {path} has no {RESULT}")
    return from_plain(Result, read_json(path / RESULT), str(path / RESULT))
