"""The content of ``result.json`` as dataclasses; ``docs/result.md`` lists every field.

Errors, differences and intervals are shares from 0 to 1, times are in seconds, sizes in bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from graduel.data.finding import Finding
from graduel.duel.result.machine import Machine
from graduel.duel.result.probe_results import Probes
from graduel.duel.verdict.types import Claim, Comparison, Costs, PairCurve
from graduel.errors import UserError
from graduel.metrics.calibration import Calibration
from graduel.metrics.metric import Metric
from graduel.serialize import from_plain, read_json
from graduel.short_view import cut

RESULT = "result.json"

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnSummary:
    """One feature of a table."""

    name: str
    kind: str
    """"numeric", "categorical", "boolean", "date" or "text"."""
    missing: int
    """Rows with a missing value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DroppedColumn:
    """A column that is not used as a feature."""

    name: str
    why: str
    """Code of the reason."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSummary:
    """The data set; row counts are those of the first run."""

    name: str
    n_train: int
    """Training rows."""
    n_valid: int
    """Validation rows."""
    n_test: int
    """Test rows."""
    n_features: int
    n_classes: int
    """0 if the target is a number."""
    file: str | None = None
    """User data: file name without its path."""
    rows: int | None = None
    """User data: number of rows."""
    classes: tuple[str, ...] | None = None
    """User data: class names."""
    class_rows: tuple[int, ...] | None = None
    """User data: rows by class."""
    in_both: int | None = None
    """User data: test rows with the same features as a training row."""
    warnings: tuple[Finding, ...] | None = None
    """Findings of the checks (``docs/checks.md``)."""
    show_rows: bool | None = None
    """User data: whether a report may show rows."""
    target: str | None = None
    """Table: target column."""
    columns: tuple[ColumnSummary, ...] | None = None
    """Table: features."""
    set_aside: tuple[DroppedColumn, ...] | None = None
    """Table: unused columns."""
    notes: tuple[str, ...] | None = None
    """Table: notes of the reader."""


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
    """The largest difference that does not matter in practice."""
    rope_is_share: bool = False
    """Whether `rope` is a share of the lower loss of a pair."""
    positive: str | None = None
    """The positive class of metrics such as F1; null if the metric has none."""


def metric_fields(
    metric: Metric, rope: float, classes: Sequence[str] = (), *, rope_is_share: bool = False
) -> dict[str, Any]:
    """Return the fields of a :class:`MetricSummary`; `classes` name the positive class."""
    fields: dict[str, Any] = {
        "metric": metric.name,
        "metric_title": metric.title,
        "metric_unit": metric.unit,
        "lower_is_better": metric.lower_is_better,
        "rope": rope,
        "rope_is_share": rope_is_share,
    }
    if metric.positive is not None and classes:
        fields["positive"] = classes[metric.positive]
    return fields


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetSummary:
    """The search budget of each contender in a run."""

    kind: Literal["none", "trials", "seconds"]
    value: int | float | None
    """Number of trials, or seconds for search and fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolSummary(MetricSummary):
    """The protocol of the duel."""

    split: str
    """"given", "holdout", "shuffle", or folds and repeats such as "5x2"."""
    seeds: int
    """Fits of each contender on each split."""
    rows: int | None
    """Training rows; null if all are used."""
    quick: bool
    """Fewer rows and a small budget (``--quick``)."""
    varies: tuple[str, ...]
    """Hyperparameters that an experiment varies."""
    threads: int
    """Threads of each contender."""
    workers: int = 1
    """Processes that share each fit, of the contenders that can be divided."""
    budget: BudgetSummary


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialResult:
    """One trial of a hyperparameter search."""

    number: int
    """0 is the default recipe."""
    params: Mapping[str, Any]
    """Hyperparameters."""
    loss: float | None
    """Duel's metric as a loss on the validation rows."""
    seconds: float
    state: Literal["complete", "pruned", "failed"]
    why: str | None = None
    """Reason of a failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationResult:
    """The calibration of a contender before and after temperature scaling."""

    temperatures: tuple[float, ...]
    """By run, fitted on the validation rows."""
    before: Calibration
    after: Calibration


@dataclass(frozen=True, slots=True, kw_only=True)
class ConformalResult:
    """Conformal intervals of numbers, or sets of classes, calibrated on the validation rows."""

    level: float
    """Probability with which they should contain the truth."""
    coverage: float
    """Share of the test rows whose truth they contain, over all runs."""
    coverage_interval: Interval
    """95 % CI (Clopper-Pearson) of one run's coverage."""
    size: float
    """Mean width of the intervals, or mean number of classes in the sets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContenderResult(Costs):
    """Quality and costs of one contender: means over the runs; memory and size: the maximum."""

    title: str
    test_error: float | None = None
    """Share of misclassified test rows; null in a regression, like the other fields of classes."""
    test_error_interval: Interval | None = None
    """95 % CI."""
    test_errors: tuple[float, ...] | None = None
    """By run."""
    rmse: float | None = None
    """Root mean squared error, in the unit of the target; null in a classification."""
    rmse_interval: Interval | None = None
    """95 % CI."""
    rmses: tuple[float, ...] | None = None
    """By run."""
    mae: float | None = None
    """Mean absolute error."""
    median_error: float | None = None
    """Median absolute error."""
    r2: float | None = None
    """R², the share of the variance of the target that is explained."""
    metric: float | None = None
    """Duel's metric; null if that is the error."""
    metric_interval: Interval | None = None
    """95 % CI; null for metrics such as AUC on one test set."""
    metrics: tuple[float, ...] | None = None
    """By run; null if the metric is the error."""
    log_loss: float | None = None
    """−mean log p(true class), p at least 1.2e-7."""
    brier: float | None = None
    """Mean Σ over classes of (p − onehot)², from 0 to 2."""
    curve: tuple[tuple[float, float], ...]
    """Seconds and test error (in a regression, RMSE) during training, first run."""
    details: tuple[Mapping[str, Any], ...]
    """By run: best epoch or round, validation error, …"""
    trials: tuple[tuple[TrialResult, ...], ...]
    """By run, the hyperparameter search."""
    best_trial: tuple[int | None, ...]
    """By run, the trial with the lowest loss."""
    conformal: ConformalResult | None = None
    """Null with too few validation rows for the level, or in results of earlier versions."""
    calibration: CalibrationResult | None = None
    """Null in a regression."""
    probes: Probes | None
    """Null with ``--no-probes``, and for arrays other than images."""
    recipe: Mapping[str, Any]
    """Hyperparameters."""

    @property
    def leading_metric(self) -> float:
        """The duel's metric, which verdicts compare."""
        return self.curve_loss if self.metric is None else self.metric

    @property
    def curve_loss(self) -> float:
        """The loss that curves show, at the end: the test error, or in a regression the RMSE."""
        value = self.rmse if self.test_error is None else self.test_error
        assert value is not None
        return value

    @property
    def curve_loss_interval(self) -> Interval:
        """The 95 % CI of :attr:`curve_loss`."""
        interval = self.test_error_interval or self.rmse_interval
        assert interval is not None
        return interval

    @property
    def curve_losses(self) -> tuple[float, ...]:
        """The :attr:`curve_loss` of each run."""
        losses = self.test_errors or self.rmses
        assert losses is not None
        return losses


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownBest:
    """The strongest known XGBoost recipe on this data set, measured by the project (MNIST)."""

    contender: str
    test_error: float
    fit_seconds: float
    settings: Mapping[str, Any]
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """The machine and the versions that a duel ran with."""

    command: str
    python: str
    versions: Mapping[str, str]
    """Versions of graduel and the packages that affect its numbers."""
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
    """In a regression, the RMSE."""
    test_error_intervals: tuple[Interval, ...]
    metrics: tuple[float, ...] | None = None
    """Duel's metric; null if that is the error."""
    fit_seconds: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningCurve:
    """Duels that differ only in the number of training rows."""

    sizes: tuple[int, ...]
    """Training plus validation rows of each duel; the last is the main duel."""
    contenders: Mapping[str, SizeCurve]
    pairs: tuple[PairCurve, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingFits:
    """What an unfinished duel lacks; the rest of its result is about the finished fits."""

    fits: int
    """Fits of the plan that are not finished."""
    planned: int
    """All fits of the plan."""
    contenders: tuple[str, ...]
    """Titles of contenders without any finished fit; the result leaves them out."""
    runs: Mapping[str, tuple[int, ...]]
    """By contender, numbers of the runs that are not finished."""
    pairs: tuple[tuple[str, str], ...]
    """Pairs of titles without a comparison, because they share no complete run."""
    sizes: tuple[int, ...]
    """Sizes of the learning curve that are not finished."""
    sentence: str
    failures: Mapping[str, str] = field(default_factory=dict)
    """By contender, why it failed; the next run of the command tries again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A duel; unfinished if `missing` is not null."""

    format: Literal[1] = 1
    dataset: DatasetSummary
    protocol: ProtocolSummary
    contenders: Mapping[str, ContenderResult]
    comparisons: tuple[Comparison, ...]
    """By pair."""
    claims: tuple[Claim, ...]
    """On MNIST, by pair of an XGBoost contender and a textbook network."""
    known_best: KnownBest | None
    """MNIST only."""
    environment: Environment
    learning_curve: LearningCurve | None = None
    """With ``--sizes``."""
    machines: tuple[Machine, ...] = ()
    """The kinds of machines that the runs were on; costs are compared within one kind only."""
    missing: MissingFits | None = None
    """Null if every fit of the plan is finished."""

    def __repr__(self) -> str:
        return cut(f"Result on {self.dataset.name} of {', '.join(self.contenders)}")

    @property
    def titles(self) -> dict[str, str]:
        """The titles of the contenders by name."""
        return {name: entry.title for name, entry in self.contenders.items()}


def read_result(path: Path) -> Result:
    """Return the result in the folder of a finished duel.

    Raises
    ------
    UserError
        If ``result.json`` is missing, corrupt or in another format.
    """
    if not (path / RESULT).exists():
        raise UserError(
            f"expected a finished duel's folder; {path} has no {RESULT}. Repeat the duel's command "
            f"with --out {path} to finish it"
        )
    return from_plain(Result, read_json(path / RESULT), str(path / RESULT))
