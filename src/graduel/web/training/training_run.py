"""A training that clients watch: a network's batches and XGBoost's rounds on the same axis.

The axis is seconds of each contender's own clock. The contender that has used less goes next, so
that both curves grow together; the clocks stand still during validation.
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
"""Training rows on which layers are summarized."""
VALIDATIONS = 5
"""Validations of the network in each epoch."""


@dataclass(frozen=True, slots=True)
class ValidationPoint:
    """A contender's scores after some steps or rounds, and the seconds of its own clock."""

    who: str
    step: int
    seconds: float
    train_loss: float
    valid_loss: float
    valid_error: float


class TrainingRun:
    """A network and a booster in training, a batch or a round at a time.

    Parameters
    ----------
    recipe : the network and its training
    train, valid : training and validation rows as the network takes them, and their class codes
    n_classes : the number of classes
    trees : XGBoost, with the same validation rows; None to train the network alone
    seed : all randomness of the network comes from it

    Raises
    ------
    UserError
        If something in the recipe does not fit.

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
        # A layer for dropout is always there, so that its rate can change in mid-run.
        network = check_recipe(
            replace(recipe, dropout=recipe.dropout or 0.5), X.shape[1], n_classes
        )
        optimizer: Any = build_optimizer(recipe)
        if not hasattr(optimizer, "update"):
            raise UserError(
                f"optimizer={recipe.optimizer} takes all rows at once; here every batch is "
                "watched. Take another, such as adamw"
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

    def advance(self, who: str | None = None) -> str | None:
        """Do one batch or one round, of the contender that has used less time, and return which.

        `who` (``net`` or ``trees``) chooses the contender. The result is None when nothing is left
        to do.
        """
        trees_done = self.trees is None or self.trees.done
        if who is None:
            if self._net_done and trees_done:
                return None
            behind = self.seconds["trees"] < self.seconds["net"]
            who = "trees" if not trees_done and (behind or self._net_done) else "net"
        if (who == "net" and self._net_done) or (who == "trees" and trees_done):
            return None
        start = perf_counter() - kernels.setup_seconds()
        if who == "trees":
            assert self.trees is not None
            self.trees.advance()
        else:
            step = next(self._steps)
            self.step, self.loss, self.t, self.epoch = step.step, step.loss, step.t, step.epoch
            first = self._smooth_loss != self._smooth_loss
            self._smooth_loss = step.loss if first else 0.9 * self._smooth_loss + 0.1 * step.loss
            self._net_done = step.step == self.fit.total_steps
        self.seconds[who] += perf_counter() - kernels.setup_seconds() - start
        return who

    def validate(self, who: str) -> ValidationPoint:
        """Score a contender on the validation rows."""
        X, y = self.valid
        if who == "trees":
            assert self.trees is not None
            p = self.trees.valid_proba()
            loss, step = float("nan"), self.trees.round
        else:
            p = self.fit.network.predict(X, self.fit.weights, rows=Rows.of(X).block)
            loss, step = self._smooth_loss, self.step
        p_true = np.clip(p[np.arange(len(y)), y].astype(float), 1e-15, 1)
        log_loss, error = float(-np.log(p_true).mean()), float(np.mean(p.argmax(axis=1) != y))
        return ValidationPoint(who, step, self.seconds[who], loss, log_loss, error)

    def is_due(self, who: str) -> bool:
        """Return whether the contender is to be validated after its last step or round."""
        if who == "trees":
            return True
        return self.step == 1 or self.step % self._steps_per_point == 0 or self._net_done

    def summarize_layers(self) -> list[dict[str, Any]]:
        """Return a summary of each dense layer: see :func:`.summarize_layers`."""
        return list(summarize_layers(self.fit.network, self.fit.weights, *self._summary_rows))

    def first_weights(self, max_units: int = 64) -> Array:
        """Return the weights of the first dense layer, shape (units, inputs), a copy."""
        path = next(
            f"{i}.W" for i, layer in enumerate(self.fit.network.layers) if isinstance(layer, Dense)
        )
        W = self.fit.network.layout[path].view(self.fit.weights.theta)
        return np.ascontiguousarray(W[:, :max_units].T)

    def snapshot(self) -> tuple[Network, Weights, Any]:
        """Return the network, a copy of its weights, and a copy of the booster so far or None."""
        booster = None if self.trees is None or not self.trees.round else self.trees.booster.copy()
        return self.fit.network, self.fit.weights.copy(), booster


def with_dropout(network: Network, rate: float) -> Network:
    """Return the network with another rate in every dropout layer.

    >>> with_dropout(Network((Dense(2), Dropout(0.5)), (3,)), 0.1).layers[1]
    Dropout(rate=0.1, scheduled=False)
    """
    layers = tuple(
        replace(layer, rate=rate) if isinstance(layer, Dropout) else layer
        for layer in network.layers
    )
    return replace(network, layers=layers)
