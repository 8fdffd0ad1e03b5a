"""The context of one fit: rows, clock, progress reports and checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np

from graduel import kernels
from graduel.contenders.contender import (
    Array,
    Budget,
    Checkpoint,
    LabelledRows,
    Notify,
    Progress,
    error_rate,
)
from graduel.contenders.prepared_table import PreparedTable
from graduel.data.task import TaskKind
from graduel.metrics.metric import Metric, get_metric, log_loss
from graduel.metrics.number_losses import rmse
from graduel.metrics.probabilities import softmax

CHECKPOINTS = 50
"""Number of checkpoints over all rounds of a booster."""


class Clock:
    """A stopwatch for fitting time: it does not run between `stop` and `resume`.

    Nor does it run while kernels are loaded or compiled, which happens once and is no training.
    """

    def __init__(self) -> None:
        self._before = 0.0
        self._since: float | None = _now()

    @property
    def seconds(self) -> float:
        """The seconds so far."""
        running = 0.0 if self._since is None else _now() - self._since
        return self._before + running

    def stop(self) -> float:
        """Stop the clock and return the seconds so far."""
        self._before, self._since = self.seconds, None
        return self._before

    def stop_at(self, seconds: float) -> None:
        """Stop the clock at a time that was measured elsewhere."""
        self._before, self._since = seconds, None

    def resume(self) -> None:
        """Continue to measure."""
        self._since = _now()


def _now() -> float:
    return perf_counter() - kernels.setup_seconds()


@dataclass(frozen=True, slots=True, eq=False)
class FitJob:
    """The arguments and helpers of a family's ``fit``.

    Attributes
    ----------
    train, valid : training and validation rows
    rng : the only source of randomness
    budget : number of threads
    notify : callback for progress; returns True to stop the fit
    metric : the leading metric
    clock : measures fitting time, started with the fit
    """

    train: LabelledRows
    valid: LabelledRows
    rng: np.random.Generator
    budget: Budget
    notify: Notify
    metric: Metric
    clock: Clock = field(default_factory=Clock)

    def draw_seed(self) -> int:
        """Draw an integer seed for a library."""
        return int(self.rng.integers(2**31))

    def evaluate(self, p: Array, y: Array | None = None) -> tuple[float, float]:
        """Return the error and the leading metric's loss on the validation rows."""
        y = self.valid.y if y is None else y
        return error_rate(p, y), self.metric.loss(p, y)

    def losses(self, p: Array, y: Array, metric: Metric | None = None) -> tuple[float, float]:
        """Return the sort key for the best epoch: a metric's loss, then log loss to break ties.

        By default the metric is the leading one. Ties are common: validation rows are few, and many
        epochs misclassify equally many of them.
        """
        return (metric or self.metric).loss(p, y), log_loss(p, y)

    def select_known(self, matrix: Any) -> tuple[Any, Array]:
        """Return the prepared validation rows, and codes, of classes that have training rows."""
        known = np.isin(self.valid.y, self.train.y)
        return (matrix, self.valid.y) if known.all() else (matrix[known], self.valid.y[known])

    def report(
        self,
        share: float,
        seconds: float,
        error: float,
        loss: float,
        selection: tuple[str, float] | None = None,
    ) -> bool:
        """Report progress and return whether the fit must stop.

        `selection` is the metric that selects the epoch or round, and its loss; by default the
        leading metric and `loss`.
        """
        selection = selection or (self.metric.name, loss)
        return bool(self.notify(Progress(share, seconds, error, loss, selection=selection)))

    def checkpoint(
        self,
        share: float,
        error: float,
        loss: float,
        predict: Callable[[Any], Array],
        *,
        skip: bool = False,
        selection: tuple[str, float] | None = None,
    ) -> Generator[Checkpoint, None, bool]:
        """Stop the clock, report progress and yield a checkpoint; return whether the fit must stop.

        With `skip`, a checkpoint is yielded only if the fit stops here. `selection` is that of
        :meth:`report`.
        """
        seconds = self.clock.stop()
        stop = self.report(share, seconds, error, loss, selection)
        if stop or not skip:
            yield Checkpoint(seconds, predict)
        self.clock.resume()
        return stop


