"""The content of ``suite-result.json`` as dataclasses; ``docs/result.md`` documents every field."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteProtocol(MetricSummary):
    """The metric and the options of a suite; options that were not given are null."""

    threads: int
    contenders: tuple[str, ...] | None = None
    split: str | None = None
    seeds: int | None = None
    rows: int | None = None
    quick: bool = False
    budget: str | float | None = None
    trials: int | None = None
    probes: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteContender:
    """A contender of a suite."""

    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteEntry:
    """One contender on one data set."""

    value: float
    """The suite's metric."""
    interval: Interval | None
    """95 %, of `value`; null for metrics that are no mean over rows on one test set."""
    test_error: float
    test_error_interval: Interval
    log_loss: float
    fit_seconds: float
    """Mean over the runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteDataset:
    """One data set of a suite; everything else is in its own ``result.json``."""

    name: str
    """Also its folder."""
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
    """A data set whose duel failed."""

    name: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLossVerdict:
    """The verdict across data sets by log loss, where another metric leads."""

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
    across: DatasetVerdict | None
    """Null with fewer than two data sets or contenders."""
    by_log_loss: LogLossVerdict | None
    """Null where `across` is, or where log loss is the metric."""
    environment: Environment

    @property
    def titles(self) -> dict[str, str]:
        """The title of each contender."""
        return {name: entry.title for name, entry in self.contenders.items()}
