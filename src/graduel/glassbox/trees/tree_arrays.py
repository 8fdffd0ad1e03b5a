"""XGBoost's trees as arrays, read from its JSON model format."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import log
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from graduel.data.prepare.encoders import Boolean, CategoryCode
from graduel.errors import UserError
from graduel.glassbox.plain_data import Array
from graduel.models.model import Model


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """The nodes of one tree, as arrays."""

    group: int | None
    """The class whose margin the tree adds to; None for vector leaves, which add to all."""
    left: Array
    right: Array
    parent: Array
    feature: Array
    condition: Array
    """The threshold of a split, or the value of a leaf."""
    default_left: Array
    categories: dict[int, tuple[int, ...]]
    """Of nodes that split by category, the categories that go right."""
    vectors: Array | None = None
    """Values of vector leaves, shape (n_leaves, n_classes)."""

    def value(self, leaf: int, n_classes: int) -> Array:
        """Return a leaf's contribution to each class's margin."""
        if self.vectors is not None:
            vector: Array = self.vectors[self.right[leaf]].astype(np.float64)
            return vector
        values = np.zeros(n_classes)
        values[self.group or 0] = self.condition[leaf]
        return values


@dataclass(frozen=True, slots=True, eq=False)
class Forest:
    """The trees of a booster, and a copy of the booster that predicts in one thread."""

    booster: Any
    trees: tuple[Tree, ...]
    n_classes: int
    """Number of margins: 1 for two classes."""
    base: Array
    """The base score of each margin in log-odds, shape (n_classes,)."""
    per_round: int
    vector_leaves: bool
    names: tuple[str, ...]
    levels: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """The names of the codes of categorical and boolean features, by index of the feature."""

    @property
    def n_rounds(self) -> int:
        """The number of boosting rounds."""
        return len(self.trees) // self.per_round

    @property
    def kind(self) -> str:
        """A description of the kind of trees."""
        if self.vector_leaves:
            return "one tree per round for all classes (vector leaves)"
        if self.n_classes == 1:
            return "one tree per round, for the second of two classes"
        return f"one tree per class: {self.n_classes} trees per round"


def read_forest(booster: Any) -> Forest:
    """Read the structure of an XGBoost booster.

    Parameters
    ----------
    booster : an ``xgboost.Booster``, or a fitted ``XGBClassifier``

    Raises
    ------
    UserError
        If the booster has no trees (``gblinear``) or weights them (``dart``).
    """
    booster = (booster.get_booster() if hasattr(booster, "get_booster") else booster).copy()
    booster.set_param({"nthread": 1})  # for one row, threads cost more than they save
    learner = json.loads(bytes(booster.save_raw("json")))["learner"]
    boosting = learner["gradient_booster"]
    if boosting["name"] != "gbtree":
        raise UserError(
            f"expected boosted trees (booster 'gbtree'); got booster '{boosting['name']}'"
        )
    model, param = boosting["model"], learner["learner_model_param"]
    vector = any(int(tree["tree_param"]["size_leaf_vector"]) > 1 for tree in model["trees"])
    trees = tuple(
        _read_tree(tree, None if vector else int(group))
        for tree, group in zip(model["trees"], model["tree_info"], strict=True)
    )
    n = max(1, int(param["num_class"]), int(param["num_target"]))
    base = np.atleast_1d(np.asarray(json.loads(param["base_score"].replace("E", "e")), np.float64))
    base = np.broadcast_to(base, (n,)).copy()
    if learner["objective"]["name"] in ("binary:logistic", "reg:logistic", "binary:logitraw"):
        base = np.array([log(p / (1 - p)) for p in base])
    parallel = max(1, int(model["gbtree_model_param"]["num_parallel_tree"]))
    names = tuple(booster.feature_names or ())
    return Forest(booster, trees, n, base, parallel * (1 if vector else n), vector, names)


def _read_tree(tree: dict[str, Any], group: int | None) -> Tree:
    starts, sizes = tree["categories_segments"], tree["categories_sizes"]
    categories = {
        node: tuple(tree["categories"][start : start + size])
        for node, start, size in zip(tree["categories_nodes"], starts, sizes, strict=True)
    }
    vectors = None
    if group is None:
        if "leaf_weights" not in tree:
            raise UserError(
                "trees with vector leaves need XGBoost 3.2 or later; upgrade it, or use a "
                "contender with one tree per class, such as xgboost-plain"
            )
        size = int(tree["tree_param"]["size_leaf_vector"])
        vectors = np.array(tree["leaf_weights"], np.float32).reshape(-1, size)
    return Tree(
        group,
        np.array(tree["left_children"]),
        np.array(tree["right_children"]),
        np.array(tree["parents"]),
        np.array(tree["split_indices"]),
        np.array(tree["split_conditions"], np.float32),
        np.array(tree["default_left"], bool),
        categories,
        vectors,
    )


_FORESTS: WeakKeyDictionary[Model, Forest] = WeakKeyDictionary()
"""Cache of each model's trees, for the lifetime of the model."""


def get_forest(model: Model) -> Forest:
    """Return the trees of a model, cached; UserError if the model is a network."""
    if model.booster is None:
        raise UserError("expected an XGBoost model; got a network")
    if model not in _FORESTS:
        _FORESTS[model] = replace(read_forest(model.booster), levels=level_names(model))
    return _FORESTS[model]


def margin_codes(model: Model) -> tuple[int, ...]:
    """Return the class code of each margin; the single margin of two classes is the second's."""
    binary = get_forest(model).n_classes == 1
    return model.class_codes[1:] if binary else model.class_codes


def level_names(model: Model) -> dict[int, tuple[str, ...]]:
    """Return the names of the codes of each categorical and boolean input, by its index."""
    names: dict[int, tuple[str, ...]] = {}
    start = 0
    for encoder in () if model.preparation is None else model.preparation.encoders:
        if isinstance(encoder, CategoryCode) and encoder.for_trees:
            names[start] = (*encoder.categories, *("another",) * encoder.others)
        elif isinstance(encoder, Boolean) and encoder.for_trees:
            names[start] = ("false", "true")
        start += len(encoder.names)
    return names
