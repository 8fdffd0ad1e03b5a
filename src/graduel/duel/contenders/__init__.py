"""The contenders, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from graduel.duel.contenders.base import (
    Budget,
    Checkpoint,
    Contender,
    Fitted,
    Part,
    Progress,
    error_rate,
)
from graduel.duel.contenders.net import Net
from graduel.duel.contenders.textbook import Textbook
from graduel.duel.contenders.xgboost import XGBoost
from graduel.recipes import NetRecipe, TextbookRecipe, XGBoostRecipe

FAMILIES: dict[str, tuple[Callable[..., Contender], Callable[..., Any]]] = {
    "textbook": (Textbook, TextbookRecipe),
    "net": (Net, NetRecipe),
    "xgboost": (XGBoost, XGBoostRecipe),
}
"""The class and the recipe of each family of models."""


def make_contender(
    name: str, family: str, recipe: Mapping[str, Any], metric: str = "error"
) -> Contender:
    """Make a contender from plain data, as it stands in a duel's plan.

    The textbook network chooses nothing, and so needs no metric.
    """
    contender, kind = FAMILIES[family]
    fields = {k: tuple(v) if isinstance(v, list) else v for k, v in recipe.items()}
    if family == "textbook":
        return contender(kind(**fields), name)
    return contender(kind(**fields), name, metric)


__all__ = [
    "FAMILIES",
    "Budget",
    "Checkpoint",
    "Contender",
    "Fitted",
    "Part",
    "Progress",
    "error_rate",
    "make_contender",
]
