"""Outcomes of cells, finished runs and finished suites."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from graduel.duel.result.duel_result import Result
from graduel.duel.result.machine import Machine
from graduel.duel.result.probe_results import Probes
from graduel.duel.result.run_display import RunDisplay, SuiteDisplay
from graduel.duel.result.run_frames import RunFrames
from graduel.duel.result.suite_result import SuiteResult

Curve = list[tuple[float, float]]
"""Pairs of training seconds and test error (a share, 0 to 1), in the order of training."""


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
    """Class probabilities of the test rows, float32, shape (n_test, n_classes)."""
    valid_probabilities: NDArray[Any] = field(repr=False, compare=False)
    """Class probabilities of the validation rows."""
    probes: Probes | None = field(default=None, repr=False)
    """See :func:`graduel.duel.run.probes.run_probes`; None if the model was not probed."""
    trials: list[dict[str, Any]] = field(default_factory=list)
    """Hyperparameter search: number, params, validation loss, seconds and state of each trial."""
    best_trial: int | None = None
    """Number of the trial that the model comes from."""
    tuning_seconds: float | None = None
    """Seconds of the whole search; ``fit_seconds`` is then the best trial's fit."""
    missing_cores: float = 0.0
    """Threads of the fit without a free core, on average, because other processes were busy."""
    machine: Machine | None = None
    """The kind of machine it ran on; None for cells of earlier versions."""
    predict_row_quartiles: tuple[float, float] | None = None
    """First and third quartile of the seconds to predict one row; None if timed too rarely."""
    predict_batch_quartiles: tuple[float, float] | None = None
    """First and third quartile of the seconds to predict all test rows."""
    attempts: int = 1
    """How often the cell was started: more than once if a machine was lost while it ran."""


@dataclass(frozen=True, slots=True, repr=False)
class Run(RunFrames, RunDisplay):
    """A finished duel, with all that a report needs; nothing is trained.

    A notebook shows verdicts, table and race.
    """

    path: Path
    result: Result
    """The content of ``result.json``."""
    probabilities: dict[str, NDArray[Any]]
    """By contender, float32, shape (seeds, n_test, n_classes). After cross-validation the first
    axis counts repeats and seeds, and every row is a test row."""
    curve_points: dict[str, list[Curve]]
    """By contender, one curve for each run."""
    y_test: NDArray[Any]
    """Codes of the true classes, shape (n_test,)."""
    classes: tuple[str, ...]
    images: NDArray[Any] | None
    """The test images, uint8, shape (n_test, height, width); None for tables, and for user images
    unless rows may be shown."""
    rows: NDArray[Any] | None = None
    """User tables: the row number of each test row, from 0, shape (n_test,)."""
    cells: Any = None
    """The features of those rows, a Polars DataFrame; None unless rows may be shown."""
    has_models: bool = False
    """Whether the folder has saved models."""
    has_pages: bool = False
    """Whether ``graduel serve`` can show one of them."""


@dataclass(frozen=True, slots=True, repr=False)
class Suite(SuiteDisplay):
    """A finished suite (duels on several data sets), with all that a report needs.

    The duel on one data set is in the folder of its name: ``load_run(suite.path / name)``.
    """

    path: Path
    result: SuiteResult
    """The content of ``suite-result.json``."""

    def by_log_loss(self) -> Suite | None:
        """Return the suite with log loss as its metric, or None without a verdict by log loss.

        The contenders were still trained and selected by the suite's own metric.
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
