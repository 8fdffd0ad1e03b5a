"""scikit-learn's multi-layer perceptron, trained epoch by epoch."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from graduel.contenders.contender import Array, Fitting
from graduel.contenders.family import Family, Recipes, Regressor, TableTraits
from graduel.contenders.fit_job import FitJob, selection_details
from graduel.contenders.prepared_table import PreparedTable
from graduel.contenders.search.space import Choice, Integer, Real, RecipeSpace
from graduel.contenders.sklearn_contender import (
    FittedEstimator,
    FittedRegressor,
    estimator_model,
    prepare_for_network,
    silence_warnings,
)
from graduel.data.prepare.target_scale import TargetScale


@dataclass(frozen=True, slots=True)
class MLPRecipe:
    """The parameters of ``MLPClassifier``; the epoch is selected on the validation rows.

    Training stops after `n_iter_no_change` epochs without improvement.
    """

    hidden_layer_sizes: tuple[int, ...] = (256, 256)
    activation: str = "relu"
    alpha: float = 1e-4
    learning_rate_init: float = 1e-3
    batch_size: int = 200
    max_iter: int = 200
    n_iter_no_change: int = 10


def fit(recipe: MLPRecipe, job: FitJob) -> Fitting:
    """Train epoch by epoch on rows prepared as for a network, with early stopping.

    scikit-learn's own early stopping would hold out part of the training rows, so the MLP would
    train on fewer rows than the other contenders. Here all contenders share the validation rows.
    """
    from sklearn.neural_network import MLPClassifier

    classes = np.unique(job.train.y)

    def begin(model: Any, prepare: PreparedTable) -> tuple[FittedEstimator, Array, Any]:
        fitted = FittedEstimator(model, prepare, job.train.n_classes)
        return fitted, job.train.y, partial(model.partial_fit, classes=classes)

    return _train(MLPClassifier, begin, recipe, job)


def fit_numbers(recipe: MLPRecipe, job: FitJob) -> Fitting:
    """Train a regressor epoch by epoch as :func:`fit` does, on standardized targets."""
    from sklearn.neural_network import MLPRegressor

    scale = TargetScale.fit(job.train.y)

    def begin(model: Any, prepare: PreparedTable) -> tuple[FittedEstimator, Array, Any]:
        fitted = FittedRegressor(model, prepare, 0, scale=scale)
        return fitted, scale.encode(job.train.y)[:, 0], model.partial_fit

    return _train(MLPRegressor, begin, recipe, job)


def _train(make: Any, begin: Callable[..., Any], recipe: MLPRecipe, job: FitJob) -> Fitting:
    """Train epoch by epoch and select the best one."""
    prepare = prepare_for_network(job.train)
    X, valid_X = prepare(job.train.X), prepare(job.valid.X)
    settings = asdict(recipe)
    epochs, patience = settings.pop("max_iter"), settings.pop("n_iter_no_change")
    settings["batch_size"] = min(settings["batch_size"], len(X))
    # An integer seed would shuffle every epoch in the same order; a RandomState does not.
    model = make(**settings, random_state=np.random.RandomState(job.draw_seed()))
    fitted, targets, train_epoch = begin(model, prepare)
    best: Any = None
    best_epoch, best_error, lowest = 0, 1.0, (np.inf, np.inf)
    for epoch in range(1, epochs + 1):
        with silence_warnings():
            train_epoch(X, targets)
        if not all(np.isfinite(W).all() for W in model.coefs_):
            raise ArithmeticError("the weights became infinite or NaN; lower the learning rate")
        p = fitted.predict(valid_X)
        losses = job.losses(p, job.valid.y)
        if losses < lowest:
            best = [W.copy() for W in model.coefs_], [b.copy() for b in model.intercepts_]
            lowest, best_epoch, best_error = losses, epoch, job.evaluate(p)[0]
        stop = yield from job.checkpoint(
            epoch / epochs, best_error, lowest[0], fitted.predict_cached
        )
        if stop or epoch - best_epoch >= patience:
            break
    prepare.clear()
    model.coefs_, model.intercepts_ = best
    fitted.model = _without_optimizer(model)
    fitted.seconds = job.clock.stop()
    fitted.details = {"best_epoch": best_epoch, "epochs": epoch, "valid_error": best_error}
    fitted.details |= selection_details(job.metric.name, lowest[0])
    return fitted


def _without_optimizer(model: Any) -> Any:
    """Return a copy for prediction only: the optimizer's state would triple the model size."""
    slim = copy(model)
    for name in ("_optimizer", "_random_state"):
        vars(slim).pop(name, None)
    slim.random_state = None
    return slim


def _table_recipes(table: TableTraits) -> Recipes:
    full = MLPRecipe(batch_size=max(8, min(200, table.n_rows // 20)))
    return Recipes(full, replace(full, max_iter=30))


FAMILY = Family(
    name="mlp",
    title="scikit-learn MLP",
    recipe=MLPRecipe,
    fit=fit,
    space=RecipeSpace(
        {
            "hidden_layer_sizes": Choice(
                ((64,), (100,), (256,), (128, 128), (256, 256), (512, 512), (256, 256, 256))
            ),
            "activation": Choice(("relu", "tanh")),
            "alpha": Real(1e-7, 0.1, log=True),
            "learning_rate_init": Real(1e-4, 3e-2, log=True),
            "batch_size": Integer(8, 512, log=True),
        }
    ),
    images=Recipes(MLPRecipe(max_iter=50), MLPRecipe(max_iter=12)),
    tables=_table_recipes,
    to_model=estimator_model,
    deciding_packages=("scikit-learn",),
    regressor=Regressor(fit_numbers, {"mlp": _table_recipes}),
)
