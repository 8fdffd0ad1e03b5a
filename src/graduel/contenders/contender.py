"""What a contender is: a model family with its recipe, fitted on rows under a budget."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from graduel.data.column import Column
from graduel.metrics.metric import is_misclassified

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class LabelledRows:
    """Some rows of a dataset: raw features, shape (n, features), and class codes, shape (n,)."""

    X: Any
    y: Array
    n_classes: int
    image: tuple[int, int, int] | None = None
    """The shape (height, width, channels) of a row, where rows are images."""
    columns: tuple[Column, ...] = ()
    """Name and type of each column, where X is a Polars DataFrame."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Resources of each contender, the same for all."""

    threads: int


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of a fit."""

    share: float
    """Of the work, from 0 to 1; of its upper bound where the fit may stop early."""
    seconds: float
    valid_error: float
    valid_loss: float | None = None
    """The leading metric on the validation rows as a loss, where the fit knows it."""
    trial: int | None = None
    """Number of the trial, where the fit belongs to a hyperparameter search."""


Notify = Callable[[Progress], bool | None]
"""Receives the progress of a fit; returns True to stop the fit and use the model as it is."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The model after an epoch or a round; valid until the generator is advanced."""

    seconds: float
    """On the contender's own clock, which is stopped between checkpoints."""
    predict_proba: Callable[[Any], Array] | None
    """None where the model is still that of the previous checkpoint."""


class FittedContender(Protocol):
    """A fitted model, as its contender selected it."""

    seconds: float
    details: dict[str, Any]

    def predict_proba(self, X: Any) -> Array:
        """Return float32 probabilities, shape (n, n_classes), of raw features."""
        ...

    def to_bytes(self) -> bytes:
        """Return the model's numbers: their length is its size, and equal bytes an equal model."""
        ...


Fitting = Generator[Checkpoint, None, FittedContender]
"""A fit under way: it yields checkpoints by epoch or round and returns the fitted model."""


def finish_fit(fitting: Fitting) -> FittedContender:
    """Run a fit to its end, ignoring its checkpoints; return the fitted model."""
    while True:
        try:
            next(fitting)
        except StopIteration as end:
            fitted: FittedContender = end.value
            return fitted


class Contender(Protocol):
    """A model family with its recipe."""

    @property
    def name(self) -> str:
        """Name in a duel."""
        ...

    def fit(
        self,
        train: LabelledRows,
        valid: LabelledRows,
        *,
        rng: np.random.Generator,
        budget: Budget,
        notify: Notify,
    ) -> Fitting:
        """Fit on `train`, select on `valid`; yield by epoch or round, never by clock.

        Where `notify` returns True the fit ends with that epoch or round.
        """
        ...


class TunableContender(Contender, Protocol):
    """A contender whose hyperparameters can be read and changed by name."""

    @property
    def recipe(self) -> Any:
        """Its hyperparameters, a frozen dataclass."""
        ...

    def get_parameter(self, name: str) -> Any:
        """Return the value of a hyperparameter."""
        ...

    def with_parameters(self, params: Mapping[str, Any]) -> TunableContender:
        """Return a contender with other values of some hyperparameters."""
        ...


def error_rate(probabilities: Array, y: Array) -> float:
    """Return the share of rows whose most probable class is not the true one."""
    return float(is_misclassified(probabilities, y).mean())
