"""XGBoost's recipes, its named contenders and its search space, as data."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from graduel.contenders.family import NamedContender, Recipes, TableTraits
from graduel.contenders.search.space import Choice, Integer, Real, Space
from graduel.train.recipes import RECIPES


@dataclass(frozen=True, slots=True)
class XGBoostRecipe:
    """Histogram trees with early stopping on the validation rows.

    With `early_stopping_rounds` 0 nothing stops, and all rounds are the model. Besides its training
    rows it is fitted on `copies` of each, augmented as `augment` says (``--net`` takes the same
    names).
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
    """Where a duel's metric is the error: "log_loss", or "metric", the error itself."""


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
"""It contains XGB-TD (see :data:`TUNED_DEFAULTS`) and the space of Erickson et al., *TabArena: A
Living Benchmark for Machine Learning on Tabular Data*, 2025. There ``max_leaves`` goes from 8 to
1,024; 0 here stands for no limit."""

IMAGE_SPACE: Space = {
    # Pixels are many and alike: few bins, and few of them at each split, lose nothing and are
    # fast. A rate below 0.1 needs more rounds than a budget of minutes has.
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
"""XGB-TD-C: defaults that were tuned to be best on average over many tables for classification.

Source: Holzmüller et al., *Better by Default: Strong Pre-Tuned MLPs and Boosted Trees on Tabular
Data*, 2024, as in pytabkit, and like there the metric of the duel stops it, the error too.
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
"""``XGBClassifier()`` without any parameter."""

AUGMENTED = XGBoostRecipe(
    n_estimators=400,
    learning_rate=0.3,
    max_depth=9,
    early_stopping_rounds=30,
    augment=RECIPES["mnist-augmented"].augment,
    copies=4,
)
"""The network ``mnist-augmented`` sees each digit warped anew in each epoch; trees see four warps
of it, and the digit itself. Five times as many rows, all different, carry deeper trees: with depth
9 the validation rows' log loss after ten rounds is 0.37, with depth 6 0.62.
"""

STRONGEST = XGBoostRecipe(n_estimators=1600, learning_rate=0.08, early_stopping_rounds=50)
STRONGEST_XGBOOST: dict[str, Any] = {
    "contender": "xgboost-best",
    "test_error": 0.0149,
    "fit_seconds": 477.0,
    "settings": asdict(STRONGEST),
    "note": "measured on raw pixels with seed 0, on two cores; docs/results.md says how",
}
"""The strongest XGBoost recipe on MNIST that the project knows, and what it costs."""


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
    # With very many classes 100 rounds take long; otherwise they are quick.
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
        "XGBoost as it comes",
        Recipes(LIBRARY_DEFAULTS, replace(LIBRARY_DEFAULTS, n_estimators=30)),
        _library_table_recipes,
    ),
)
