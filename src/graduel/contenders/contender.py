"""The contender protocol: a model family with its recipe, fitted on rows under a budget."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from graduel.data.column import Column
from graduel.data.dataset import Dataset
from graduel.data.task import TaskKind
from graduel.metrics.metric import is_misclassified

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class LabelledRows:
    """Rows of a dataset: raw features `(n_rows, n_features)` and targets `(n_rows,)`."""

    X: Any
    y: Array
    """Class codes, or numbers of type float64."""
    n_classes: int
    """Number of classes; 0 if the targets are numbers."""
    image: tuple[int, int, int] | None = None
    """Shape (height, width, channels) of one image; None for other data."""
    columns: tuple[Column, ...] = ()
    """Name and type of each column if X is a Polars DataFrame."""
    log_target: bool = False
    """Whether contenders predict the logarithm of the targets."""

    @classmethod
    def of(cls, dataset: Dataset, rows: Array) -> LabelledRows:
        """Return some rows of a data set."""
        return cls(
            dataset.table[rows],
            dataset.y[rows],
            len(dataset.classes),
            dataset.image,
            dataset.columns,
            dataset.log_target,
        )

    @property
    def task(self) -> TaskKind:
        """The kind of target."""
        return "classification" if self.n_classes else "regression"


@dataclass(frozen=True, slots=True)
class Budget:
    """Resources of a fit, the same for all contenders."""

    threads: int


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a fit."""

    share: float
    """Share of the work done, from 0 to 1; of the maximum if the fit may stop early."""
    seconds: float
    valid_error: float
    """Share of misclassified validation rows; in a regression, the RMSE."""
    valid_loss: float | None = None
    """Leading metric on the validation rows as a loss; None if the fit does not compute it."""
    trial: int | None = None
    """Number of the trial if the fit is part of a hyperparameter search."""
    selection: tuple[str, float] | None = None
    """The metric by which the epoch or round is selected, and its loss on the validation rows."""


Notify = Callable[[Progress], bool | None]
"""Callback for the progress of a fit; returns True to stop the fit and keep the current model."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The model after an epoch or boosting round; valid until the generator is advanced."""

    seconds: float
    """Fitting time so far. The clock is stopped while a checkpoint is evaluated."""
    predict_proba: Callable[[Any], Array] | None
    """None if the model is the same as at the previous checkpoint."""


class FittedContender(Protocol):
    """A fitted model: the epoch, round or trial that its contender selected."""

    seconds: float
    details: dict[str, Any]

    def predict_proba(self, X: Any) -> Array:
        """Return the predictions of raw features.

        They are float32 class probabilities `(n_rows, n_classes)`, or in a regression the predicted
        numbers, float64 `(n_rows, 1)`.
        """
        ...

    def to_bytes(self) -> bytes:
        """Return the serialized model: its length is the size, equal models give equal bytes."""
        ...


Fitting = Generator[Checkpoint, None, FittedContender]
"""A running fit: yields a checkpoint per epoch or round and returns the fitted model."""


def finish_fit(fitting: Fitting) -> FittedContender:
    """Run a fit to the end, ignore its checkpoints and return the fitted model."""
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
        """The name in a duel."""
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
        """Fit on `train`, select on `valid`; yield after epochs or rounds, never by the clock.

        If `notify` returns True, the fit ends with that epoch or round.
        """
        ...


class TunableContender(Contender, Protocol):
    """A contender whose hyperparameters can be read and changed by name."""

    @property
    def recipe(self) -> Any:
        """The hyperparameters, a frozen dataclass."""
        ...

    def get_parameter(self, name: str) -> Any:
        """Return the value of a hyperparameter."""
        ...

    def with_parameters(self, params: Mapping[str, Any]) -> TunableContender:
        """Return a copy of the contender with some hyperparameters replaced."""
        ...


def error_rate(probabilities: Array, y: Array) -> float:
    """Return the share of misclassified rows."""
    return float(is_misclassified(probabilities, y).mean())
