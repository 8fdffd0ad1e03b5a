"""XGBoost's recipes, named contenders and search space, as data."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from graduel.contenders.family import NamedContender, Recipes, TableTraits
from graduel.contenders.search.space import Choice, Integer, Real, Space
from graduel.train.recipes import RECIPES


@dataclass(frozen=True, slots=True)
class XGBoostRecipe:
    """The parameters of ``XGBClassifier`` with histogram trees, and options of graduel.

    With `early_stopping_rounds` 0 there is no early stopping: the model has all rounds. With
    `copies`, the model is fitted on the training rows and that many augmented copies of each;
    `augment` has the syntax of ``--net augment=…``.
    """

    n_estimators: int = 250
    learning_rate: float = 0.3
    max_depth: int = 6
    max_bin: int = 16
    colsample_bynode: float = 0.3
    multi_strategy: str = "multi_output_tree"
    early_stopping_rounds: int = 30
    min_child_weight: float = 1.0
    subsample: float = 1.0
    colsample_bylevel: float = 1.0
    reg_alpha: float = 0.0
    reg_lambda: float = 1.0
    grow_policy: str = "depthwise"
    max_leaves: int = 0
    max_cat_to_onehot: int = 4
    augment: str = "none"
    copies: int = 0
    stops_by: str = "log_loss"
    """The metric for early stopping if the leading metric is the error: "log_loss", or "metric" for
    the error itself."""


TABLE_SPACE: Space = {
    "n_estimators": Integer(100, 10_000, log=True),
    "learning_rate": Real(5e-3, 0.5, log=True),
    "max_depth": Integer(3, 10, log=True),
    "max_bin": Choice((32, 64, 128, 256)),
    "min_child_weight": Real(1e-6, 20.0, log=True),
    "subsample": Real(0.5, 1.0),
    "colsample_bylevel": Real(0.5, 1.0),
    "colsample_bynode": Real(0.3, 1.0),
    "reg_alpha": Real(0.0, 5.0),
    "reg_lambda": Real(0.0, 5.0),
    "grow_policy": Choice(("depthwise", "lossguide")),
    "max_leaves": Integer(0, 1024),
    "max_cat_to_onehot": Integer(2, 100, log=True),
}
"""Contains XGB-TD (see :data:`TUNED_DEFAULTS`) and the space of Erickson et al., *TabArena: A
Living Benchmark for Machine Learning on Tabular Data*, 2025, where ``max_leaves`` ranges from 8 to
1,024; here 0 means no limit."""

IMAGE_SPACE: Space = {
    # Pixels are redundant: few bins, and few pixels per split, are fast and do not raise the error.
    # A learning rate below 0.1 needs more rounds than fit into a budget of minutes.
    "n_estimators": Integer(150, 800, log=True),
    "learning_rate": Real(0.1, 0.5, log=True),
    "max_depth": Integer(5, 8),
    "max_bin": Choice((8, 16, 32)),
    "min_child_weight": Real(0.03, 10.0, log=True),
    "subsample": Real(0.6, 1.0),
    "colsample_bynode": Real(0.05, 0.5, log=True),
    "reg_lambda": Real(0.0, 5.0),
}

TUNED_DEFAULTS = XGBoostRecipe(
    n_estimators=1000,
    learning_rate=0.08,
    max_depth=6,
    max_bin=256,
    colsample_bynode=1.0,
    multi_strategy="one_output_per_tree",
    early_stopping_rounds=300,
    min_child_weight=5e-6,
    subsample=0.65,
    colsample_bylevel=0.9,
    reg_lambda=0.0,
    stops_by="metric",
)
"""XGB-TD-C: default hyperparameters tuned for the best average over many classification tables.

Source: Holzmüller et al., *Better by Default: Strong Pre-Tuned MLPs and Boosted Trees on Tabular
Data*, 2024, as implemented in pytabkit. As there, early stopping is by the leading metric, even if
it is the error.
"""

LIBRARY_DEFAULTS = XGBoostRecipe(
    n_estimators=100,
    learning_rate=0.3,
    max_depth=6,
    max_bin=256,
    colsample_bynode=1.0,
    multi_strategy="one_output_per_tree",
    early_stopping_rounds=0,
)
"""``XGBClassifier()`` with the library's defaults."""

