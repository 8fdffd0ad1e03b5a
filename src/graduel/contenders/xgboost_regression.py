"""XGBoost for numbers: squared errors, one tree per round, early stopping by the leading metric."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from graduel.contenders.contender import Array, Fitting
from graduel.contenders.family import Recipes, Regressor, TableTraits
from graduel.contenders.fit_job import FitJob, margin_checkpoints, selection_details
from graduel.contenders.sklearn_contender import FittedRegressor, as_column, prepare_for_trees
from graduel.contenders.xgboost_recipes import (
    LIBRARY_DEFAULTS,
    TUNED_DEFAULTS,
    XGBoostRecipe,
)
from graduel.contenders.xgboost_settings import extend_margin, settings_of_recipe


@dataclass(slots=True)
class FittedXGBoostRegressor(FittedRegressor):
    """A fitted regressor with the round selected by early stopping, if any."""

    def booster(self) -> Any:
        """Return the trees up to the selected round."""
        return self.model.get_booster()[: self.details["best_round"]]

    def to_bytes(self) -> bytes:
        """Return the trees in XGBoost's binary JSON (UBJSON), and the preparation."""
        return bytes(self.booster().save_raw("ubj")) + self.prepare.to_bytes()


def fit(recipe: XGBoostRecipe, job: FitJob) -> Fitting:
    """Fit all rounds, recording the time of each; then yield the checkpoints.

    The objective is the squared error. Early stopping is by the leading metric.
    """
    from xgboost import XGBRegressor
    from xgboost.callback import TrainingCallback

    train, rounds = job.train, recipe.n_estimators
    prepare, _ = prepare_for_trees(train)
    X, valid_X = prepare(train.X), prepare(job.valid.X)
    seconds, errors, losses = list[float](), list[float](), list[float]()

    def cost(y: Array, p: Array) -> float:
        error, loss = job.evaluate(as_column(p))
        errors.append(error)
        losses.append(loss)
        return loss

    class Watch(TrainingCallback):
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            seconds.append(job.clock.seconds)
            stop = job.report((epoch + 1) / rounds, seconds[-1], errors[-1], losses[-1])
            # XGBoost has no best round before the second one.
            return stop and epoch > 0

    model = XGBRegressor(
        **settings_of_recipe(recipe, prepare, True),
        tree_method="hist",
        eval_metric=cost,
        n_jobs=job.budget.threads,
        random_state=job.draw_seed(),
        callbacks=[Watch()],
    )
    model.fit(X, train.y, eval_set=[(valid_X, job.valid.y)], verbose=False)
    fitted = FittedXGBoostRegressor(model, prepare, 0, job.clock.stop())
    extend = partial(extend_margin, model.get_booster())
    yield from margin_checkpoints(fitted, seconds, rounds, extend, as_column)
    model.callbacks = None  # they hold references to the training data
    best = int(model.best_iteration) if recipe.early_stopping_rounds else len(seconds) - 1
    model.get_booster().best_iteration = best
    fitted.details = {"best_round": best + 1, "rounds": len(seconds), "valid_error": errors[best]}
    if recipe.early_stopping_rounds:
        fitted.details |= selection_details(job.metric.name, losses[best])
    return fitted


TUNED = replace(
    TUNED_DEFAULTS,
    learning_rate=0.05,
    max_depth=9,
    min_child_weight=2.0,
    subsample=0.7,
    colsample_bylevel=1.0,
)
"""XGB-TD-R: default hyperparameters tuned for the best average over many regression tables.

Source: Holzmüller et al., *Better by Default*, 2024, as implemented in pytabkit.
"""


def _recipes(table: TableTraits) -> Recipes:
    full = XGBoostRecipe(
        n_estimators=1000,
        learning_rate=0.05,
        max_bin=256,
        colsample_bynode=0.8,
        multi_strategy="one_output_per_tree",
        early_stopping_rounds=50,
    )
    return Recipes(full, _quicken(full, table))


def _strongest(table: TableTraits) -> Recipes:
    usual = _recipes(table).full
    full = replace(
        usual, n_estimators=4000, learning_rate=0.02, max_depth=8, early_stopping_rounds=150
    )
    quick = replace(full, n_estimators=500, learning_rate=0.08, early_stopping_rounds=40)
    return Recipes(full, quick)


def _quicken(recipe: XGBoostRecipe, table: TableTraits) -> XGBoostRecipe:
    return replace(
        recipe, n_estimators=table.quick_rounds, learning_rate=0.2, early_stopping_rounds=15
    )


REGRESSOR = Regressor(
    fit=fit,
    tables={
        "xgboost": _recipes,
        "xgboost-best": _strongest,
        "xgboost-td": lambda table: Recipes(TUNED, _quicken(TUNED, table)),
        "xgboost-plain": Recipes(LIBRARY_DEFAULTS, LIBRARY_DEFAULTS),
    },
)
