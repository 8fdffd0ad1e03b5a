"""Settings of a fit, its epochs, and the history that a warm start continues."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from typing import Any

from graduel.nn import Weights
from graduel.train.loop.virtual_adversarial import VirtualAdversarial


@dataclass(frozen=True, slots=True)
class FitEpoch:
    """One completed epoch of a fit, or one iteration of L-BFGS."""

    epoch: int
    """The number of epochs of this fit so far."""
    loss: float
    """The training loss: mean over the batches, with the L2 penalty."""
    validation_loss: float | None
    """The loss on the validation rows, without penalty; None without validation rows."""
    validation_score: float | None
    """The score on the validation rows; None without validation rows."""
    learning_rate: float
    """The learning rate at the start of the epoch."""


@dataclass(slots=True)
class FitHistory:
    """Losses, scores and the best epoch so far, which a warm start continues."""

    losses: list[float] = field(default_factory=list)
    validation_losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    best_loss: float = inf
    best_score: float = -inf
    best: Weights | None = None
    """The weights of the epoch with the best score."""
    stalled: int = 0
    """The number of consecutive epochs without improvement."""
    seen: int = 0
    """The number of rows seen in training, counted in every epoch."""


Validation = Callable[[Weights], tuple[float, float]]
"""Function from weights to loss and score of the validation rows."""


@dataclass(slots=True)
class FitSettings:
    """The parameters of an estimator for training, as objects."""

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
    smoothness: VirtualAdversarial | None = None
