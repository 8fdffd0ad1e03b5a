"""Outcomes of cells, finished runs and finished suites."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from graduel.duel.result.duel_result import Result
from graduel.duel.result.probe_results import Probes
from graduel.duel.result.suite_result import SuiteResult

Curve = list[tuple[float, float]]
"""Test error (a share, 0 to 1) over seconds of training, in the order of training."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one cell: one contender, fitted once with one seed."""

    contender: str
    seed: int
    fit_seconds: float
    predict_row_seconds: float
    predict_batch_seconds: float
    peak_memory_bytes: int
    model_bytes: int
    curve: Curve
    details: dict[str, Any]
    """What the fit selected: best epoch or round, its validation error, …"""
    probabilities: NDArray[Any] = field(repr=False, compare=False)
    """For each test row, a probability for each class: float32, shape (n_test, n_classes)."""
    valid_probabilities: NDArray[Any] = field(repr=False, compare=False)
    """The same for the validation rows."""
    probes: Probes | None = field(default=None, repr=False)
    """See :func:`graduel.duel.run.probes.run_probes`; None where the model was not probed."""
    trials: list[dict[str, Any]] = field(default_factory=list)
    """Of a tuning: number, params, loss on the validation rows, seconds and state of each trial."""
    best_trial: int | None = None
    """The trial whose model this is."""
    tuning_seconds: float | None = None
    """Of the whole search; ``fit_seconds`` is the winner's own fit."""


@dataclass(frozen=True, slots=True)
class Run:
    """A finished duel as a report reads it; nothing in it needs training."""

    path: Path
    result: Result
    """The content of ``result.json``."""
    probabilities: dict[str, NDArray[Any]]
    """For each contender float32, shape (seeds, n_test, n_classes). After cross-validation the
    first axis counts repeats and seeds, and every row is a test row."""
    curves: dict[str, list[Curve]]
    """For each contender a curve for each seed."""
    y_test: NDArray[Any]
    """Codes of the true classes, shape (n_test,)."""
    classes: tuple[str, ...]
    images: NDArray[Any] | None
    """The test images, uint8 of shape (n_test, height, width); None for a table, and where
    user images are not to be shown."""
    rows: NDArray[Any] | None = None
    """User tables: the row number of each test row, from 0, shape (n_test,)."""
    cells: Any = None
    """The features of those rows, a Polars data frame; None where they are not to be shown."""
    kept: bool = False
    """Whether fitted models are saved in the folder."""


@dataclass(frozen=True, slots=True)
class Suite:
    """A finished suite, duels on several data sets, as a report reads it.

    The duel on one of them is in the folder of its name: ``read_run(suite.path / name)``.
    """

    path: Path
    result: SuiteResult
    """The content of ``suite-result.json``."""

    def by_log_loss(self) -> Suite | None:
        """Return the suite with log loss as its metric, or None if it has no such verdict.

        The contenders were trained and selected by the metrics of their duels.
        """
        verdict = self.result.by_log_loss
        if verdict is None:
            return None
        protocol = replace(self.result.protocol, **asdict(verdict.protocol))
        datasets = tuple(
            replace(
                dataset,
                contenders={
                    name: replace(entry, value=entry.log_loss, interval=None)
                    for name, entry in dataset.contenders.items()
                },
            )
            for dataset in self.result.datasets
        )
        result = replace(
            self.result,
            protocol=protocol,
            datasets=datasets,
            across=verdict.across,
            by_log_loss=None,
        )
        return Suite(self.path, result)
