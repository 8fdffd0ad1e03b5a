"""The models and digits of the page as JSON: numbers as base64 of little-endian arrays."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import numpy as np

from graduel.errors import UserError
from graduel.glassbox.network.equations import find_lines
from graduel.glassbox.plain_data import Array
from graduel.glassbox.standalone.digit_models import DigitModels
from graduel.glassbox.trees.tree_arrays import Forest


def models_as_dict(models: DigitModels) -> dict[str, Any]:
    """Return the models, the digits and the lines of ``textbook.py`` as plain data."""
    recipe = models.recipe
    return {
        "net": {
            "W": [pack(W, "<f4") for W in models.W],
            "b": [pack(b, "<f4") for b in models.b],
            "error": models.net_error,
            "rows": recipe.net_rows,
        },
        "forest": forest_as_dict(models.forest)
        | {"error": models.tree_error, "rows": recipe.tree_rows},
        "digits": {"pixels": pack(models.pixels, "u1"), "labels": models.labels.tolist()},
        "lines": {
            str(number): {"number": line.number, "text": line.text}
            for number, line in find_lines().items()
        },
        "testRows": recipe.test_rows,
        "seed": recipe.seed,
    }


def pack(array: Array, dtype: str) -> dict[str, Any]:
    """Return an array as its shape, the kind of its numbers, and base64.

    >>> pack(np.array([[1, 2]]), "u1")
    {'shape': [1, 2], 'kind': 'u1', 'data': 'AQI='}
    """
    content = np.ascontiguousarray(array, np.dtype(dtype)).tobytes()
    kind = np.dtype(dtype).str[1:]
    return {"shape": list(array.shape), "kind": kind, "data": b64encode(content).decode()}


def forest_as_dict(forest: Forest) -> dict[str, Any]:
    """Return the trees as arrays over all nodes, as ``js/trees.js`` reads them.

    ``left`` and ``right`` count from the tree's root, and are 0 at a leaf.

    Raises
    ------
    UserError
        If the trees have vector leaves or categories, or fewer than two margins.
    """
    trees = forest.trees
    if forest.vector_leaves or forest.n_classes < 2 or any(tree.categories for tree in trees):
        raise UserError(
            "expected one tree for each of at least two classes, and numeric features; got "
            f"{forest.kind}. Train XGBoost with objective multi:softprob on numbers"
        )
    sizes = [len(tree.left) for tree in trees]
    joined = {
        name: np.concatenate([np.asarray(getattr(tree, name)) for tree in trees])
        for name in ("left", "right", "feature", "condition")
    }
    is_leaf = joined["left"] < 0
    return {
        "root": pack(np.cumsum([0, *sizes[:-1]]), "<u4"),
        "group": [tree.group for tree in trees],
        "base": forest.base.tolist(),
        "rounds": forest.n_rounds,
        "left": pack(np.where(is_leaf, 0, joined["left"]), "<u2"),
        "right": pack(np.where(is_leaf, 0, joined["right"]), "<u2"),
        "feature": pack(np.where(is_leaf, 0, joined["feature"]), "<u2"),
        "threshold": pack(np.where(is_leaf, 0, joined["condition"]), "<f4"),
        "value": pack(np.where(is_leaf, joined["condition"], 0), "<f4"),
    }
