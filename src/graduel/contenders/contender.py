"""What a contender is: something that learns from rows, under a budget, and shows how far it is."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from graduel.data.column import Column
from graduel.metrics.metric import is_misclassified

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class LabelledRows:
    """Some rows of a data set: features as they came, shape (n, features), and class codes."""

    X: Any
    y: Array
    n_classes: int
    image: tuple[int, int, int] | None = None
    """The shape (height, width, channels) of a row, where rows are images."""
    columns: tuple[Column, ...] = ()
    """What each column is, where X is a Polars DataFrame."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What each side may use, the same for all."""

    threads: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a fit is, for those who wait."""

    share: float
    """Of the work, from 0 to 1; an upper bound of the work where the fit may stop early."""
    seconds: float
    valid_error: float
    valid_loss: float | None = None
    """The leading metric on the validation rows as a loss, where the fit knows it by now."""
    trial: int | None = None
    """The number of the trial, where the fit is one of a tuning."""


Notify = Callable[[Progress], bool | None]
"""Told how far a fit is; answers True where the fit is to stop there and be used as it is."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The model after an epoch or a round; valid until the generator is asked for the next."""

    seconds: float
    """Of the contender's own clock, which stands still between checkpoints."""
    predict_proba: Callable[[Any], Array] | None
    """None where the model is still that of the checkpoint before."""


class FittedContender(Protocol):
    """A fitted model, as its contender chose it."""

    seconds: float
    details: dict[str, Any]

    def predict_proba(self, X: Any) -> Array:
        """Return float32 probabilities, shape (n, classes)."""
        ...

    def to_bytes(self) -> bytes:
        """Return the model's numbers: their length is its size, and equal bytes an equal model."""
        ...


class Contender(Protocol):
    """A model family with its recipe."""

    @property
    def name(self) -> str:
        """What it is called in a duel."""
        ...

    def fit(
        self,
        train: LabelledRows,
        valid: LabelledRows,
        *,
        rng: np.random.Generator,
        budget: Budget,
        notify: Notify,
    ) -> Generator[Checkpoint, None, FittedContender]:
        """Learn from `train`, choose on `valid`; yield by epoch or round, never by clock.

        Where `notify` answers True the fit ends with that epoch or round.
        """
        ...


class Clock:
    """A stopwatch of fitting alone: it stands still between ``stop`` and ``go``."""

    def __init__(self) -> None:
        self._before = 0.0
        self._since: float | None = perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds so far."""
        running = 0.0 if self._since is None else perf_counter() - self._since
        return self._before + running

    def stop(self) -> float:
        """Stand still; return the seconds so far."""
        self._before, self._since = self.seconds, None
        return self._before

    def go(self) -> None:
        """Run on."""
        self._since = perf_counter()


def error_rate(probabilities: Array, y: Array) -> float:
    """Share of rows whose most probable class is not the true one."""
    return float(is_misclassified(probabilities, y).mean())
