"""Recipes: named hyperparameters of a network and its training.

``--net`` and the report show the fields of a recipe. The values were measured on two cores, as
described in ``docs/results.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class NetRecipe:
    """The hyperparameters of a network and its training.

    Parts are named as in ``--net``, such as ``leaky_relu(slope=0.2)``; 0 or an empty text means
    unused.
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
    vat: float = 0.0
    vat_weight: float = 1.0
    ema: float = 0.0
    schedule: str = "cosine"
    warmup: float = 0.05
    plateau: int = 0
    augment: str = "none"
    batch_size: int = 128
    epochs: int = 20
    scaling: str = "robust"
    category_embedding: int = 0
    numeric_embedding: str = "plain"
    input_scale: bool = False
    ntk: bool = False
    calibrate: bool = False
    members: int = 1
    scheduled: str = ""
    selects_by: str = "metric"
    """What selects the best epoch on validation rows: "metric", the leading one, or "log_loss" if
    that is the error, by which good epochs differ by chance."""

    @property
    def preparation(self) -> dict[str, Any]:
        """The options of ``NetPreparation.fit`` for a table."""
        return {
            "embed": self.category_embedding > 0,
            "one_hot": self.category_embedding,
            "scaling": self.scaling,
        }


RecipeLike = NetRecipe | Mapping[str, Any] | str
"""A recipe, or changes to a default recipe: text in the form of ``--net``, or a mapping."""


IMAGE_NET = NetRecipe(
    layers=(800, 400, 200),
    norm="batch",
    dropout=0.0,
    noise=0.25,
    lr=3e-3,
    batch_size=256,
    epochs=22,
    selects_by="log_loss",
)
"""The default for images."""
RECIPES: dict[str, NetRecipe] = {
    "mnist": NetRecipe(
        layers=(1200, 600, 300), norm="batch", dropout=0.0, noise=0.25, lr=2e-3, epochs=38
    ),
    "mnist-vat": NetRecipe(
        layers=(1200, 600, 300, 150), norm="batch", dropout=0.0, vat=2.1, lr=2e-3, epochs=40
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
        members=8,
        activation="parametric_selu",
        dropout=0.15,
        optimizer="adamw(beta2=0.95)",
        lr=0.04,
        weight_decay=0.02,
        rates="bias:0.1,scale:6,periodic:0.1,activation:0.1",
        schedule="coslog4",
        warmup=0.0,
        scheduled="dropout,decay",
        scaling="both",
        category_embedding=9,
        numeric_embedding="pbld(frequencies=16,size=4,std=0.1)",
        input_scale=True,
        ntk=True,
        calibrate=True,
        batch_size=256,
        epochs=64,
    ),
}
RECIPES["tabular-regression"] = replace(
    RECIPES["tabular"], activation="parametric_mish", loss="squared", lr=0.1
)
"""The named recipes, for example ``--net "recipe=mnist epochs=30"``."""


REGRESSION = "-regression"
"""The end of the name of the recipe for tables whose target is a number."""
TABLE_NETS: tuple[tuple[float, int, int, int], ...] = (
    # maximum number of training rows, batch size, epochs, epochs of --quick
    (1_000, 128, 96, 48),
    (5_000, 256, 64, 24),
    (25_000, 256, 64, 12),
    (float("inf"), 256, 25, 6),
)
"""Batch size and epochs by table size: smaller batches and more epochs for small tables."""


def table_nets(name: str = "tabular") -> list[tuple[NetRecipe, NetRecipe]]:
    """Return the recipes for each table size, paired with those of ``--quick``."""
    base = RECIPES[name]
    return [
        (
            replace(base, batch_size=batch, epochs=epochs),
            replace(base, batch_size=batch, epochs=few, members=4),
        )
        for _, batch, epochs, few in TABLE_NETS
    ]


def net_recipe(
    quick: bool, table_rows: int | None = None, *, regression: bool = False
) -> NetRecipe:
    """Return the default recipe of the contender 'net', which a user's recipe modifies.

    Parameters
    ----------
    quick : whether the recipe is that of ``--quick``
    table_rows : number of training rows of a table, or None for images
    regression : whether the target of the table is a number

    Examples
    --------
    >>> [net_recipe(False, n).batch_size for n in (500, 10**6)]
    [128, 256]
    """
    if table_rows is None:
        return replace(IMAGE_NET, epochs=12) if quick else IMAGE_NET
    size = next(i for i, one in enumerate(TABLE_NETS) if table_rows <= one[0])
    return table_nets(f"tabular{REGRESSION * regression}")[size][1 if quick else 0]


def known_nets() -> list[NetRecipe]:
    """Return all default recipes of the contender 'net'."""
    images = [net_recipe(quick) for quick in (False, True)]
    names = ("tabular", f"tabular{REGRESSION}")
    return [*images, *(recipe for name in names for pair in table_nets(name) for recipe in pair)]
