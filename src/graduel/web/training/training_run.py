"""One training that is watched: a network's batches and XGBoost's rounds on the same axis.

The axis is seconds of each contender's own clock. Whoever has used less of it goes next, so that
both curves grow together; the clocks stand still while either is judged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.errors import UserError
from graduel.nn import Dense, Dropout, Network, Weights
from graduel.train import DivergedError, Fit, Rows
from graduel.train.build.network_builder import check_recipe
from graduel.train.build.optimizer_builder import build_optimizer, build_schedule
from graduel.train.recipes import NetRecipe

Array = NDArray[Any]

PROBE = 256
"""Rows on which layers are looked at."""
JUDGED = 5
"""How often in an epoch the validation rows are asked."""


@dataclass(frozen=True, slots=True, eq=False)
class TrainingData:
    """Some rows: as the network takes them, as the trees take them, and their class codes."""

    net: Array
    trees: Array
    y: Array


@dataclass(frozen=True, slots=True)
class Point:
    """How a contender stands: after so many steps or rounds, and so many of its own seconds."""

    who: str
    step: int
    seconds: float
    train_loss: float
    valid_loss: float
    valid_error: float


@dataclass(frozen=True, slots=True)
class TreeSettings:
    """XGBoost's side of the race: one tree a class and round, so that each can be looked at."""

    rounds: int = 40
    learning_rate: float = 0.3
    max_depth: int = 5
    max_bin: int = 32
    colsample_bynode: float = 0.3


