"""The engine's network with a recipe, and an early choice of the best epoch."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from graduel.duel.contenders.base import (
    Array,
    Budget,
    Checkpoint,
    Clock,
    Fitted,
    Part,
    Progress,
)
from graduel.nn import Weights
from graduel.recipes import NetRecipe
from graduel.train.training import Best, Training


@dataclass(slots=True)
class FittedNet:
    """A network and the weights that were chosen."""

    training: Training
    weights: Weights
    seconds: float = 0.0
    details: dict[str, Any] = field(default_factory=dict)

    def predict_proba(self, X: Array) -> Array:
        """Return float32 probabilities, shape (n, classes)."""
        return self.training.predict_proba(X, self.weights)

    def to_bytes(self) -> bytes:
        """Return θ and the state."""
        return self.weights.theta.tobytes() + self.weights.state.tobytes()


@dataclass(frozen=True, slots=True)
class Net:
    """A recipe's training; of all epochs the best on the validation rows."""

    recipe: NetRecipe = NetRecipe()
    name: str = "net"

    def fit(
        self,
        train: Part,
        valid: Part,
        *,
        rng: np.random.Generator,
        budget: Budget,
        notify: Callable[[Progress], None],
    ) -> Generator[Checkpoint, None, Fitted]:
        """Train the recipe's epochs; keep the epoch with the lowest validation error."""
        clock, recipe = Clock(), self.recipe
        training = Training(recipe, train.X, train.y, train.n_classes, rng=rng, image=train.image)
        best = Best(training.answer.copy())
        for epoch, _ in training.judged(valid.X, valid.y, best):
            seconds = clock.stop()
            notify(Progress(epoch.t, seconds, best.error))
            yield Checkpoint(seconds, training.predict_proba)
            clock.go()
        details = {
            "best_epoch": best.epoch,
            "epochs": recipe.epochs,
            "valid_error": best.error,
            "parameters": training.network.layout.size,
        }
        return FittedNet(training, best.weights, clock.stop(), details)
