"""The content of ``suite-result.json`` as dataclasses; ``docs/result.md`` lists every field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from graduel.duel.result.duel_result import (
    Environment,
    Interval,
    MetricSummary,
    ProtocolSummary,
)
from graduel.duel.verdict.types import Comparison, DatasetVerdict
from graduel.number_format import format_quantity
from graduel.short_view import cut


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteProtocol(MetricSummary):
    """The metric and the options of a suite; null for options that were not given."""

    threads: int
    contenders: tuple[str, ...] | None = None
    split: str | None = None
    seeds: int | None = None
    rows: int | None = None
    quick: bool = False
    budget: str | float | None = None
    trials: int | None = None
    probes: bool = True
    workers: int = 1
    """Processes that share each fit, of the contenders that can be divided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteContender:
    """A contender of a suite."""

    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteEntry:
    """One contender on one data set."""

    value: float
    """Suite's metric."""
    interval: Interval | None
    """95 % CI of `value`; null for metrics such as AUC on one test set."""
    test_error: float
    test_error_interval: Interval
    log_loss: float
    fit_seconds: float
    """Mean over the runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteDataset:
    """One data set of a suite; its own ``result.json`` has the rest."""

    name: str
    """Also the name of its folder."""
    rows: int
    n_train: int
    n_valid: int
    n_test: int
    n_features: int
    n_classes: int
    file: str | None = None
    protocol: ProtocolSummary
    contenders: Mapping[str, SuiteEntry]
    comparisons: tuple[Comparison, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A data set whose duel failed or is unfinished."""

    name: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLossVerdict:
    """The verdict across data sets by log loss, beside that of another metric."""

    protocol: MetricSummary
    across: DatasetVerdict


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteResult:
    """A finished suite."""

    format: Literal[1] = 1
    protocol: SuiteProtocol
    contenders: Mapping[str, SuiteContender]
    datasets: tuple[SuiteDataset, ...]
    failures: tuple[Failure, ...]
    unfinished: tuple[Failure, ...] = ()
    """Data sets of which fits are missing; left out."""
    across: DatasetVerdict | None
    """Null with fewer than two data sets or contenders."""
    by_log_loss: LogLossVerdict | None
    """Null without `across`, or if log loss is the metric."""
    environment: Environment

    def __repr__(self) -> str:
        names = ", ".join(self.contenders)
        return cut(f"SuiteResult on {format_quantity(len(self.datasets), 'data set')} of {names}")

    @property
    def titles(self) -> dict[str, str]:
        """The titles of the contenders by name."""
        return {name: entry.title for name, entry in self.contenders.items()}
