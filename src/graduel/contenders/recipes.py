"""Recipes of the contenders, as data: named hyperparameters for images and for tables.

Each is a frozen dataclass whose fields are what the report shows. Numbers were measured on two
cores; ``docs/results.md`` says how.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from graduel.train.recipes import RECIPES, NetRecipe, net_recipe


@dataclass(frozen=True, slots=True)
class TextbookRecipe:
    """Full-batch gradient descent on the network as derived."""

    layers: tuple[int, ...] = (128,)
    rate: float = 0.5
    steps: int = 250


@dataclass(frozen=True, slots=True)
class XGBoostRecipe:
    """Histogram trees with early stopping on the validation rows.

    With `early_stopping_rounds` 0 nothing is stopped, and all rounds are the model. Besides its
    training rows it learns from `copies` of each, changed as `augment` says (``--net`` takes the
    same names).
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
class UserEstimatorRecipe:
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


LibraryRecipe = (
    LightGBMRecipe | HistRecipe | ForestRecipe | LogisticRecipe | MLPRecipe | UserEstimatorRecipe
)

TITLES = {
    "lightgbm": "LightGBM",
    "hist": "histogram boosting",
    "forest": "random forest",
    "logistic": "logistic regression",
    "mlp": "scikit-learn MLP",
}
"""What each is called; of the last four the implementation is scikit-learn's."""


def image_recipes() -> dict[str, tuple[LibraryRecipe, LibraryRecipe]]:
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


