"""A fitted contender as the model that is saved, served and asked to predict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from graduel.contenders.net import FittedNet
from graduel.contenders.textbook import FittedTextbook
from graduel.contenders.xgboost import FittedXGBoost
from graduel.data.schema import Schema
from graduel.models.model import Model
from graduel.nn import Dense, Network, ReLU, Weights


def to_model(
    fitted: Any, task: Schema, title: str, notes: Mapping[str, Any] | None = None
) -> Model | None:
    """Return a fitted contender as it is kept; None for a family that has no file."""
    more = dict(notes or {})
    if isinstance(fitted, FittedNet):
        return Model(
            "net",
            title,
            task,
            fitted.ready.preparation,
            fitted.training.network,
            fitted.weights,
            notes=more,
        )
    if isinstance(fitted, FittedTextbook):
        network, weights = _engine(fitted)
        return Model("net", title, task, fitted.ready.preparation, network, weights, notes=more)
    if isinstance(fitted, FittedXGBoost):
        booster = fitted.model.get_booster()[: fitted.details["best_round"]]
        learned = tuple(int(code) for code in fitted.classes)
        return Model(
            "xgboost",
            title,
            task,
            fitted.ready.preparation,
            booster=booster,
            learned=learned,
            notes=more,
        )
    return None


def _engine(fitted: FittedTextbook) -> tuple[Network, Weights]:
    """Return the textbook's network on the engine: the same matrices, rows for columns."""
    layers: list[Any] = []
    for W in fitted.W:
        layers += [Dense(len(W)), ReLU()]
    network = Network(tuple(layers[:-1]), (fitted.W[0].shape[1],))
    weights = network.init(np.random.default_rng(0))
    for i, (W, b) in enumerate(zip(fitted.W, fitted.b, strict=True)):
        network.layout[f"{2 * i}.W"].view(weights.theta)[...] = W.T
        network.layout[f"{2 * i}.b"].view(weights.theta)[...] = b[:, 0]
    return network, weights
