"""The two models of the page: a small textbook network and boosted trees, trained on MNIST."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from graduel.data import load_dataset
from graduel.glassbox.plain_data import Array
from graduel.glassbox.trees.tree_arrays import Forest, read_forest
from graduel.nn import Dense
from graduel.train.loop.training import Training
from graduel.train.recipes import NetRecipe


@dataclass(frozen=True, slots=True)
class DigitRecipe:
    """How the models of the page are trained: in seconds, and small enough to show completely.

    Attributes
    ----------
    net : the network's hyperparameters
    net_rows, tree_rows : numbers of training rows
    rounds, max_depth, learning_rate, max_bin : XGBoost's hyperparameters
    test_rows : number of test rows for the error rates
    examples : number of test digits in the page
    seed : seed of all randomness
    """

    net: NetRecipe = NetRecipe(
        layers=(64, 32), dropout=0.05, lr=3e-3, batch_size=64, epochs=8, weight_decay=0.01
    )
    net_rows: int = 20_000
    tree_rows: int = 12_000
    rounds: int = 30
    max_depth: int = 5
    learning_rate: float = 0.35
    max_bin: int = 16
    test_rows: int = 10_000
    examples: int = 60
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class DigitModels:
    """A trained network of dense layers with ReLU, boosted trees, and test digits.

    Attributes
    ----------
    W, b : the layers as in :mod:`graduel.nn.textbook`: shapes (n_out, n_in) and (n_out, 1)
    forest : the trees, one for each class and round, on pixels from 0 to 255
    pixels, labels : test digits, uint8 of shape (n, 784), and their classes
    net_error, tree_error : shares of wrong test rows
    recipe : how the models were trained
    """

    W: tuple[Array, ...]
    b: tuple[Array, ...]
    forest: Forest
    pixels: Array
    labels: Array
    net_error: float
    tree_error: float
    recipe: DigitRecipe


def train_digit_models(
    recipe: DigitRecipe | None = None, log: Callable[[str], Any] | None = None
) -> DigitModels:
    """Train the two models on MNIST; equal recipes give equal models on one machine.

    Parameters
    ----------
    recipe : how to train. Default: in about ten seconds
    log : takes a line of progress
    """
    recipe, log = recipe or DigitRecipe(), log or (lambda line: None)
    mnist = load_dataset("mnist")
    assert mnist.n_train is not None
    rows = np.random.default_rng(recipe.seed).permutation(mnist.n_train)
    test = slice(mnist.n_train, mnist.n_train + recipe.test_rows)
    X, y = mnist.table[test], mnist.y[test]
    log(f"training a network on {recipe.net_rows:,} digits")
    net_rows = rows[: recipe.net_rows]
    with threadpool_limits(1, user_api="blas"):  # the same sums on every machine of a kind
        rng = np.random.default_rng(recipe.seed)
        training = Training(recipe.net, mnist.table[net_rows], mnist.y[net_rows], 10, rng=rng)
        for _ in training.epochs():
            pass
        net_error = float(np.mean(training.predict_proba(X).argmax(axis=1) != y))
    W, b = [], []
    for i, layer in enumerate(training.network.layers):
        if isinstance(layer, Dense):
            theta = training.prediction_weights.theta
            W.append(training.network.layout[f"{i}.W"].view(theta).T.copy())
            b.append(training.network.layout[f"{i}.b"].view(theta)[:, np.newaxis].copy())
    log(f"training XGBoost on {recipe.tree_rows:,} digits")
    booster = _train_trees(recipe, mnist.table[rows[: recipe.tree_rows]], mnist.y[rows])
    p = np.asarray(booster.inplace_predict(X.astype(np.float32)))
    tree_error = float(np.mean(p.argmax(axis=1) != y))
    first = slice(0, recipe.examples)
    return DigitModels(
        tuple(W),
        tuple(b),
        read_forest(booster),
        X[first],
        y[first],
        net_error,
        tree_error,
        recipe,
    )


def _train_trees(recipe: DigitRecipe, X: Array, y: Array) -> Any:
    """Return a booster with one tree for each class and round, so that each can be shown."""
    import xgboost

    params = {
        "objective": "multi:softprob",
        "num_class": 10,
        "tree_method": "hist",
        "max_bin": recipe.max_bin,
        "max_depth": recipe.max_depth,
        "learning_rate": recipe.learning_rate,
        "colsample_bynode": 0.3,
        "nthread": 1,
        "seed": recipe.seed,
    }
    matrix = xgboost.DMatrix(X.astype(np.float32), label=y[: len(X)], nthread=1)
    return xgboost.train(params, matrix, num_boost_round=recipe.rounds)
