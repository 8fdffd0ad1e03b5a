"""The rows and parameters of a boosting by several workers, and the model of its result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from graduel.contenders.contender import Array, LabelledRows
from graduel.contenders.prepared_table import PreparedTable
from graduel.contenders.sklearn_contender import LIBRARY_METRICS, prepare_for_trees
from graduel.contenders.xgboost import FittedXGBoost
from graduel.contenders.xgboost_recipes import XGBoostRecipe
from graduel.contenders.xgboost_settings import settings_of_recipe
from graduel.errors import UserError
from graduel.train.io.checkpoint_file import load_checkpoint


def prepare_trees(
    recipe: XGBoostRecipe,
    train: LabelledRows,
    valid: LabelledRows,
    metric: str,
    rng: np.random.Generator,
) -> tuple[PreparedTable, dict[str, Array], dict[str, Any]]:
    """Return the preparation, the prepared rows of a job and its options.

    The parameters are those of one process; quantiles are those of the merged sketches.

    Raises
    ------
    UserError
        If XGBoost does not compute the leading metric by itself, over all workers.
    """
    from xgboost import XGBClassifier

    if metric not in LIBRARY_METRICS:
        raise UserError(
            f"--workers: expected one of the metrics {', '.join(LIBRARY_METRICS)} for XGBoost, "
            f"which adds them up over workers; got {metric}. Leave --workers out, or choose one"
        )
    if recipe.copies:
        from graduel.contenders.augmented_rows import augment_rows

        train = augment_rows(train, recipe.augment, recipe.copies, rng)
    prepare, categorical = prepare_for_trees(train)
    classes = np.unique(train.y)
    known = np.isin(valid.y, classes)
    rows = {
        "X": prepare(train.X),
        "y": np.searchsorted(classes, train.y),
        "valid_X": prepare(valid.X)[known],
        "valid_y": np.searchsorted(classes, valid.y[known]),
    }
    binary = len(classes) == 2
    settings = settings_of_recipe(recipe, prepare, binary or bool(categorical))
    types = settings.pop("feature_types", None)
    parameters = XGBClassifier(
        **settings, tree_method="hist", random_state=int(rng.integers(2**31))
    ).get_xgb_params()
    parameters = {name: value for name, value in parameters.items() if value is not None}
    error, loss = ("error", "logloss") if binary else ("merror", "mlogloss")
    by_error = recipe.stops_by == "metric" and metric != "log_loss"
    # XGBoost stops by the last metric.
    parameters["eval_metric"] = [loss, error] if by_error else [error, loss]
    parameters["objective"] = "binary:logistic" if binary else "multi:softprob"
    if not binary:
        parameters["num_class"] = len(classes)
    return (
        prepare,
        rows,
        {
            "parameters": parameters,
            "rounds": recipe.n_estimators,
            "early_stopping_rounds": recipe.early_stopping_rounds,
            "error": error,
            "loss": loss,
            "by_error": by_error,
            "feature_types": types,
        },
    )


def load_trees(
    path: Path, prepare: PreparedTable, train: LabelledRows, threads: int = 1
) -> FittedXGBoost:
    """Return the fitted contender of the booster that worker 0 wrote; it predicts with threads."""
    from xgboost import XGBClassifier

    progress, arrays = load_checkpoint(path)
    model = XGBClassifier(n_jobs=threads)
    model.load_model(bytearray(arrays["booster"].tobytes()))
    model.get_booster().set_param({"nthread": threads})
    names = ("best_round", "rounds", "valid_error", "selected_by", "valid_selected")
    details = {name: progress[name] for name in names if name in progress}
    return FittedXGBoost(
        *(model, prepare, train.n_classes, progress["seconds"], details),
        classes=np.unique(train.y),
    )
