"""Run one cell: build the contender, fit it, evaluate checkpoints, time predictions."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread
from time import monotonic
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from graduel.contenders import (
    Budget,
    Contender,
    FittedContender,
    LabelledRows,
    Notify,
    get_family,
    make_contender,
)
from graduel.contenders.search.space import Space
from graduel.contenders.search.tuning import TunedContender, TunedFit
from graduel.data import Dataset
from graduel.duel.plan.protocol import Cell, Protocol
from graduel.duel.plan.splits import Split
from graduel.duel.result.machine import describe_machine
from graduel.duel.result.outcome import Curve, Outcome
from graduel.duel.run.latency import time_predictions
from graduel.duel.run.missing_cores import MissingCores
from graduel.errors import UserError
from graduel.metrics.metric import curve_loss

Array = NDArray[Any]
LOOK_EVERY = 0.5
"""Seconds between two looks for child processes."""


class PeakMemory:
    """A context manager that measures peak resident memory, sampled every 20 ms.

    It is that of this process; with `children`, the sum over it and its child processes, in which
    pages that they share count several times.
    """

    def __init__(self, *, children: bool = False) -> None:
        self._processes, self._end = [psutil.Process()], Event()
        self._looked = monotonic() if children else float("inf")
        self.bytes = 0
        self._thread = Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while True:
            if monotonic() - self._looked > LOOK_EVERY:
                own, self._looked = self._processes[0], monotonic()
                self._processes = [own, *own.children(recursive=True)]
            self.bytes = max(self.bytes, sum(map(_resident_bytes, self._processes)))
            if self._end.wait(0.02):
                return

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._end.set()
        self._thread.join()


def _resident_bytes(process: psutil.Process) -> int:
    """Return the memory of a process; 0 if it has ended."""
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def build_contender(
    protocol: Protocol,
    cell: Cell,
    trials: Any,
    estimator: bytes | None = None,
    *,
    image: bool,
    retries: int = 2,
    on_restart: Callable[[str], object] = lambda message: None,
    launch: Any = None,
) -> Any:
    """Build the contender of a cell.

    Parameters
    ----------
    protocol, cell : the duel's protocol and one of its cells
    trials : the trial log of the hyperparameter search
    estimator : the user's own estimator, pickled
    image : whether rows are images
    retries, on_restart, launch : of the workers of a fit, see
        :func:`~graduel.contenders.workers.divided_fit.divide_fits`
    """
    spec = protocol.contenders[cell.contender]
    contender: Any = make_contender(
        cell.contender, spec["family"], spec["recipe"], protocol.metric, estimator
    )
    if protocol.is_divided(cell.contender):
        from graduel.contenders.workers.divided_fit import divide_fits

        contender = divide_fits(contender, protocol.workers, retries, on_restart, launch)
    if not protocol.is_tuned:
        return contender
    space = search_space(protocol, cell, image=image)
    return TunedContender(
        contender, space, protocol.metric, trials, protocol.trials, protocol.seconds
    )


def search_space(protocol: Protocol, cell: Cell, *, image: bool) -> Space:
    """Return the search space of a cell's contender."""
    spec = protocol.contenders[cell.contender]
    family = get_family(spec["family"])
    space = family.space_of(protocol.task)
    return space(family.parse_recipe(spec["recipe"]), image=image, quick=protocol.quick)


def run_cell(
    contender: Contender,
    dataset: Dataset,
    split: Split,
    cell: Cell,
    budget: Budget,
    notify: Notify = lambda progress: None,
    earlier: Curve | None = None,
    on_curve: Callable[[Curve], None] = lambda curve: None,
    *,
    has_workers: bool = False,
) -> tuple[Outcome, FittedContender]:
    """Fit one contender with one seed and evaluate it on the test rows.

    The contender gets only training and validation rows, never a test row: its checkpoints are
    evaluated here, while its clock is stopped.

    Parameters
    ----------
    contender, budget : the contender and the resources of its fit
    dataset, split : the data set and the rows of this run
    cell : the contender's name, the number of the run and the random stream
    notify : callback for the progress of the fit
    earlier : curve points of an interrupted hyperparameter search
    on_curve : callback for the curve so far, called after each checkpoint
    has_workers : whether the fit is divided among child processes, whose memory counts

    Raises
    ------
    UserError
        If the fitted model's predictions are not finite.
    """
    table, task = dataset.table, dataset.task
    train, valid = (LabelledRows.of(dataset, rows) for rows in (split.train, split.valid))
    X_test, y_test = table[split.test], dataset.y[split.test]
    curve, search = list(earlier or []), None
    # Divergence raises its own error; NumPy's warnings would only add noise.
    with MissingCores(budget.threads) as missing:
        with (
            PeakMemory(children=has_workers) as memory,
            np.errstate(over="ignore", invalid="ignore"),
        ):
            fitting = contender.fit(train, valid, rng=cell.rng(), budget=budget, notify=notify)
            while True:
                try:
                    checkpoint = next(fitting)
                except StopIteration as end:
                    fitted: FittedContender = end.value
                    break
                if checkpoint.predict_proba is None:
                    error = curve[-1][1]
                else:
                    error = curve_loss(checkpoint.predict_proba(X_test), y_test)
                curve.append((checkpoint.seconds, error))
                on_curve(curve)
        if isinstance(fitted, TunedFit):
            search, fitted = fitted, fitted.fitted
        probabilities: Array = np.ascontiguousarray(fitted.predict_proba(X_test), task.dtype)
        on_valid: Array = np.ascontiguousarray(fitted.predict_proba(valid.X), task.dtype)
        if not (np.isfinite(probabilities).all() and np.isfinite(on_valid).all()):
            raise UserError(
                "the fitted model diverged: its predictions are infinite or NaN. "
                "Lower the learning rate"
            )
        with MissingCores(budget.threads, wait=False) as missing_later:
            latency = time_predictions(fitted.predict_proba, X_test)
    outcome = Outcome(
        contender=cell.contender,
        seed=cell.seed,
        fit_seconds=fitted.seconds,
        predict_row_seconds=latency.row_seconds,
        predict_batch_seconds=latency.batch_seconds,
        predict_row_quartiles=latency.row_quartiles,
        predict_batch_quartiles=latency.batch_quartiles,
        peak_memory_bytes=memory.bytes,
        model_bytes=len(fitted.to_bytes()),
        curve=curve,
        details=fitted.details,
        probabilities=probabilities,
        valid_probabilities=on_valid,
        trials=[] if search is None else [trial.as_dict() for trial in search.trials],
        best_trial=None if search is None else search.best,
        tuning_seconds=None if search is None else search.tuning_seconds,
        missing_cores=max(missing.mean, missing_later.mean),
        machine=describe_machine(),
    )
    return outcome, fitted
