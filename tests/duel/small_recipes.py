"""Recipes of each built-in family that fit in a second: a new family adds one entry here."""

from __future__ import annotations

from typing import Any, NamedTuple

from graduel.contenders.registry import get_family


class Small(NamedTuple):
    """The small recipes of a family.

    Attributes
    ----------
    digits, table : hyperparameters for 600 digits and for a table of 160 rows
    has_single_checkpoint : whether the fit is one call that yields one checkpoint, and so cannot be
        stopped before
    """

    digits: dict[str, Any]
    table: dict[str, Any]
    has_single_checkpoint: bool = False


SMALL = {
    "textbook": Small(
        digits={"layers": [16], "rate": 0.5, "steps": 20},
        table={"layers": [32], "rate": 0.5, "steps": 6},
    ),
    "net": Small(
        digits={"layers": [32], "lr": 0.01, "epochs": 4, "batch_size": 32},
        table={"layers": [64], "lr": 0.01, "epochs": 3, "batch_size": 32},
    ),
    "xgboost": Small(
        digits={"n_estimators": 6, "early_stopping_rounds": 2},
        table={
            "n_estimators": 8,
            "early_stopping_rounds": 3,
            "multi_strategy": "one_output_per_tree",
        },
    ),
    "lightgbm": Small(
        digits={"n_estimators": 6, "num_leaves": 8, "early_stopping_rounds": 2},
        table={"n_estimators": 8, "min_child_samples": 5, "early_stopping_rounds": 3},
    ),
    "catboost": Small(
        digits={"n_estimators": 6, "depth": 3, "learning_rate": 0.3, "early_stopping_rounds": 2},
        table={"n_estimators": 8, "depth": 3, "early_stopping_rounds": 3},
    ),
    "hist": Small(
        digits={"max_iter": 4, "max_leaf_nodes": 8, "max_features": 0.3},
        table={"max_iter": 6, "min_samples_leaf": 5, "max_leaf_nodes": 8},
    ),
    "forest": Small(digits={"n_estimators": 20}, table={"n_estimators": 5}),
    "logistic": Small(digits={"C": 0.1, "max_iter": 20}, table={}, has_single_checkpoint=True),
    "mlp": Small(
        digits={"hidden_layer_sizes": [16], "max_iter": 4},
        table={"hidden_layer_sizes": [64], "batch_size": 16, "max_iter": 4},
    ),
}

STOCHASTIC = [name for name in SMALL if get_family(name).is_stochastic]
DETERMINISTIC = [name for name in SMALL if name not in STOCHASTIC]
