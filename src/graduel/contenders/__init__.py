"""The contenders, by name."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from graduel.contenders.contender import (
    Budget,
    Checkpoint,
    Contender,
    FittedContender,
    LabelledRows,
    Notify,
    Progress,
    error_rate,
)
from graduel.contenders.recipes import (
    ForestRecipe,
    HistRecipe,
    LightGBMRecipe,
    LogisticRecipe,
    MLPRecipe,
    TextbookRecipe,
    UserEstimatorRecipe,
    XGBoostRecipe,
)
from graduel.errors import UserError
from graduel.train.recipes import NetRecipe

FAMILIES: dict[str, tuple[str, type]] = {
    "textbook": ("Textbook", TextbookRecipe),
    "net": ("Net", NetRecipe),
    "xgboost": ("XGBoost", XGBoostRecipe),
    "lightgbm": ("LightGBM", LightGBMRecipe),
    "hist": ("HistGradientBoosting", HistRecipe),
    "forest": ("RandomForest", ForestRecipe),
    "logistic": ("Logistic", LogisticRecipe),
    "mlp": ("MLP", MLPRecipe),
    "own": ("UserEstimator", UserEstimatorRecipe),
}
"""The class and the recipe of each family of models.

A cell's process imports no other module than its own.
"""
MODULES = {"hist": "hist_gradient_boosting", "forest": "random_forest", "own": "user_estimator"}
"""Modules that are not named for their family."""


def recipe_of(family: str, recipe: Mapping[str, Any]) -> Any:
    """Make a recipe from plain data, as it stands in a duel's plan."""
    return FAMILIES[family][1](
        **{k: tuple(v) if isinstance(v, list) else v for k, v in recipe.items()}
    )


def make_contender(
    name: str,
    family: str,
    recipe: Mapping[str, Any],
    metric: str = "error",
    estimator: bytes | None = None,
) -> Contender:
    """Make a contender from plain data, as it stands in a duel's plan.

    `estimator` is the user's own, pickled by the process that asks: it came through a pipe, and
    never lay in a file.
    """
    kind: Any = getattr(
        import_module(f"graduel.contenders.{MODULES.get(family, family)}"), FAMILIES[family][0]
    )
    made = recipe_of(family, recipe)
    if family != "own":
        return kind(made, name, metric)
    if estimator is None:
        raise UserError(
            f"{name} is an estimator of your own: give it again, as --contender or in contenders="
        )
    return kind(made, name, metric, pickle.loads(estimator))


__all__ = [
    "FAMILIES",
    "Budget",
    "Checkpoint",
    "Contender",
    "FittedContender",
    "LabelledRows",
    "Notify",
    "Progress",
    "error_rate",
    "make_contender",
    "recipe_of",
]
