"""The engine's network with a recipe, and an early choice of the best epoch."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from graduel.contenders.contender import (
    Array,
    Budget,
    Checkpoint,
    Clock,
    FittedContender,
    LabelledRows,
    Notify,
    Progress,
    error_rate,
)
from graduel.contenders.prepared_table import PreparedTable
from graduel.data.prepare.preparation import NetPreparation
from graduel.metrics.metric import get_metric, log_loss
from graduel.nn import Weights
from graduel.train.loop.training import BestEpoch, Training
from graduel.train.recipes import NetRecipe

POINTS = 10
"""How often the curve of images is sampled behind its first epochs: ten thousand test images are a
fair part of an epoch's work. Of tables every epoch is looked at."""
FIRST = 4


@dataclass(slots=True)
class FittedNet:
    """A network and the weights that were chosen."""

    training: Training
    weights: Weights
    ready: PreparedTable
    seconds: float = 0.0
    details: dict[str, Any] = field(default_factory=dict)

    def predict_proba(self, X: Any) -> Array:
        """Return float32 probabilities, shape (n, classes)."""
        return self.ready.answer(X, partial(self.training.predict_proba, weights=self.weights))

    def to_bytes(self) -> bytes:
        """Return θ, the state and the preparation."""
        arrays = self.weights.theta.tobytes() + self.weights.state.tobytes()
        return arrays + self.ready.to_bytes()


def start_training(
    recipe: NetRecipe, train: LabelledRows, rng: np.random.Generator
) -> tuple[PreparedTable, Training]:
    """Prepare the rows as the recipe asks for, and make its training on them."""
    preparation = None
    if train.columns:
        preparation = NetPreparation.fit(train.X, train.columns, **recipe.preparation)
    ready = PreparedTable(preparation)
    training = Training(
        recipe,
        ready(train.X),
        train.y,
        train.n_classes,
        rng=rng,
        image=train.image,
        inputs=preparation,
    )
    return ready, training


@dataclass(frozen=True, slots=True)
class Net:
    """A recipe's training; of all epochs the best on the validation rows."""

    recipe: NetRecipe = NetRecipe()
    name: str = "net"
    metric: str = "error"

    def fit(
        self,
        train: LabelledRows,
        valid: LabelledRows,
        *,
        rng: np.random.Generator,
        budget: Budget,
        notify: Notify,
    ) -> Generator[Checkpoint, None, FittedContender]:
        """Train the recipe's epochs; keep the one that is best by the metric.

        Validation rows are few, and many epochs make equally many errors on them: of those the
        one of the lowest log loss is kept.
        """
        clock, recipe = Clock(), self.recipe
        ready, training = start_training(recipe, train, rng)
        valid_X = ready(valid.X)
        metric = get_metric(self.metric)
        every = 1 if train.columns else max(1, recipe.epochs // POINTS)
        best, lowest = BestEpoch(training.answer.copy()), (np.inf, np.inf)
        for epoch in training.epochs():
            p = training.predict_proba(valid_X)
            error = error_rate(p, valid.y)
            loss = metric.loss(p, valid.y)
            training.observe(loss)
            found = (loss, log_loss(p, valid.y))
            if found < lowest:
                lowest = found
                best = BestEpoch(training.answer.copy(), epoch.epoch, error)
            seconds = clock.stop()
            enough = notify(Progress(epoch.t, seconds, best.error, lowest[0]))
            number, last = epoch.epoch, enough or epoch.epoch == recipe.epochs
            if number <= FIRST or number % every == 0 or last:
                yield Checkpoint(seconds, partial(ready.again, predict=training.predict_proba))
            clock.go()
            if enough:
                break
        ready.forget()
        details = {
            "best_epoch": best.epoch,
            "epochs": recipe.epochs,
            "valid_error": best.error,
            "parameters": training.network.layout.size,
        }
        return FittedNet(training, best.weights, ready, clock.stop(), details)
