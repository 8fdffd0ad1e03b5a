"""Each side's search space, all in one place, as data.

They contain what experts publish as defaults, and what they search (a test holds this):

- XGBoost: XGB-TD of Holzmüller et al., *Better by Default: Strong Pre-Tuned MLPs and Boosted Trees
  on Tabular Data*, 2024 (as in pytabkit: 1,000 trees, rate 0.08, depth 6, min_child_weight 5e-6,
  lambda 0, colsample_bylevel 0.9, subsample 0.65), and the space of Erickson et al., *TabArena: A
  Living Benchmark for Machine Learning on Tabular Data*, 2025. In TabArena ``max_leaves`` goes from
  8 to 1,024; 0 here stands for no limit.
- LightGBM: LGBM-TD of the first, and TabArena's space without what it searches for categories.
- the network: RealMLP-TD of the first (256 × 3 units, SELU that each unit may bend, waves of 16
  frequencies, dropout 0.15, decay 0.02, label smoothing 0.1, Adam with rate 0.04 and β₂ = 0.95,
  the schedule coslog4, 256 epochs of batches of 256), and scikit-learn's ``MLPClassifier`` (100
  units, ReLU, Glorot's uniform weights, Adam with 0.001, batches of 200, 200 epochs).

A parameter whose value in the recipe lies outside of its space is the user's own choice, and is not
searched. With ``--quick`` neither are rounds and epochs.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from graduel.contenders.search.space import Choice, Dimension, Integer, Real, Space, from_plain

LENGTHS = ("epochs", "n_estimators", "max_iter", "steps")
"""How long a fit may go on."""

TEXTBOOK: Space = {
    "layers": Choice(((32,), (64,), (128,), (256,))),
    "rate": Real(0.05, 2.0, log=True),
}

WAVES = (0.05, 0.1, 0.3, 1.0)
"""Standard deviations of the frequencies of a number's waves."""

TABLE_NET: Space = {
    "layers": Choice(
        (
            *((64,), (100,), (256,), (512,)),
            *((128, 128), (256, 256), (512, 512)),
            *((128, 128, 128), (256, 256, 256), (512, 512, 512)),
        )
    ),
    "heads": Choice((1, 4, 8, 16)),
    "activation": Choice(
        ("relu", "selu", "silu", "mish", "tanh", "parametric_selu", "parametric_mish")
    ),
    "scaling": Choice(("robust", "quantile", "both")),
    "numbers": Choice(
        (
            "plain",
            *(f"pbld(frequencies=16,size={size},std={std})" for size in (4, 8) for std in WAVES),
        )
    ),
    "norm": Choice(("none", "batch", "layer")),
    "dropout": Real(0.0, 0.5),
    "init": Choice(("he_normal", "lecun_normal", "glorot_uniform")),
    "label_smoothing": Real(0.0, 0.1),
    "optimizer": Choice(("adamw", "adamw(beta2=0.95)")),
    # Of a network with NTK parametrization: ten times what suits one without.
    "lr": Real(1e-3, 0.3, log=True),
    "weight_decay": Real(1e-5, 0.3, log=True),
    "schedule": Choice(("cosine", "coslog4", "flat_cos", "constant")),
    "batch_size": Integer(16, 512, log=True),
    "epochs": Integer(10, 256, log=True),
}

IMAGE_NET: Space = {
    "layers": Choice(((256,), (512,), (256, 256), (512, 512), (1024, 512), (512, 512, 512))),
    "activation": Choice(("relu", "silu", "mish")),
    "norm": Choice(("none", "batch", "layer")),
    "dropout": Real(0.0, 0.5),
    "label_smoothing": Real(0.0, 0.1),
    "lr": Real(3e-4, 1e-2, log=True),
    "weight_decay": Real(1e-3, 0.3, log=True),
    "schedule": Choice(("cosine", "coslog4", "flat_cos")),
    "batch_size": Integer(64, 256, log=True),
    "epochs": Integer(10, 40, log=True),
}

TABLE_XGBOOST: Space = {
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

IMAGE_XGBOOST: Space = {
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

LIGHTGBM: Space = {
    "n_estimators": Integer(100, 10_000, log=True),
    "learning_rate": Real(5e-3, 0.3, log=True),
    "num_leaves": Integer(2, 256, log=True),
    "min_child_samples": Integer(1, 64, log=True),
    "subsample": Real(0.5, 1.0),
    "colsample_bytree": Real(0.4, 1.0),
    "reg_alpha": Real(0.0, 1.0),
    "reg_lambda": Real(0.0, 2.0),
    "extra_trees": Choice((False, True)),
}

IMAGE_LIGHTGBM: Space = {
    "n_estimators": Integer(100, 1000, log=True),
    "learning_rate": Real(0.03, 0.3, log=True),
    "num_leaves": Integer(8, 128, log=True),
    "min_child_samples": Integer(5, 64, log=True),
    "subsample": Real(0.5, 1.0),
    "colsample_bynode": Real(0.05, 0.5, log=True),
    "reg_lambda": Real(0.0, 2.0),
}

HIST: Space = {
    "max_iter": Integer(100, 5000, log=True),
    "learning_rate": Real(0.01, 0.3, log=True),
    "max_leaf_nodes": Integer(4, 256, log=True),
    "min_samples_leaf": Integer(1, 100, log=True),
    "l2_regularization": Real(0.0, 5.0),
    "max_features": Real(0.1, 1.0),
}

FOREST: Space = {
    "max_features": Choice(("sqrt", "log2", 0.1, 0.25, 0.5, 1.0)),
    "min_samples_leaf": Integer(1, 20, log=True),
    "max_samples": Real(0.5, 1.0),
    "criterion": Choice(("gini", "entropy")),
}

LOGISTIC: Space = {"C": Real(1e-4, 1e3, log=True)}

MLP: Space = {
    "hidden_layer_sizes": Choice(
        ((64,), (100,), (256,), (128, 128), (256, 256), (512, 512), (256, 256, 256))
    ),
    "activation": Choice(("relu", "tanh")),
    "alpha": Real(1e-7, 0.1, log=True),
    "learning_rate_init": Real(1e-4, 3e-2, log=True),
    "batch_size": Integer(8, 512, log=True),
}

SPACES: dict[str, tuple[Space, Space]] = {
    "textbook": (TEXTBOOK, TEXTBOOK),
    "net": (TABLE_NET, IMAGE_NET),
    "xgboost": (TABLE_XGBOOST, IMAGE_XGBOOST),
    "lightgbm": (LIGHTGBM, IMAGE_LIGHTGBM),
    "hist": (HIST, HIST),
    "forest": (FOREST, FOREST),
    "logistic": (LOGISTIC, LOGISTIC),
    "mlp": (MLP, MLP),
}
"""Of each family, for tables and for images."""


def get_space(family: str, recipe: Any, *, image: bool, quick: bool) -> dict[str, Dimension]:
    """Return what is searched about a recipe; nothing of an estimator without a space.

    >>> from graduel.contenders.recipes import TextbookRecipe
    >>> list(get_space("textbook", TextbookRecipe(rate=9.0), image=True, quick=False))
    ['layers']
    """
    if family == "own":
        return from_plain(recipe.space)
    values = asdict(recipe)
    return {
        name: one
        for name, one in SPACES[family][image].items()
        if values[name] in one and not (quick and name in LENGTHS)
    }
