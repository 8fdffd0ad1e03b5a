"""Running one cell: build its contender, fit it, score its checkpoints, time its predictions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from statistics import median
from threading import Event, Thread
from time import perf_counter
from typing import Any

import numpy as np
import psutil

from graduel.contenders import (
    Budget,
    Contender,
    FittedContender,
    LabelledRows,
    Notify,
    error_rate,
    get_family,
    make_contender,
)
from graduel.contenders.search.space import Space
from graduel.contenders.search.tuning import TunedContender, TunedFit
from graduel.data import Dataset
from graduel.duel.plan.protocol import Cell, Protocol
from graduel.duel.plan.splits import Split
from graduel.duel.result.outcome import Curve, Outcome
from graduel.errors import UserError

ROW_TRIES, BATCH_TRIES = 200, 5
ROW_SECONDS, BATCH_SECONDS = 0.25, 0.25
"""Total time after which no further prediction is timed."""


class PeakMemory:
    """The largest resident memory of this process while it is entered, sampled every 20 ms."""

    def __init__(self) -> None:
        self._process, self._end = psutil.Process(), Event()
        self.bytes = 0
        self._thread = Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while True:
            self.bytes = max(self.bytes, self._process.memory_info().rss)
            if self._end.wait(0.02):
                return

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._end.set()
        self._thread.join()


def build_contender(
    protocol: Protocol, cell: Cell, trials: Any, estimator: bytes | None = None, *, image: bool
) -> Any:
    """Build the contender of a cell.

    Parameters
    ----------
    protocol, cell : of the duel
    trials : the log of a tuning's finished trials
    estimator : the user's own, pickled
    image : whether rows are images
    """
    spec = protocol.contenders[cell.contender]
    contender = make_contender(
        cell.contender, spec["family"], spec["recipe"], protocol.metric, estimator
    )
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
    return family.space(family.parse_recipe(spec["recipe"]), image=image, quick=protocol.quick)


def run_cell(
    contender: Contender,
    dataset: Dataset,
    split: Split,
    cell: Cell,
    budget: Budget,
    notify: Notify = lambda progress: None,
    earlier: Curve | None = None,
    keep: Callable[[Curve], None] = lambda curve: None,
) -> tuple[Outcome, FittedContender]:
    """Fit one contender with one seed and score it on the test rows.

    The contender gets training and validation rows, never a test row: it is scored here, checkpoint
    by checkpoint, while its clock is stopped.

    Parameters
    ----------
    contender, budget : what is fitted, and the resources it may use
    dataset, split : the data set and the rows of this run
    cell : names the contender, the seed and the random stream
    notify : called with the progress of the fit
    earlier : the points of a tuning that is resumed
    keep : called with all points of the curve after each checkpoint

    Raises
    ------
    UserError
        If the fitted model's probabilities are not finite.
    """
    table, n_classes = dataset.table, len(dataset.classes)
    train, valid = (
        LabelledRows(table[r], dataset.y[r], n_classes, dataset.image, dataset.columns)
        for r in (split.train, split.valid)
    )
    X_test, y_test = table[split.test], dataset.y[split.test]
    curve, search = list(earlier or []), None
    # A network that diverges is an error of its own; NumPy's warnings would only come in between.
    with PeakMemory() as memory, np.errstate(over="ignore", invalid="ignore"):
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
                error = error_rate(checkpoint.predict_proba(X_test), y_test)
            curve.append((checkpoint.seconds, error))
            keep(curve)
    if isinstance(fitted, TunedFit):
        search, fitted = fitted, fitted.fitted
    start = perf_counter()
    probabilities = np.ascontiguousarray(fitted.predict_proba(X_test), np.float32)
    first = perf_counter() - start
    on_valid = np.ascontiguousarray(fitted.predict_proba(valid.X), np.float32)
    if not (np.isfinite(probabilities).all() and np.isfinite(on_valid).all()):
        raise UserError(
            "the fitted model gives probabilities that are no numbers: it diverged. "
            "Lower the learning rate"
        )
    outcome = Outcome(
        contender=cell.contender,
        seed=cell.seed,
        fit_seconds=fitted.seconds,
        predict_row_seconds=_row_seconds(fitted, X_test),
        predict_batch_seconds=_batch_seconds(fitted, X_test, first),
        peak_memory_bytes=memory.bytes,
        model_bytes=len(fitted.to_bytes()),
        curve=curve,
        details=fitted.details,
        probabilities=probabilities,
        valid_probabilities=on_valid,
        trials=[] if search is None else [trial.as_dict() for trial in search.trials],
        best_trial=None if search is None else search.best,
        tuning_seconds=None if search is None else search.tuning_seconds,
    )
    return outcome, fitted


def _timed(fitted: FittedContender, X: Any) -> float:
    start = perf_counter()
    fitted.predict_proba(X)
    return perf_counter() - start


def _row_seconds(fitted: FittedContender, X: Any) -> float:
    """Return the median time to predict a single row, another row each time."""
    rows = (X[i : i + 1] for i in range(min(len(X), ROW_TRIES)))
    return _median((_timed(fitted, row) for row in rows), ROW_SECONDS)


def _batch_seconds(fitted: FittedContender, X: Any, first: float) -> float:
    """Return the median time to predict all test rows at once; the first time is `first`."""
    again = (_timed(fitted, X) for _ in range(BATCH_TRIES - 1))
    return _median(chain([first], again), BATCH_SECONDS)


def _median(times: Iterator[float], most: float) -> float:
    """Return the median of times; none is taken after their sum exceeds `most`."""
    taken: list[float] = []
    for time in times:
        taken.append(time)
        if sum(taken) > most:
            break
    return median(taken)
