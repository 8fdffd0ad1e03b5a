"""A client's request for a training: validation, start, resulting models."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from graduel.data import Dataset, NetPreparation, TreePreparation
from graduel.data.prepare.preparation import ONE_HOT
from graduel.data.schema import Schema
from graduel.models.model import Model
from graduel.train.recipes import NetRecipe
from graduel.web.http_error import ClientError
from graduel.web.limits import Limits
from graduel.web.request_schemas import TrainingSettings
from graduel.web.state.form_fields import fields_of
from graduel.web.state.holdout import HoldoutData
from graduel.web.state.model_pair import ModelPair
from graduel.web.training.boosting_run import BoostingRun, TreeSettings
from graduel.web.training.training_run import TrainingRun
from graduel.web.training.watched_training import WatchedTraining

VECTORS = 7
"""Number of vectors of θ's length in a training: weights, gradient, moments, copies."""


@dataclass
class TrainingRequest:
    """The data and settings of a training.

    Attributes
    ----------
    source : the data; its test rows are not used
    settings : the client's settings
    preparations : of a table, the preparations for the network and the trees; fitted when the
        training starts
    """

    source: HoldoutData
    settings: TrainingSettings
    preparations: tuple[NetPreparation, TreePreparation] | None = None

    @property
    def recipe(self) -> NetRecipe:
        """The network's recipe."""
        settings = self.settings
        return NetRecipe(
            layers=tuple(settings.layers),
            activation=",".join(settings.activations),
            dropout=settings.dropout,
            optimizer=settings.optimizer,
            lr=settings.rate,
            batch_size=settings.batch,
            epochs=settings.epochs,
            schedule="constant",
            warmup=0.0,
            weight_decay=0.0 if settings.optimizer == "adam" else 0.01,
        )

    def start_run(self) -> TrainingRun:
        """Prepare the rows and return the training before its first batch."""
        settings, data = self.settings, self.source.data
        train, valid = self.source.draw_rows(settings.rows, settings.seed)
        n_classes, options = len(data.classes), dict[str, Any](seed=settings.seed)
        if data.columns:
            net = NetPreparation.fit(data.X, data.columns, rows=train)
            tree = TreePreparation.fit(data.X, data.columns, rows=train)
            self.preparations = (net, tree)
            net_X, tree_X = (
                [part.transform(data.X[rows]) for rows in (train, valid)] for part in (net, tree)
            )
            options |= {"feature_types": tree.feature_types, "feature_names": tree.feature_names}
        else:
            net_X = tree_X = [data.table[rows] for rows in (train, valid)]
        trees = None
        if settings.race:
            tree_settings = TreeSettings(rounds=settings.rounds)
            trees = BoostingRun(
                tree_settings, tree_X[0], data.y[train], tree_X[1], n_classes, **options
            )
        return TrainingRun(
            self.recipe,
            (net_X[0], data.y[train]),
            (net_X[1], data.y[valid]),
            n_classes,
            trees,
            seed=settings.seed,
        )

    def build_models(self, training: WatchedTraining) -> ModelPair:
        """Return copies of the current network and trees of a training."""
        network, weights, booster = training.snapshot()
        data, schema = self.source.data, Schema.of(self.source.data)
        net, tree = self.preparations or (None, None)
        models = [Model("net", "NumPy network", schema, net, network, weights)]
        if booster is not None:
            codes = tuple(range(len(data.classes)))
            models.append(
                Model("xgboost", "XGBoost", schema, tree, booster=booster, class_codes=codes)
            )
        n_rows = len(self.source.draw_rows(self.settings.rows, self.settings.seed)[0])
        pair = ModelPair.of(models, f"trained in this session on {n_rows:,} rows")
        return replace(pair, fields=fields_of(data.X, data.columns) if data.columns else ())


@dataclass(frozen=True, slots=True)
class TrainingCost:
    """The cost of a training: parameters, steps, bytes of memory."""

    parameters: int
    steps: int
    nbytes: int


def check_request(request: TrainingRequest, limits: Limits) -> TrainingCost:
    """Validate a training and return its cost, before allocating memory.

    ClientError 422 if it is too large or its settings are inconsistent.
    """
    settings, data = request.settings, request.source.data
    if len(settings.activations) not in (1, len(settings.layers)):
        raise ClientError(
            422,
            f"activations must be one for all or one for each of the {len(settings.layers)} hidden "
            f"layers; got {len(settings.activations)}",
        )
    train, _ = request.source.draw_rows(settings.rows, settings.seed)
    n_inputs = _max_inputs(data) if data.columns else data.n_features
    sizes = [n_inputs, *settings.layers, len(data.classes)]
    parameters = sum((n_in + 1) * n_out for n_in, n_out in pairwise(sizes))
    if parameters > limits.parameters:
        raise ClientError(
            422,
            f"expected a network of at most {limits.parameters:,} parameters; got {parameters:,}. "
            "Use smaller layers",
        )
    cell_bytes = 4 if data.columns else 1
    nbytes = 3 * len(train) * n_inputs * cell_bytes + 4 * VECTORS * parameters
    return TrainingCost(parameters, settings.epochs * -(-len(train) // settings.batch), nbytes)


def _max_inputs(data: Dataset) -> int:
    """Return an upper bound of the number of a network's inputs for a table."""
    n_inputs = 0
    for column in data.columns:
        if column.kind == "categorical":
            n_inputs += min(ONE_HOT, int(data.X[column.name].n_unique())) + 1
        else:
            n_inputs += {"date": 9, "numeric": 2}.get(column.kind, 1)
    return n_inputs
