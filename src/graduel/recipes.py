"""Named hyperparameter sets, as data.

Each is a frozen dataclass whose fields are what ``--net`` and the report show. Numbers were
measured on two cores; ``docs/results.md`` says how.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from graduel.rivals import TITLES, RivalRecipe, image_rivals, table_rivals


@dataclass(frozen=True, slots=True)
class TextbookRecipe:
    """Full-batch gradient descent on the network as derived."""

    layers: tuple[int, ...] = (128,)
    rate: float = 0.5
    steps: int = 250


@dataclass(frozen=True, slots=True)
class NetRecipe:
    """A network of hidden layers, trained as one trains networks today.

    Names stand as ``--net`` takes them, ``leaky_relu(slope=0.2)`` for instance; what is 0 or
    empty is left out.
    """

    layers: tuple[int | str, ...] = (512, 512)
    activation: str = "relu"
    norm: str = "none"
    dropout: float = 0.2
    noise: float = 0.0
    init: str = "he_normal"
    loss: str = "softmax"
    label_smoothing: float = 0.0
    class_weight: str = "none"
    optimizer: str = "adamw"
    lr: float = 1e-3
    momentum: float = 0.9
    weight_decay: float = 0.01
    decays: str = ""
    rates: str = ""
    clip_norm: float = 0.0
    clip_value: float = 0.0
    max_norm: float = 0.0
    ema: float = 0.0
    schedule: str = "cosine"
    warmup: float = 0.05
    plateau: int = 0
    augment: str = "none"
    batch_size: int = 128
    epochs: int = 20
    scaling: str = "robust"
    embed: int = 0
    numbers: str = "plain"
    front_scale: bool = False
    ntk: bool = False
    calibrate: bool = False
    heads: int = 1
    falls: str = ""

    @property
    def preparation(self) -> dict[str, Any]:
        """How a table is prepared for it: options of ``NetPreparation.fit``."""
        return {
            "embed": self.embed > 0,
            "one_hot": self.embed,
            "scaling": self.scaling,
        }


RECIPES: dict[str, NetRecipe] = {
    "mnist": NetRecipe(
        layers=(1200, 600, 300), norm="batch", dropout=0.0, noise=0.25, lr=2e-3, epochs=38
    ),
    "mnist-augmented": NetRecipe(
        layers=(1000, 500, 250, 250),
        norm="batch",
        dropout=0.0,
        noise=0.1,
        lr=2e-3,
        augment="warp(angle=12,scale=0.12,shear=0.15,shift=1.5,elastic=1.2,share=4)",
        ema=0.998,
        epochs=50,
    ),
    "mnist-conv": NetRecipe(
        layers=(
            *("conv16", "conv16", "maxpool", "conv32", "conv32", "maxpool", "conv64", "conv64"),
            *(128, "dropout0.3"),
        ),
        norm="batch",
        dropout=0.0,
        lr=1e-2,
        weight_decay=0.02,
        augment="warp(angle=10,scale=0.1,shear=0.1,shift=1,elastic=0.5)",
        epochs=15,
    ),
    "tabular": NetRecipe(
        layers=(128, 128, 128),
        heads=8,
        activation="parametric_selu",
        dropout=0.15,
        optimizer="adamw(beta2=0.95)",
        lr=0.04,
        weight_decay=0.02,
        rates="bias:0.1,scale:6,periodic:0.1,activation:0.1",
        schedule="coslog4",
        warmup=0.0,
        falls="dropout,decay",
        scaling="both",
        embed=9,
        numbers="pbld(frequencies=16,size=4,std=0.1)",
        front_scale=True,
        ntk=True,
        calibrate=True,
        batch_size=256,
        epochs=64,
    ),
}
"""Networks that do well on certain data: ``--net "recipe=mnist epochs=30"``."""


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


Recipe = TextbookRecipe | NetRecipe | XGBoostRecipe | RivalRecipe


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
    "net": Entry("net", "NumPy network", NetRecipe(), NetRecipe(epochs=12)),
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
        for name, (full, quick) in image_rivals().items()
    },
}


TABLE_NETS: tuple[tuple[float, int, int, int], ...] = (
    # up to so many training rows: rows a batch, epochs, epochs of --quick
    (1_000, 128, 96, 48),
    (5_000, 256, 64, 24),
    (25_000, 256, 64, 12),
    (float("inf"), 256, 25, 6),
)
"""How a network goes through a table: a very small one in smaller batches, and more often."""


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
    net, quick = table_nets()[next(i for i, one in enumerate(TABLE_NETS) if rows <= one[0])]
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
        "net": (net, quick),
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
        **table_rivals(rows, classes),
    }
    return {
        name: replace(CONTENDERS[name], full=full, quick=quick)
        for name, (full, quick) in recipes.items()
    }


def table_nets() -> list[tuple[NetRecipe, NetRecipe]]:
    """Return the networks for tables of each size, and those of ``--quick``."""
    base = RECIPES["tabular"]
    return [
        (
            replace(base, batch_size=batch, epochs=epochs),
            replace(base, batch_size=batch, epochs=few, heads=4),
        )
        for _, batch, epochs, few in TABLE_NETS
    ]


def net_recipe(quick: bool, table_rows: int | None = None) -> NetRecipe:
    """Return the recipe of the contender 'net', from which one of the user's own begins.

    `table_rows` are the training rows of a table; None where there are images.
    """
    known = CONTENDERS if table_rows is None else table_contenders(table_rows)
    recipe = known["net"].quick if quick else known["net"].full
    assert isinstance(recipe, NetRecipe)
    return recipe


def known_nets() -> list[Recipe]:
    """Return every recipe of the contender 'net' that is the project's own."""
    entry = CONTENDERS["net"]
    return [entry.full, entry.quick, *(recipe for pair in table_nets() for recipe in pair)]


STRONGEST_XGBOOST: dict[str, Any] = {
    "contender": "xgboost-best",
    "test_error": 0.0149,
    "fit_seconds": 477.0,
    "settings": asdict(CONTENDERS["xgboost-best"].full),
    "note": "measured on raw pixels with seed 0, on two cores; docs/results.md says how",
}
"""The strongest XGBoost recipe on MNIST that the project knows, and what it costs."""
