"""One fit under way: its rows, its clock, and how it reports progress and yields checkpoints."""

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
from graduel.metrics.metric import Metric, log_loss
from graduel.metrics.probabilities import softmax

CHECKPOINTS = 50
"""Points of a booster's curve over all of its rounds."""


class Clock:
    """A stopwatch of fitting alone: it does not run between ``stop`` and ``go``.

    Nor does it run while kernels are loaded or compiled, which happens once and is no training.
    """

    def __init__(self) -> None:
        self._before = 0.0
        self._since: float | None = _now()

    @property
    def seconds(self) -> float:
        """Seconds so far."""
        running = 0.0 if self._since is None else _now() - self._since
        return self._before + running

    def stop(self) -> float:
        """Stop; return the seconds so far."""
        self._before, self._since = self.seconds, None
        return self._before

    def go(self) -> None:
        """Run on."""
        self._since = _now()


def _now() -> float:
    return perf_counter() - kernels.setup_seconds()


@dataclass(frozen=True, slots=True, eq=False)
class FitJob:
    """What a family's ``fit`` works with.

    Attributes
    ----------
    train, valid : training and validation rows
    rng : the only source of randomness
    budget : threads
    notify : receives the progress; returns True to stop the fit
    metric : the leading metric
    clock : runs from the beginning of the fit
    """

    train: LabelledRows
    valid: LabelledRows
    rng: np.random.Generator
    budget: Budget
    notify: Notify
    metric: Metric
    clock: Clock = field(default_factory=Clock)

    def draw_seed(self) -> int:
        """Return a seed for a library that takes whole numbers."""
        return int(self.rng.integers(2**31))

    def evaluate(self, p: Array, y: Array | None = None) -> tuple[float, float]:
        """Return error and loss (by the leading metric) of probabilities of the validation rows."""
        y = self.valid.y if y is None else y
        return error_rate(p, y), self.metric.loss(p, y)

    def losses(self, p: Array, y: Array) -> tuple[float, float]:
        """Return what a best epoch is selected by: the metric's loss; among equals, log loss.

        Validation rows are few, and many epochs make equally many errors on them.
        """
        return self.metric.loss(p, y), log_loss(p, y)

    def select_known(self, matrix: Any) -> tuple[Any, Array]:
        """Return the prepared validation rows whose class occurs among the training rows."""
        known = np.isin(self.valid.y, self.train.y)
        return (matrix, self.valid.y) if known.all() else (matrix[known], self.valid.y[known])

    def report(self, share: float, seconds: float, error: float, loss: float) -> bool:
        """Report progress; return whether the fit is to stop."""
        return bool(self.notify(Progress(share, seconds, error, loss)))

    def checkpoint(
        self,
        share: float,
        error: float,
        loss: float,
        predict: Callable[[Any], Array],
        *,
        skip: bool = False,
    ) -> Generator[Checkpoint, None, bool]:
        """Report progress and yield a checkpoint while the clock is stopped.

        With `skip` only a fit that stops here yields one. Returns whether the fit is to stop.
        """
        seconds = self.clock.stop()
        stop = self.report(share, seconds, error, loss)
        if stop or not skip:
            yield Checkpoint(seconds, predict)
        self.clock.go()
        return stop


def round_checkpoints(
    prepare: PreparedTable,
    points: Sequence[tuple[int, float]],
    predict: Callable[..., Array],
    rounds: int,
) -> Iterator[Checkpoint]:
    """Yield checkpoints of a booster that was fitted in one go, cut after some of its rounds.

    Parameters
    ----------
    prepare : prepares the rows
    points : numbers of rounds, from 1, and the seconds after each
    predict : from prepared rows and `rounds` to probabilities
    rounds : of the recipe; they have some :data:`CHECKPOINTS`, and the last round has one
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
) -> Iterator[Checkpoint]:
    """Yield the checkpoints of a :class:`FittedEstimator` whose trees add up to a margin.

    Parameters
    ----------
    fitted : the booster
    seconds : after each of its rounds
    rounds : of the recipe
    extend : see :class:`GrowingMargin`
    """
    margin = GrowingMargin(extend)

    def predict(matrix: Any, rounds: int) -> Array:
        return fitted.expand(softmax(margin(matrix, rounds)))

    return round_checkpoints(fitted.prepare, list(enumerate(seconds, 1)), predict, rounds)


class GrowingMargin:
    """Raw scores after more and more rounds: only the new trees of each step are evaluated.

    A model cut at every checkpoint would evaluate its first trees again and again.

    Parameters
    ----------
    extend : from prepared rows, their margin so far (None at first), the rounds that it contains
        and the rounds that it shall contain, to the new margin
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