class TrainingRun:
    """A network and a booster on their way, a batch or a round at a time.

    Parameters
    ----------
    recipe : the network and its training
    trees : XGBoost's settings; None to train the network alone
    train, valid : rows to learn from, and to be judged on
    n_classes : how many classes there are
    feature_types, feature_names : of the trees' columns, where they are a table's
    seed : all randomness comes from it
    threads : for XGBoost

    Raises
    ------
    UserError
        If something in the recipe does not fit.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(60, 2)).astype("float32")
    >>> rows = TrainingData(X, X, (X[:, 0] > 0).astype(int))
    >>> live = TrainingRun(NetRecipe(layers=(4,), epochs=2, batch_size=20), None, rows, rows, 2)
    >>> [live.advance() for _ in range(6)]
    ['net', 'net', 'net', 'net', 'net', 'net']
    >>> live.advance() is None, live.step
    (True, 6)
    """

    def __init__(
        self,
        recipe: NetRecipe,
        trees: TreeSettings | None,
        train: TrainingData,
        valid: TrainingData,
        n_classes: int,
        *,
        feature_types: list[str] | None = None,
        feature_names: list[str] | None = None,
        seed: int = 0,
        threads: int = 1,
    ) -> None:
        self.recipe, self.valid, self.n_classes = recipe, valid, n_classes
        rng = np.random.default_rng(seed)
        # A layer for dropout is always there, so that its rate can change in mid-run.
        network = check_recipe(
            replace(recipe, dropout=recipe.dropout or 0.5), train.net.shape[1], n_classes
        )
        network = with_dropout(network, recipe.dropout)
        optimizer: Any = build_optimizer(recipe)
        if not hasattr(optimizer, "update"):
            raise UserError(
                f"optimizer={recipe.optimizer} goes over all rows at once; here batches are "
                "watched. Take another, such as adamw"
            )
        self.fit = Fit(
            network,
            Rows.of(train.net),
            train.y,
            rng=rng,
            optimizer=optimizer,
            lr=recipe.lr,
            schedule=build_schedule(recipe),
            epochs=recipe.epochs,
            batch_size=recipe.batch_size,
        )
        self._steps = self.fit.fit_steps()
        self.step, self.loss, self.t, self.epoch = 0, float("nan"), 0.0, 0
        self.seconds = {"net": 0.0, "trees": 0.0}
        self._smooth = float("nan")
        pick = np.random.default_rng(seed).permutation(len(train.y))[:PROBE]
        self._probe = Rows.of(train.net[pick]).block(0, len(pick)), train.y[pick].astype(np.intp)
        self._judge_every = max(1, -(-len(train.y) // recipe.batch_size) // JUDGED)
        self._net_done = False
        self.trees = None
        if trees is not None:
            self.trees = BoostingRun(
                trees,
                train,
                valid,
                n_classes,
                feature_types=feature_types,
                feature_names=feature_names,
                seed=seed,
                threads=threads,
            )

    @property
    def total_steps(self) -> int:
        """Batches of the whole training."""
        return self.fit.total_steps

    def advance(self, who: str | None = None) -> str | None:
        """Do one batch or one round, by whoever has used less time; return by whom.

        `who` asks for one of them. None comes back when there is nothing left to do.
        """
        trees_done = self.trees is None or self.trees.done
        if who is None:
            if self._net_done and trees_done:
                return None
            behind = self.seconds["trees"] < self.seconds["net"]
            who = "trees" if not trees_done and (behind or self._net_done) else "net"
        if (who == "net" and self._net_done) or (who == "trees" and trees_done):
            return None
        start = perf_counter()
        if who == "trees":
            assert self.trees is not None
            self.trees.advance()
        else:
            step = next(self._steps)
            self.step, self.loss, self.t, self.epoch = step.step, step.loss, step.t, step.epoch
            first = self._smooth != self._smooth
            self._smooth = step.loss if first else 0.9 * self._smooth + 0.1 * step.loss
            self._net_done = step.step == self.total_steps
        self.seconds[who] += perf_counter() - start
        return who

    def point(self, who: str) -> Point:
        """Judge a contender on the validation rows."""
        if who == "trees":
            assert self.trees is not None
            p = self.trees.valid_proba()
            loss = float("nan")
            step = self.trees.round
        else:
            p = self.fit.network.predict(
                self.valid.net, self.fit.weights, rows=Rows.of(self.valid.net).block
            )
            loss, step = self._smooth, self.step
        y = self.valid.y
        right = np.clip(p[np.arange(len(y)), y].astype(float), 1e-15, 1)
        error = float(np.mean(p.argmax(axis=1) != y))
        return Point(who, step, self.seconds[who], loss, float(-np.log(right).mean()), error)

    def due(self, who: str) -> bool:
        """Tell whether the contender is to be judged after what it did last."""
        if who == "trees":
            return True
        return self.step == 1 or self.step % self._judge_every == 0 or self._net_done

    def set_rate(self, lr: float) -> None:
        """Go on with another learning rate."""
        self.fit.lr = lr

    def set_dropout(self, rate: float) -> None:
        """Go on with another share of dropped neurons."""
        self.fit.network = with_dropout(self.fit.network, rate)

    def layers(self) -> list[dict[str, Any]]:
        """Return what each dense layer does on some training rows: see :func:`describe_layers`."""
        return list(describe_layers(self.fit.network, self.fit.weights, *self._probe))

    def first_weights(self, most: int = 64) -> Array:
        """Return the weights of the first layer's neurons, shape (neurons, inputs), a copy."""
        first = next(
            f"{i}.W" for i, layer in enumerate(self.fit.network.layers) if isinstance(layer, Dense)
        )
        W = self.fit.network.layout[first].view(self.fit.weights.theta)
        return np.ascontiguousarray(W[:, :most].T)

    def snapshot(self) -> tuple[Network, Weights, Any]:
        """Return network, a copy of its weights, and a copy of the booster so far or None."""
        booster = None if self.trees is None or not self.trees.round else self.trees.booster.copy()
        return self.fit.network, self.fit.weights.copy(), booster


class BoostingRun:
    """XGBoost, a round at a time."""

    def __init__(
        self,
        settings: TreeSettings,
        train: TrainingData,
        valid: TrainingData,
        n_classes: int,
        *,
        feature_types: list[str] | None,
        feature_names: list[str] | None,
        seed: int,
        threads: int,
    ) -> None:
        import xgboost

        self.settings, self.n_classes, self.round = settings, n_classes, 0
        given: dict[str, Any] = {"nthread": threads}
        if feature_types is not None:
            given |= {"feature_types": feature_types, "feature_names": feature_names}
            given["enable_categorical"] = True
        self._train = xgboost.QuantileDMatrix(
            train.trees, label=train.y, max_bin=settings.max_bin, **given
        )
        self._valid = xgboost.DMatrix(valid.trees, **given)
        binary = n_classes == 2
        params: dict[str, Any] = {
            "objective": "binary:logistic" if binary else "multi:softprob",
            "tree_method": "hist",
            "max_bin": settings.max_bin,
            "max_depth": settings.max_depth,
            "learning_rate": settings.learning_rate,
            "colsample_bynode": settings.colsample_bynode,
            "nthread": threads,
            "seed": seed,
            "disable_default_eval_metric": True,
        }
        if not binary:
            params["num_class"] = n_classes
        self.booster = xgboost.Booster(params, cache=[self._train, self._valid])

    @property
    def done(self) -> bool:
        """Whether every round is boosted."""
        return self.round >= self.settings.rounds

    def advance(self) -> None:
        """Boost one round."""
        self.booster.update(self._train, self.round)
        self.round += 1

    def valid_proba(self) -> Array:
        """Return the probabilities of the validation rows, shape (n, classes)."""
        p = np.asarray(self.booster.predict(self._valid))
        return np.stack([1 - p, p], axis=1) if p.ndim == 1 else p


def with_dropout(network: Network, rate: float) -> Network:
    """Return the network with another rate in every dropout layer.

    >>> with_dropout(Network((Dense(2), Dropout(0.5)), (3,)), 0.1).layers[1]
    Dropout(rate=0.1, falls=False)
    """
    layers = tuple(
        replace(layer, rate=rate) if isinstance(layer, Dropout) else layer
        for layer in network.layers
    )
    return replace(network, layers=layers)


BINS = 30


def describe_layers(
    network: Network, weights: Weights, x: Array, y: Array
) -> Iterator[dict[str, Any]]:
    """Yield, for each dense layer, histograms of its activations and gradients, and its dead.

    Activations are what the layer hands on, behind its activation function; gradients are those
    of its weights, dW, on these rows, as log10 of their size. A neuron is dead that hands on
    nothing (0) for every row.
    """
    from graduel.nn import Call

    seen: dict[int, Array] = {}

    def watch(name: str, way: str, array: Array) -> None:
        if way == "forward" and name.isdigit():
            seen[int(name)] = array.copy()

    workspace = network.workspace(weights)
    network.loss_and_gradient(x, y, workspace, Call(watch=watch))
    assert workspace.gradient is not None
    dense = [i for i, layer in enumerate(network.layers) if isinstance(layer, Dense)]
    for here, following in zip(dense, [*dense[1:], len(network.layers)], strict=True):
        handed_on = seen[following - 1]
        last = following == len(network.layers)
        dW = network.layout[f"{here}.W"].view(workspace.gradient)
        size = np.log10(np.maximum(np.abs(dW), 1e-12))
        dead = 0 if last else int(np.all(handed_on == 0, axis=0).sum())
        yield {
            "layer": here,
            "units": int(dW.shape[1]),
            "output": last,
            "activations": histogram(handed_on),
            "gradients": histogram(size, -8.0, 1.0),
            "gradient_norm": float(np.linalg.norm(dW)),
            "dead": dead,
        }


def histogram(values: Array, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    """Return counts in equal bins; what lies outside the given range counts at its ends.

    >>> histogram(np.array([0.0, 1.0, 2.0]), 0, 1)["counts"][-1]
    2
    """
    low = float(values.min()) if low is None else low
    high = float(values.max()) if high is None else high
    if not high > low:
        high = low + 1.0
    counts, _ = np.histogram(np.clip(values, low, high), BINS, (low, high))
    return {"low": low, "high": high, "counts": [int(n) for n in counts]}


__all__ = [
    "BoostingRun",
    "DivergedError",
    "Point",
    "TrainingData",
    "TrainingRun",
    "TreeSettings",
    "describe_layers",
]