def table_recipes(rows: int, classes: int) -> dict[str, tuple[LibraryRecipe, LibraryRecipe]]:
    """Return for each its recipe on a table of so many training rows, and that of ``--quick``.

    >>> table_recipes(100, 2)["lightgbm"][0].min_child_samples
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


Recipe = TextbookRecipe | NetRecipe | XGBoostRecipe | LibraryRecipe


@dataclass(frozen=True, slots=True)
class Entry:
    """A contender that can be asked for by name."""

    family: str
    title: str
    full: Recipe
    quick: Recipe
    """For ``--quick``: a first look at 10,000 rows in well under a minute."""
    default: bool = True
    """Does it duel when nobody chooses?"""


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


AS_IT_COMES = XGBoostRecipe(
    n_estimators=100,
    learning_rate=0.3,
    max_depth=6,
    max_bin=256,
    colsample_bynode=1.0,
    multi_strategy="one_output_per_tree",
    early_stopping_rounds=0,
)
"""What ``XGBClassifier()`` is when nobody sets anything."""


AUGMENTED_XGBOOST = XGBoostRecipe(
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


CONTENDERS: dict[str, Entry] = {
    "textbook": Entry("textbook", "textbook network", TextbookRecipe(), TextbookRecipe(steps=100)),
    "net": Entry("net", "NumPy network", net_recipe(False), net_recipe(True)),
    "net-best": Entry(
        "net",
        "best dense network",
        RECIPES["mnist"],
        replace(RECIPES["mnist"], epochs=12),
        default=False,
    ),
    "net-augmented": Entry(
        "net",
        "NumPy network on augmented digits",
        RECIPES["mnist-augmented"],
        replace(RECIPES["mnist-augmented"], epochs=15),
        default=False,
    ),
    "net-conv": Entry(
        "net",
        "convolutional network",
        RECIPES["mnist-conv"],
        replace(RECIPES["mnist-conv"], epochs=6),
        default=False,
    ),
    "xgboost": Entry(
        "xgboost",
        "XGBoost",
        XGBoostRecipe(),
        XGBoostRecipe(n_estimators=50, learning_rate=0.4, early_stopping_rounds=15),
    ),
    "xgboost-best": Entry(
        "xgboost",
        "strongest XGBoost",
        XGBoostRecipe(n_estimators=1600, learning_rate=0.08, early_stopping_rounds=50),
        XGBoostRecipe(n_estimators=250, learning_rate=0.15, early_stopping_rounds=25),
        default=False,
    ),
    "xgboost-augmented": Entry(
        "xgboost",
        "XGBoost on augmented digits",
        AUGMENTED_XGBOOST,
        replace(
            AUGMENTED_XGBOOST,
            n_estimators=50,
            learning_rate=0.4,
            early_stopping_rounds=15,
            max_depth=6,
            copies=2,
        ),
        default=False,
    ),
    "xgboost-td": Entry(
        "xgboost",
        "XGBoost with tuned defaults",
        TUNED_DEFAULTS,
        replace(
            TUNED_DEFAULTS,
            n_estimators=100,
            learning_rate=0.2,
            max_bin=16,
            early_stopping_rounds=15,
        ),
        default=False,
    ),
    "xgboost-plain": Entry(
        "xgboost",
        "XGBoost as it comes",
        AS_IT_COMES,
        replace(AS_IT_COMES, n_estimators=30),
        default=False,
    ),
    **{
        name: Entry(name, TITLES[name], full, quick, default=False)
        for name, (full, quick) in image_recipes().items()
    },
}


def table_contenders(
    rows: int, *, classes: int = 2, vector_leaves: bool = False
) -> dict[str, Entry]:
    """Return the contenders as they meet a table of so many training rows.

    `vector_leaves` is for more than two classes and columns of numbers alone: one tree a round
    for all classes. A round costs as much as there are classes: of very many, ``--quick`` boosts
    fewer rounds.

    >>> [table_contenders(n)["net"].full.batch_size for n in (500, 10**6)]
    [128, 256]
    """
    xgboost = XGBoostRecipe(
        n_estimators=1000,
        learning_rate=0.05,
        max_bin=256,
        colsample_bynode=0.8,
        multi_strategy="one_output_per_tree",
        early_stopping_rounds=50,
    )
    if vector_leaves:
        xgboost = replace(
            xgboost,
            learning_rate=0.1,
            max_bin=64,
            colsample_bynode=0.5,
            multi_strategy="multi_output_tree",
        )
    rounds = min(150, max(20, 4000 // classes))
    faster = replace(
        xgboost,
        n_estimators=rounds,
        learning_rate=0.2 if rounds == 150 else 0.3,
        early_stopping_rounds=15,
    )
    best = replace(
        xgboost,
        n_estimators=4000,
        learning_rate=0.4 * xgboost.learning_rate,
        max_depth=8,
        early_stopping_rounds=150,
    )
    slower = replace(best, n_estimators=500, learning_rate=0.08, early_stopping_rounds=40)
    recipes: dict[str, tuple[Recipe, Recipe]] = {
        "textbook": (TextbookRecipe(rate=0.2, steps=500), TextbookRecipe(rate=0.2, steps=60)),
        "net": (net_recipe(False, rows), net_recipe(True, rows)),
        "xgboost": (xgboost, faster),
        "xgboost-best": (best, slower),
        "xgboost-td": (
            TUNED_DEFAULTS,
            replace(
                TUNED_DEFAULTS,
                n_estimators=rounds,
                learning_rate=faster.learning_rate,
                early_stopping_rounds=15,
            ),
        ),
        # Of very many classes 100 rounds take long; otherwise it is quick as it is.
        "xgboost-plain": (AS_IT_COMES, replace(AS_IT_COMES, n_estimators=min(100, rounds))),
        **table_recipes(rows, classes),
    }
    return {
        name: replace(CONTENDERS[name], full=full, quick=quick)
        for name, (full, quick) in recipes.items()
    }


STRONGEST_XGBOOST: dict[str, Any] = {
    "contender": "xgboost-best",
    "test_error": 0.0149,
    "fit_seconds": 477.0,
    "settings": asdict(CONTENDERS["xgboost-best"].full),
    "note": "measured on raw pixels with seed 0, on two cores; docs/results.md says how",
}
"""The strongest XGBoost recipe on MNIST that the project knows, and what it costs."""
