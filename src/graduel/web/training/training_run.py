"""A live training: a network, batch by batch, in a race with XGBoost, round by round.

Each contender has its own clock, which stops during validation. The contender with less training
time runs next, so that both curves advance together on the time axis.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np

from graduel import kernels
from graduel.errors import UserError
from graduel.nn import Dense, Dropout, Network, Weights
from graduel.train import Fit, Rows
from graduel.train.build.network_builder import check_recipe
from graduel.train.build.optimizer_builder import build_optimizer, build_schedule
from graduel.train.recipes import NetRecipe
from graduel.web.array_codec import Array
from graduel.web.training.boosting_run import BoostingRun
from graduel.web.training.layer_summary import summarize_layers

SUMMARY_ROWS = 256
"""Number of training rows for the layer summaries."""
VALIDATIONS = 5
"""Number of validations of the network per epoch."""


@dataclass(frozen=True, slots=True)
class ValidationPoint:
    """A contender's scores on the validation rows, with its step or round and training seconds."""

    contender: str
    step: int
    seconds: float
    train_loss: float
    valid_loss: float
    valid_error: float


class TrainingRun:
    """A network and a booster in training, one batch or one round at a time.

    Parameters
    ----------
    recipe : the network's recipe
    train, valid : prepared training and validation rows, each with class codes
    n_classes : the number of classes
    trees : an XGBoost training with the same validation rows; default: train the network only
    seed : seed of the network's randomness

    Raises
    ------
    UserError
        If the recipe is invalid.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(60, 2)).astype("float32")
    >>> rows = X, (X[:, 0] > 0).astype(int)
    >>> run = TrainingRun(NetRecipe(layers=(4,), epochs=2, batch_size=20), rows, rows, 2)
    >>> [run.advance() for _ in range(6)]
    ['net', 'net', 'net', 'net', 'net', 'net']
    >>> run.advance() is None, run.step
    (True, 6)
    """

    def __init__(
        self,
        recipe: NetRecipe,
        train: tuple[Array, Array],
        valid: tuple[Array, Array],
        n_classes: int,
        trees: BoostingRun | None = None,
        *,
        seed: int = 0,
    ) -> None:
        self.recipe, self.valid, self.trees = recipe, valid, trees
        X, y = train
        # The network always has dropout layers, so that the rate can change during training.
        network = check_recipe(
            replace(recipe, dropout=recipe.dropout or 0.5), X.shape[1], n_classes
        )
        optimizer: Any = build_optimizer(recipe)
        if not hasattr(optimizer, "update"):
            raise UserError(
                f"expected an optimizer that trains on mini-batches, such as adamw; got "
                f"{recipe.optimizer}"
            )
        self.fit = Fit(
            with_dropout(network, recipe.dropout),
            Rows.of(X),
            y,
            rng=np.random.default_rng(seed),
            optimizer=optimizer,
            lr=recipe.lr,
            schedule=build_schedule(recipe),
            epochs=recipe.epochs,
            batch_size=recipe.batch_size,
        )
        self._steps = self.fit.fit_steps()
        self.step, self.loss, self.t, self.epoch = 0, float("nan"), 0.0, 0
        self.seconds = {"net": 0.0, "trees": 0.0}
        self._smooth_loss = float("nan")
        rows = np.random.default_rng(seed).permutation(len(y))[:SUMMARY_ROWS]
        x = Rows.of(X[rows]).block(0, len(rows))
        self._summary_rows = x, y[rows].astype(np.intp)
        self._steps_per_point = max(1, -(-len(y) // recipe.batch_size) // VALIDATIONS)
        self._net_done = False

    def advance(self, contender: str | None = None) -> str | None:
        """Train one batch or round and return the contender; None if nothing is left to train.

        Without `contender` (``net`` or ``trees``), the contender with less training time is chosen.
        """
        trees_done = self.trees is None or self.trees.done
        if contender is None:
            if self._net_done and trees_done:
                return None
            behind = self.seconds["trees"] < self.seconds["net"]
            contender = "trees" if not trees_done and (behind or self._net_done) else "net"
        if (contender == "net" and self._net_done) or (contender == "trees" and trees_done):
            return None
        start = perf_counter() - kernels.setup_seconds()
        if contender == "trees":
            assert self.trees is not None
            self.trees.advance()
        else:
            step = next(self._steps)
            self.step, self.loss, self.t, self.epoch = step.step, step.loss, step.t, step.epoch
            first = self._smooth_loss != self._smooth_loss
            self._smooth_loss = step.loss if first else 0.9 * self._smooth_loss + 0.1 * step.loss
            self._net_done = step.step == self.fit.total_steps
        self.seconds[contender] += perf_counter() - kernels.setup_seconds() - start
        return contender

    def validate(self, contender: str) -> ValidationPoint:
        """Score a contender on the validation rows."""
        X, y = self.valid
        if contender == "trees":
            assert self.trees is not None
            p = self.trees.valid_proba()
            loss, step = float("nan"), self.trees.round
        else:
            p = self.fit.network.predict(X, self.fit.weights, rows=Rows.of(X).block)
            loss, step = self._smooth_loss, self.step
        p_true = np.clip(p[np.arange(len(y)), y].astype(float), 1e-15, 1)
        log_loss, error = float(-np.log(p_true).mean()), float(np.mean(p.argmax(axis=1) != y))
        return ValidationPoint(contender, step, self.seconds[contender], loss, log_loss, error)

    def is_due(self, contender: str) -> bool:
        """Return whether a validation is due after the contender's last step or round."""
        if contender == "trees":
            return True
        return self.step == 1 or self.step % self._steps_per_point == 0 or self._net_done

    def summarize_layers(self) -> list[dict[str, Any]]:
        """Return a summary of each dense layer, see :func:`.summarize_layers`."""
        return list(summarize_layers(self.fit.network, self.fit.weights, *self._summary_rows))

    def first_weights(self, max_units: int = 64) -> Array:
        """Return a copy of the first dense layer's weights, shape (n_units, n_inputs)."""
        path = next(
            f"{i}.W" for i, layer in enumerate(self.fit.network.layers) if isinstance(layer, Dense)
        )
        W = self.fit.network.layout[path].view(self.fit.weights.theta)
        return np.ascontiguousarray(W[:, :max_units].T)

    def snapshot(self) -> tuple[Network, Weights, Any]:
        """Return the network and copies of its weights and of the booster (None before round 1)."""
        booster = None if self.trees is None or not self.trees.round else self.trees.booster.copy()
        return self.fit.network, self.fit.weights.copy(), booster


def with_dropout(network: Network, rate: float) -> Network:
    """Return the network with a new rate in all dropout layers.

    >>> with_dropout(Network((Dense(2), Dropout(0.5)), (3,)), 0.1).layers[1]
    Dropout(rate=0.1, scheduled=False)
    """
    layers = tuple(
        replace(layer, rate=rate) if isinstance(layer, Dropout) else layer
        for layer in network.layers
    )
    return replace(network, layers=layers)
