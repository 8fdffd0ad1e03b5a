"""Training rows and changed copies of them, for what cannot change a batch on its way."""

from __future__ import annotations

import numpy as np

from graduel.contenders.contender import Array, LabelledRows
from graduel.contenders.recipes import XGBoostRecipe

BLOCK = 2048
"""Rows that are changed at a time: what is between them and their copy is floats."""


def augment_rows(
    train: LabelledRows, recipe: XGBoostRecipe, rng: np.random.Generator
) -> LabelledRows:
    """Return the rows as they are and `recipe.copies` changed copies of each, of their dtype.

    The network's `augment` changes a batch each time anew; trees learn from all rows at once, and
    these are drawn once.

    Raises
    ------
    UserError
        If the rows are no images, and what changes them needs some.
    """
    from graduel.train.build.network_builder import build_augmentations

    steps = build_augmentations(recipe.augment, train.image)
    n, width = train.X.shape
    floats = "float64" if train.X.dtype == np.float64 else "float32"
    changers = [step.prepare(width, train.image, rng)(BLOCK, floats) for step in steps]
    X = np.empty(((1 + recipe.copies) * n, width), train.X.dtype)
    X[:n] = train.X
    whole = train.X.dtype.kind != "f"
    for place in range(n, len(X), n):
        for start in range(0, n, BLOCK):
            x: Array = train.X[start : start + BLOCK].astype(floats)
            for change in changers:
                x = change(x)
            X[place + start : place + start + len(x)] = np.rint(x) if whole else x
    y = np.tile(train.y, 1 + recipe.copies)
    return LabelledRows(X, y, train.n_classes, train.image, train.columns)
