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
    error_rate,
    scale_of,
)
from graduel.nn import Dense, Dropout, Layer, Network, ReLU, Tanh, Weights
from graduel.optim import SGD, AdamW, Constant, Cosine, Optimizer, Schedule, WarmUp
from graduel.recipes import NetRecipe
from graduel.train import Fit, Rows

ACTIVATIONS: dict[str, Callable[[], Layer]] = {"relu": ReLU, "tanh": Tanh}
SCHEDULES: dict[str, Schedule] = {"cosine": Cosine(), "constant": Constant()}
OPTIMIZERS: dict[str, Callable[[NetRecipe], Optimizer]] = {
    "adamw": lambda recipe: AdamW(weight_decay=recipe.weight_decay),
    "sgd": lambda recipe: SGD(momentum=recipe.momentum, weight_decay=recipe.weight_decay),
}


def build(recipe: NetRecipe, n_in: int, n_out: int) -> Network:
    """Make the network: Dense, activation and dropout for each hidden layer, Dense at the end."""
    layers: list[Layer] = []
    for units in recipe.layers:
        layers += [Dense(units), ACTIVATIONS[recipe.activation]()]
        if recipe.dropout:
            layers.append(Dropout(recipe.dropout))
    return Network((*layers, Dense(n_out)), (n_in,))


def rows_of(X: Array) -> Rows:
    """Read uint8 pixels as numbers between 0 and 1; other numbers as they are."""
    return Rows(X, scale_of(X))


@dataclass(slots=True)
class FittedNet:
    """A network and the weights that were chosen."""

    network: Network
    weights: Weights
    seconds: float = 0.0
    details: dict[str, Any] = field(default_factory=dict)

    def predict_proba(self, X: Array) -> Array:
        """Return float32 probabilities, shape (n, classes)."""
        return self.network.predict(X, self.weights, rows=rows_of(X).block)

    def to_bytes(self) -> bytes:
        """Return θ and the state."""
        return self.weights.theta.tobytes() + self.weights.state.tobytes()


@dataclass(frozen=True, slots=True)
class Net:
    """Mini-batches, dropout, a schedule; of all epochs the best on the validation rows."""

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
        network = build(recipe, train.X.shape[1], train.n_classes)
        fit = Fit(
            network,
            rows_of(train.X),
            train.y,
            rng=rng,
            optimizer=OPTIMIZERS[recipe.optimizer](recipe),
            lr=recipe.lr,
            schedule=WarmUp(recipe.warmup, SCHEDULES[recipe.schedule]),
            epochs=recipe.epochs,
            batch_size=recipe.batch_size,
        )
        best, best_epoch, best_error = fit.weights.copy(), 0, float("inf")
        now = FittedNet(network, fit.weights)
        for epoch in fit.fit_iter():
            error = error_rate(now.predict_proba(valid.X), valid.y)
            if error < best_error:
                best, best_epoch, best_error = fit.weights.copy(), epoch.epoch, error
            seconds = clock.stop()
            notify(Progress(epoch.t, seconds, best_error))
            yield Checkpoint(seconds, now.predict_proba)
            clock.go()
        details = {"best_epoch": best_epoch, "epochs": recipe.epochs, "valid_error": best_error}
        return FittedNet(network, best, clock.stop(), details)
