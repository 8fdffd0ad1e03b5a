"""Named hyperparameter sets, as data.

Each is a frozen dataclass whose fields are what ``--net`` and the report show. Numbers were
measured on two cores; ``docs/results.md`` says how.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


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
    batch_size: int = 128
    epochs: int = 20


@dataclass(frozen=True, slots=True)
class XGBoostRecipe:
    """Histogram trees with early stopping on the validation rows."""

    n_estimators: int = 250
    learning_rate: float = 0.3
    max_depth: int = 6
    max_bin: int = 16
    colsample_bynode: float = 0.3
    multi_strategy: str = "multi_output_tree"
    early_stopping_rounds: int = 30


Recipe = TextbookRecipe | NetRecipe | XGBoostRecipe


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


CONTENDERS: dict[str, Entry] = {
    "textbook": Entry("textbook", "textbook network", TextbookRecipe(), TextbookRecipe(steps=100)),
    "net": Entry("net", "NumPy network", NetRecipe(), NetRecipe(epochs=12)),
    "xgboost": Entry(
        "xgboost",
        "XGBoost",
        XGBoostRecipe(),
        XGBoostRecipe(n_estimators=50, learning_rate=0.4, early_stopping_rounds=15),
    ),
    "xgboost-best": Entry(
        "xgboost",
        "strongest XGBoost",
        XGBoostRecipe(n_estimators=800, learning_rate=0.15, early_stopping_rounds=50),
        XGBoostRecipe(n_estimators=250, learning_rate=0.15, early_stopping_rounds=25),
        default=False,
    ),
}


def net_recipe(quick: bool) -> NetRecipe:
    """Return the recipe of the contender 'net', from which one of the user's own begins."""
    recipe = CONTENDERS["net"].quick if quick else CONTENDERS["net"].full
    assert isinstance(recipe, NetRecipe)
    return recipe


STRONGEST_XGBOOST: dict[str, Any] = {
    "contender": "xgboost-best",
    "test_error": 0.0155,
    "fit_seconds": 439.0,
    "settings": asdict(CONTENDERS["xgboost-best"].full),
    "note": "measured on raw pixels with seed 0, on two cores; docs/results.md says how",
}
"""The strongest XGBoost recipe on MNIST that the project knows, and what it costs."""