AUGMENTED = XGBoostRecipe(
    n_estimators=400,
    learning_rate=0.3,
    max_depth=9,
    early_stopping_rounds=30,
    augment=RECIPES["mnist-augmented"].augment,
    copies=4,
)
"""The counterpart of the network ``mnist-augmented``, which warps each digit anew in each epoch:
the trees are fitted on each digit and four warped copies of it. Five times as many rows support
deeper trees: after ten rounds the validation log loss is 0.37 with depth 9, and 0.62 with depth 6.
"""

STRONGEST = XGBoostRecipe(n_estimators=1600, learning_rate=0.08, early_stopping_rounds=50)
STRONGEST_XGBOOST: dict[str, Any] = {
    "contender": "xgboost-best",
    "test_error": 0.0149,
    "fit_seconds": 477.0,
    "settings": asdict(STRONGEST),
    "note": "measured on raw pixels with seed 0, on two cores; see docs/results.md",
}
"""The best XGBoost recipe on MNIST known to this project, with its error and time."""


def _quick_rate(table: TableTraits) -> float:
    return 0.2 if table.quick_rounds == 150 else 0.3


def _table_recipes(table: TableTraits) -> Recipes:
    full = XGBoostRecipe(
        n_estimators=1000,
        learning_rate=0.05,
        max_bin=256,
        colsample_bynode=0.8,
        multi_strategy="one_output_per_tree",
        early_stopping_rounds=50,
    )
    if table.vector_leaves:
        full = replace(
            full,
            learning_rate=0.1,
            max_bin=64,
            colsample_bynode=0.5,
            multi_strategy="multi_output_tree",
        )
    quick = replace(
        full,
        n_estimators=table.quick_rounds,
        learning_rate=_quick_rate(table),
        early_stopping_rounds=15,
    )
    return Recipes(full, quick)


def _strongest_table_recipes(table: TableTraits) -> Recipes:
    usual = _table_recipes(table).full
    full = replace(
        usual,
        n_estimators=4000,
        learning_rate=0.4 * usual.learning_rate,
        max_depth=8,
        early_stopping_rounds=150,
    )
    quick = replace(full, n_estimators=500, learning_rate=0.08, early_stopping_rounds=40)
    return Recipes(full, quick)


def _tuned_table_recipes(table: TableTraits) -> Recipes:
    quick = replace(
        TUNED_DEFAULTS,
        n_estimators=table.quick_rounds,
        learning_rate=_quick_rate(table),
        early_stopping_rounds=15,
    )
    return Recipes(TUNED_DEFAULTS, quick)


def _library_table_recipes(table: TableTraits) -> Recipes:
    # 100 rounds are slow only with very many classes.
    rounds = min(100, table.quick_rounds)
    return Recipes(LIBRARY_DEFAULTS, replace(LIBRARY_DEFAULTS, n_estimators=rounds))


CONTENDERS = (
    NamedContender(
        "xgboost",
        "XGBoost",
        Recipes(
            XGBoostRecipe(),
            XGBoostRecipe(n_estimators=50, learning_rate=0.4, early_stopping_rounds=15),
        ),
        _table_recipes,
        default=True,
    ),
    NamedContender(
        "xgboost-best",
        "strongest XGBoost",
        Recipes(
            STRONGEST,
            replace(STRONGEST, n_estimators=250, learning_rate=0.15, early_stopping_rounds=25),
        ),
        _strongest_table_recipes,
    ),
    NamedContender(
        "xgboost-augmented",
        "XGBoost on augmented digits",
        Recipes(
            AUGMENTED,
            replace(
                AUGMENTED,
                n_estimators=50,
                learning_rate=0.4,
                early_stopping_rounds=15,
                max_depth=6,
                copies=2,
            ),
        ),
        None,
    ),
    NamedContender(
        "xgboost-td",
        "XGBoost with tuned defaults",
        Recipes(
            TUNED_DEFAULTS,
            replace(
                TUNED_DEFAULTS,
                n_estimators=100,
                learning_rate=0.2,
                max_bin=16,
                early_stopping_rounds=15,
            ),
        ),
        _tuned_table_recipes,
    ),
    NamedContender(
        "xgboost-plain",
        "XGBoost with default parameters",
        Recipes(LIBRARY_DEFAULTS, replace(LIBRARY_DEFAULTS, n_estimators=30)),
        _library_table_recipes,
    ),
)
