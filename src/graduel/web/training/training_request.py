"""A training's data and settings made into what trains, and into what answers afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from numpy.typing import NDArray

from graduel.data import Dataset, NetPreparation, TreePreparation
from graduel.data.schema import Schema
from graduel.nn import Network, Weights
from graduel.train.recipes import NetRecipe
from graduel.web.http_error import ClientError
from graduel.web.limits import Limits
from graduel.web.request_schemas import Settings
from graduel.web.state.form_fields import fields_of
from graduel.web.state.holdout import HoldoutData
from graduel.web.state.model_pair import ModelPair, NetSide, TreeSide
from graduel.web.training.training_run import TrainingData, TrainingRun, TreeSettings

Array = NDArray[Any]

FLOATS = 7
"""Vectors of θ's length that a training holds: weights, gradient, moments, copies."""


@dataclass
class TrainingRequest:
    """What is learned from, and how.

    Attributes
    ----------
    material : what is learned from, without the rows that are judged on
    settings : the client's
    preparations : for the network and for the trees, where the data are a table; fitted when the
        training's turn comes
    """

    material: HoldoutData
    settings: Settings
    preparations: tuple[NetPreparation, TreePreparation] | None = field(default=None)

    @property
    def recipe(self) -> NetRecipe:
        """The network and its training."""
        asked = self.settings
        return NetRecipe(
            layers=tuple(asked.layers),
            activation=",".join(asked.activations),
            dropout=asked.dropout,
            optimizer=asked.optimizer,
            lr=asked.rate,
            batch_size=asked.batch,
            epochs=asked.epochs,
            schedule="constant",
            warmup=0.0,
            weight_decay=0.0 if asked.optimizer == "adam" else 0.01,
        )

    def make(self) -> TrainingRun:
        """Prepare the rows, and make the training."""
        asked, data = self.settings, self.material.data
        train, valid = self.material.learning(asked.rows, asked.seed)
        trees = TreeSettings(rounds=asked.rounds) if asked.race else None
        if not data.columns:
            learn, judge = (
                TrainingData(data.table[r], data.table[r], data.y[r]) for r in (train, valid)
            )
            return TrainingRun(self.recipe, trees, learn, judge, len(data.classes), seed=asked.seed)
        net = NetPreparation.fit(data.X, data.columns, rows=train)
        tree = TreePreparation.fit(data.X, data.columns, rows=train)
        self.preparations = (net, tree)
        learn, judge = (
            TrainingData(net.transform(data.X[r]), tree.transform(data.X[r]), data.y[r])
            for r in (train, valid)
        )
        return TrainingRun(
            self.recipe,
            trees,
            learn,
            judge,
            len(data.classes),
            feature_types=tree.feature_types,
            feature_names=tree.feature_names,
            seed=asked.seed,
        )


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """What a training will take."""

    parameters: int
    steps: int
    nbytes: int


def check_settings(course: TrainingRequest, limits: Limits) -> TrainingSettings:
    """Tell what a training will take, before anything is made.

    Raises
    ------
    Problem
        With status 422, if it is too large, or does not fit.
    """
    asked, data = course.settings, course.material.data
    if len(asked.activations) not in (1, len(asked.layers)):
        raise ClientError(
            422,
            f"activations must be one for all {len(asked.layers)} hidden layers or one for each; "
            f"got {len(asked.activations)}",
        )
    train, _ = course.material.learning(asked.rows, asked.seed)
    inputs = data.n_features if not data.columns else _width(data)
    sizes = [inputs, *asked.layers, len(data.classes)]
    parameters = sum((a + 1) * b for a, b in pairwise(sizes))
    if parameters > limits.parameters:
        raise ClientError(
            422,
            f"expected a network of at most {limits.parameters:,} weights; these layers have "
            f"{parameters:,}. Take smaller ones",
        )
    cell = 1 if not data.columns else 4
    nbytes = 3 * len(train) * inputs * cell + 4 * FLOATS * parameters
    return TrainingSettings(parameters, asked.epochs * -(-len(train) // asked.batch), nbytes)


def _width(data: Dataset) -> int:
    """Return an upper bound of a table's columns as a network takes them."""
    from graduel.data.prepare.preparation import ONE_HOT

    found = 0
    for column in data.columns:
        if column.kind == "categorical":
            found += min(ONE_HOT, int(data.X[column.name].n_unique())) + 1
        else:
            found += {"date": 9, "numeric": 2}.get(column.kind, 1)
    return found


def taken_over(
    course: TrainingRequest, network: Network, weights: Weights, booster: Any
) -> ModelPair:
    """Make a contest of what a training has come to."""
    data, net, tree = course.material.data, None, None
    if course.preparations is not None:
        net, tree = course.preparations
    trees = None if booster is None else TreeSide(booster, len(data.classes), tree)
    rows = len(course.material.learning(course.settings.rows, course.settings.seed)[0])
    return ModelPair(
        Schema.of(data),
        fields=fields_of(data.X, data.columns) if data.columns else (),
        net=NetSide(network, weights, net),
        trees=trees,
        about=f"trained in this session on {rows:,} rows",
    )


__all__ = ["TrainingRequest", "TrainingSettings", "check_settings", "taken_over"]
