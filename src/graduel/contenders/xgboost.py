"""XGBoost with native categories, missing values and early stopping."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from graduel.contenders.contender import Array, Fitting, error_rate
from graduel.contenders.family import Family
from graduel.contenders.fit_job import FitJob, margin_checkpoints, selection_details
from graduel.contenders.search.space import RecipeSpace
from graduel.contenders.sklearn_contender import (
    LIBRARY_METRICS,
    FittedEstimator,
    prepare_for_trees,
)
from graduel.contenders.xgboost_recipes import (
    CONTENDERS,
    IMAGE_SPACE,
    TABLE_SPACE,
    XGBoostRecipe,
)
from graduel.contenders.xgboost_regression import REGRESSOR
from graduel.contenders.xgboost_settings import extend_margin, settings_of_recipe
from graduel.metrics.metric import Metric
from graduel.metrics.probabilities import expand_classes, two_columns

if TYPE_CHECKING:
    from graduel.data.schema import Schema
    from graduel.models.model import Model


@dataclass(slots=True)
class FittedXGBoost(FittedEstimator):
    """A fitted classifier with the round selected by early stopping, if any."""

    classes: Any = None
    """The codes of the classes among the training rows; the model numbers them from 0."""

    def expand(self, p: Any) -> Array:
        """Expand probabilities of the classes in the training rows to all classes."""
        return expand_classes(p, self.classes, self.n_classes)

    def booster(self) -> Any:
        """Return the trees up to the selected round."""
        return self.model.get_booster()[: self.details["best_round"]]

    def to_bytes(self) -> bytes:
        """Return the trees in XGBoost's binary JSON (UBJSON), and the preparation."""
        return bytes(self.booster().save_raw("ubj")) + self.prepare.to_bytes()


def fit(recipe: XGBoostRecipe, job: FitJob) -> Fitting:
    """Fit all rounds, recording the time of each; then yield the checkpoints.

    Early stopping is by the leading metric, except that it is by log loss if the metric is the
    error, which is too coarse on a few thousand rows. A recipe with ``stops_by="metric"``, which
    needs a long patience, stops by the error too; the round with the lowest error is selected, ties
    are broken by log loss, as for a network's epochs.
    """
    from xgboost import XGBClassifier
    from xgboost.callback import TrainingCallback

    train, metric, rounds = job.train, job.metric, recipe.n_estimators
    if recipe.copies:
        from graduel.contenders.augmented_rows import augment_rows

        train = augment_rows(train, recipe.augment, recipe.copies, job.rng)
    prepare, categorical = prepare_for_trees(train)
    X, classes = prepare(train.X), np.unique(train.y)
    valid_X, valid_y = job.select_known(prepare(job.valid.X))
    seconds: list[float] = []
    binary = len(classes) == 2
    errors, losses = ("error", "logloss") if binary else ("merror", "mlogloss")
    custom = None if metric.name in LIBRARY_METRICS else CustomMetric(metric)
    by_error = recipe.stops_by == "metric" and metric.name in ("error", "accuracy")

    class Watch(TrainingCallback):
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            seconds.append(job.clock.seconds)
            history = evals_log["validation_0"]
            error = custom.errors[-1] if custom else float(history[errors][-1])
            loss = float(history["cost"][-1]) if custom else error
            log_loss = None if custom else float(history[losses][-1])
            if metric.name == "log_loss" and log_loss is not None:
                loss = log_loss
            selection = None if log_loss is None or by_error else ("log_loss", log_loss)
            stop = job.report((epoch + 1) / rounds, seconds[-1], error, loss, selection)
            # XGBoost has no best round before the second one.
            return stop and epoch > 0

    model = XGBClassifier(
        **settings_of_recipe(recipe, prepare, binary or bool(categorical)),
        tree_method="hist",
        # XGBoost stops by the last metric.
        eval_metric=custom.cost if custom else [losses, errors] if by_error else [errors, losses],
        n_jobs=job.budget.threads,
        random_state=job.draw_seed(),
        callbacks=[Watch()],
    )
    y, valid_y = np.searchsorted(classes, train.y), np.searchsorted(classes, valid_y)
    model.fit(X, y, eval_set=[(valid_X, valid_y)], verbose=False)
    fitted = FittedXGBoost(model, prepare, train.n_classes, job.clock.stop(), classes=classes)
    extend = partial(extend_margin, model.get_booster())
    yield from margin_checkpoints(fitted, seconds, rounds, extend)
    model.callbacks = None  # they hold references to the training data
    if by_error and recipe.early_stopping_rounds:
        history = model.evals_result()["validation_0"]
        best_iteration = int(np.lexsort((history[losses], history[errors]))[0])
        model.get_booster().best_iteration = best_iteration
    best = int(model.best_iteration) if recipe.early_stopping_rounds else len(seconds) - 1
    by_round = custom.errors if custom else model.evals_result()["validation_0"][errors]
    fitted.details = {
        "best_round": best + 1,
        "rounds": len(seconds),
        "valid_error": float(by_round[best]),
    }
    if recipe.early_stopping_rounds:
        name, key = (metric.name, "cost") if custom else ("log_loss", losses)
        name, key = ("error", errors) if by_error else (name, key)
        value = float(model.evals_result()["validation_0"][key][best])
        fitted.details |= selection_details(name, value)
    fitted.details |= describe_copies(recipe, len(y))
    return fitted


def describe_copies(recipe: XGBoostRecipe, n_rows: int) -> dict[str, int]:
    """Return the details of a fit on augmented copies of its rows; empty without copies."""
    if not recipe.copies:
        return {}
    return {"copies_of_each_row": recipe.copies, "rows_with_copies": n_rows}


class CustomMetric:
    """A metric with XGBoost's signature; it also records the error for progress reports."""

    def __init__(self, metric: Metric) -> None:
        self._loss, self.errors = metric.loss, list[float]()

    def cost(self, y: Array, p: Array) -> float:
        """Return the loss; lower is better."""
        codes, p = y.astype(np.int64), two_columns(p)
        self.errors.append(error_rate(p, codes))
        return self._loss(p, codes)


def to_model(fitted: FittedXGBoost, schema: Schema, title: str) -> Model:
    """Return the trees up to the selected round."""
    from graduel.models.model import Model

    return Model(
        "xgboost",
        title,
        schema,
        fitted.prepare.preparation,
        booster=fitted.booster(),
        class_codes=tuple(int(code) for code in getattr(fitted, "classes", ())),
    )


FAMILY = Family(
    name="xgboost",
    title="XGBoost",
    recipe=XGBoostRecipe,
    fit=fit,
    space=RecipeSpace(TABLE_SPACE, IMAGE_SPACE, lengths=("n_estimators",)),
    contenders=CONTENDERS,
    to_model=to_model,
    deciding_packages=("xgboost",),
    regressor=REGRESSOR,
)
