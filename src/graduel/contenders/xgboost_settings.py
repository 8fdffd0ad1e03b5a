"""XGBoost's parameters of a recipe, and its raw scores round by round."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from graduel.contenders.contender import Array
from graduel.contenders.prepared_table import PreparedTable
from graduel.contenders.xgboost_recipes import XGBoostRecipe


def extend_margin(booster: Any, matrix: Array, margin: Any, start: int, stop: int) -> Any:
    """Return the raw scores after `stop` rounds, given those after `start` rounds."""
    return booster.inplace_predict(
        matrix,
        iteration_range=(start, stop),
        predict_type="margin",
        base_margin=margin,
        missing=np.nan,
    )


def settings_of_recipe(
    recipe: XGBoostRecipe, prepare: PreparedTable, one_tree: bool
) -> dict[str, Any]:
    """Return the classifier's parameters.

    A patience of 0 becomes None (no early stopping). Vector leaves do not support categories
    (XGBoost 3.2) and are pointless for two classes: both cases use one tree per class.
    """
    settings = asdict(recipe)
    for name in ("augment", "copies", "stops_by"):
        del settings[name]
    settings["early_stopping_rounds"] = recipe.early_stopping_rounds or None
    if one_tree:
        settings["multi_strategy"] = "one_output_per_tree"
    if types := getattr(prepare.preparation, "feature_types", None):
        settings |= {"feature_types": types, "enable_categorical": True}
    return settings
