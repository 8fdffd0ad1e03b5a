"""Recipes of the contenders beyond the three, as data: what their experts begin with.

Each is a frozen dataclass whose fields are parameters of the library's own estimator.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class LightGBMRecipe:
    """``LGBMClassifier``, stopped early on the validation rows.

    On tables the numbers are those of LGBM-TD (Holzmüller et al., *Better by Default*, 2024), but
    for its patience of 300 rounds.
    """

    n_estimators: int = 1000
    learning_rate: float = 0.04
    num_leaves: int = 50
    min_child_samples: int = 40
    min_child_weight: float = 1e-7
    subsample: float = 0.75
    subsample_freq: int = 1
    colsample_bytree: float = 1.0
    colsample_bynode: float = 1.0
    reg_alpha: float = 0.0
    reg_lambda: float = 0.0
    max_bin: int = 255
    extra_trees: bool = False
    early_stopping_rounds: int = 100


@dataclass(frozen=True, slots=True)
class HistRecipe:
    """scikit-learn's ``HistGradientBoostingClassifier``, stopped early on the validation rows."""

    max_iter: int = 1000
    learning_rate: float = 0.05
    max_leaf_nodes: int = 31
    min_samples_leaf: int = 20
    l2_regularization: float = 0.0
    max_features: float = 1.0
    max_bins: int = 255
    n_iter_no_change: int = 50


@dataclass(frozen=True, slots=True)
class ForestRecipe:
    """scikit-learn's ``RandomForestClassifier``: it chooses nothing, more trees are no worse."""

    n_estimators: int = 500
    max_features: float | str = "sqrt"
    min_samples_leaf: int = 1
    max_samples: float = 1.0
    criterion: str = "gini"


@dataclass(frozen=True, slots=True)
class LogisticRecipe:
    """scikit-learn's ``LogisticRegression``, fitted by L-BFGS."""

    C: float = 1.0
    max_iter: int = 1000


@dataclass(frozen=True, slots=True)
class MLPRecipe:
    """scikit-learn's ``MLPClassifier``; of its epochs the best on the validation rows.

    It stops after `n_iter_no_change` epochs without a better one.
    """

    hidden_layer_sizes: tuple[int, ...] = (256, 256)
    activation: str = "relu"
    alpha: float = 1e-4
    learning_rate_init: float = 1e-3
    batch_size: int = 200
    max_iter: int = 200
    n_iter_no_change: int = 10


@dataclass(frozen=True, slots=True)
class OwnRecipe:
    """A classifier of the user's own: what tells it from others.

    Attributes
    ----------
    kind : module and name of its class
    parameters : name and ``repr`` of what ``get_params`` returns, sorted
    takes : "matrix", float32 as a network takes it, or "frame", the columns as a pandas DataFrame
    space : what a tuning may change (see :mod:`graduel.contenders.search`), as plain data
    """

    kind: str
    parameters: tuple[tuple[str, str], ...] = ()
    takes: str = "matrix"
    space: tuple[tuple[str, Any], ...] = ()


RivalRecipe = LightGBMRecipe | HistRecipe | ForestRecipe | LogisticRecipe | MLPRecipe | OwnRecipe

TITLES = {
    "lightgbm": "LightGBM",
    "hist": "histogram boosting",
    "forest": "random forest",
    "logistic": "logistic regression",
    "mlp": "scikit-learn MLP",
}
"""What each is called; of the last four the implementation is scikit-learn's."""


def image_rivals() -> dict[str, tuple[RivalRecipe, RivalRecipe]]:
    """Return for each its recipe on images, and that of ``--quick``.

    Pixels are coarse and alike: few bins, and part of them at each split, cost nothing in error.
    """
    lightgbm = LightGBMRecipe(
        n_estimators=400,
        learning_rate=0.1,
        colsample_bynode=0.3,
        max_bin=63,
        early_stopping_rounds=30,
    )
    hist = HistRecipe(
        max_iter=300, learning_rate=0.1, max_features=0.3, max_bins=63, n_iter_no_change=20
    )
    logistic, mlp = LogisticRecipe(C=0.1, max_iter=100), MLPRecipe(max_iter=50)
    return {
        "lightgbm": (lightgbm, replace(lightgbm, n_estimators=50, early_stopping_rounds=15)),
        "hist": (hist, replace(hist, max_iter=30, n_iter_no_change=10)),
        "forest": (ForestRecipe(300), ForestRecipe(100)),
        "logistic": (logistic, replace(logistic, max_iter=50)),
        "mlp": (mlp, replace(mlp, max_iter=12)),
    }


def table_rivals(rows: int, classes: int) -> dict[str, tuple[RivalRecipe, RivalRecipe]]:
    """Return for each its recipe on a table of so many training rows, and that of ``--quick``.

    >>> table_rivals(100, 2)["lightgbm"][0].min_child_samples
    5
    """
    # Forty rows in a leaf are too many of a few hundred.
    leaf = max(1, min(40, rows // 20))
    rounds = min(150, max(20, 4000 // classes))
    lightgbm = LightGBMRecipe(min_child_samples=leaf)
    hist = HistRecipe(min_samples_leaf=min(20, leaf))
    mlp = MLPRecipe(batch_size=max(8, min(200, rows // 20)))
    return {
        "lightgbm": (
            lightgbm,
            replace(lightgbm, n_estimators=rounds, learning_rate=0.15, early_stopping_rounds=15),
        ),
        "hist": (hist, replace(hist, max_iter=rounds, learning_rate=0.15, n_iter_no_change=15)),
        "forest": (ForestRecipe(), ForestRecipe(100)),
        "logistic": (LogisticRecipe(), LogisticRecipe(max_iter=200)),
        "mlp": (mlp, replace(mlp, max_iter=30)),
    }