@dataclass(frozen=True, slots=True, eq=False)
class NumberFitJob(FitJob):
    """The job of a fit whose targets are numbers: RMSE takes the place of error and log loss."""

    def evaluate(self, p: Array, y: Array | None = None) -> tuple[float, float]:
        """Return the RMSE and the leading metric's loss on the validation rows."""
        y = self.valid.y if y is None else y
        return rmse(p, y), self.metric.loss(p, y)

    def losses(self, p: Array, y: Array, metric: Metric | None = None) -> tuple[float, float]:
        """Return the sort key for the best epoch: a metric's loss, then the RMSE."""
        return (metric or self.metric).loss(p, y), rmse(p, y)

    def select_known(self, matrix: Any) -> tuple[Any, Array]:
        """Return all validation rows."""
        return matrix, self.valid.y


JOBS: dict[TaskKind, type[FitJob]] = {"classification": FitJob, "regression": NumberFitJob}
"""The job of a fit by the kind of target."""


def selecting_metric(selects_by: str, metric: str) -> str:
    """Return the metric that selects the best epoch of a network.

    >>> selecting_metric("log_loss", "error"), selecting_metric("log_loss", "auc")
    ('log_loss', 'auc')
    """
    return "log_loss" if selects_by == "log_loss" and metric in ("error", "accuracy") else metric


def selection_details(metric: str, loss: float) -> dict[str, Any]:
    """Return the details of a fit that selected an epoch or round by a metric on validation rows.

    >>> selection_details("auc", 0.0625)
    {'selected_by': 'auc', 'valid_selected': 0.9375}
    """
    selecting = get_metric(metric)
    return {"selected_by": selecting.name, "valid_selected": float(selecting.shown(loss))}


def round_checkpoints(
    prepare: PreparedTable,
    points: Sequence[tuple[int, float]],
    predict: Callable[..., Array],
    rounds: int,
) -> Iterator[Checkpoint]:
    """Yield checkpoints of a fitted booster, truncated after some of its rounds.

    Parameters
    ----------
    prepare : the preparation of raw rows
    points : pairs of a round, from 1, and the seconds after it
    predict : ``predict(matrix, rounds=n)`` returns the probabilities of prepared rows
    rounds : most rounds of the recipe; about :data:`CHECKPOINTS` of them, and the last round of the
        fit, get a checkpoint
    """
    every = max(1, rounds // CHECKPOINTS)
    for n, seconds in points:
        if n % every == 0 or n == points[-1][0]:
            yield Checkpoint(
                seconds, partial(prepare.predict_cached, predict=partial(predict, rounds=n))
            )
    prepare.clear()


def margin_checkpoints(
    fitted: Any,
    seconds: Sequence[float],
    rounds: int,
    extend: Callable[[Any, Any, int, int], Any],
    link: Callable[[Array], Array] = softmax,
) -> Iterator[Checkpoint]:
    """Yield the checkpoints of a :class:`FittedEstimator` whose trees sum to a margin.

    Parameters
    ----------
    fitted : the booster
    seconds : seconds after each of its rounds
    rounds : most rounds of the recipe
    extend : see :class:`GrowingMargin`
    link : the predictions of a margin
    """
    margin = GrowingMargin(extend)

    def predict(matrix: Any, rounds: int) -> Array:
        return fitted.expand(link(margin(matrix, rounds)))

    return round_checkpoints(fitted.prepare, list(enumerate(seconds, 1)), predict, rounds)


class GrowingMargin:
    """The raw scores after increasing numbers of rounds; each call evaluates only the new trees.

    Truncating the model at every checkpoint would evaluate its first trees once per checkpoint.

    Parameters
    ----------
    extend : ``extend(matrix, margin, start, stop)`` returns the margin after `stop` rounds, given
        the margin after `start` rounds (None for 0)
    """

    def __init__(self, extend: Callable[[Any, Any, int, int], Any]) -> None:
        self._extend = extend
        self._matrix: Any = None
        self._margin: Any = None
        self._rounds = 0

    def __call__(self, matrix: Any, rounds: int) -> Any:
        """Return the margin of prepared rows after `rounds`."""
        if matrix is not self._matrix or rounds <= self._rounds:
            self._matrix, self._margin, self._rounds = matrix, None, 0
        self._margin = self._extend(matrix, self._margin, self._rounds, rounds)
        self._rounds = rounds
        return self._margin
