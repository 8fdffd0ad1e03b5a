"""The settings of a fit, an epoch of it, and the history that a warm start continues."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from typing import Any

from graduel.nn import Weights


@dataclass(frozen=True, slots=True)
class FitEpoch:
    """One completed epoch of a fit; of L-BFGS, one iteration."""

    epoch: int
    """Epochs of this fit so far."""
    loss: float
    """The training loss, the mean over the epoch's batches, with the L2 penalty."""
    validation_loss: float | None
    """The loss on the validation rows, without penalty; None if there are none."""
    validation_score: float | None
    """Their score; None if there are none."""
    learning_rate: float
    """The rate that the epoch began with."""


@dataclass(slots=True)
class FitHistory:
    """The history that a warm start continues."""

    losses: list[float] = field(default_factory=list)
    validation_losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    best_loss: float = inf
    best_score: float = -inf
    best: Weights | None = None
    """The weights of the epoch with the best score."""
    stalled: int = 0
    """Epochs in a row without gain."""
    seen: int = 0
    """Rows seen in training, each as often as it was."""


Validation = Callable[[Weights], tuple[float, float]]
"""Weights → loss and score of the validation rows."""


@dataclass(slots=True)
class FitSettings:
    """The settings of a training: an estimator's parameters as objects."""

    rule: Any
    lr: float
    schedule: Callable[[float], float]
    sklearn_rule: str
    power_t: float
    epochs: int
    batch_size: int
    penalty: float
    max_evaluations: int
    tol: float
    patience: float
    early_stopping: bool
    ema: float
