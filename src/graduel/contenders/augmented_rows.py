"""Training rows and augmented copies of them, for models that cannot augment batch by batch."""

from __future__ import annotations

import numpy as np

from graduel.contenders.contender import Array, LabelledRows

BLOCK = 2048
"""Rows that are augmented at a time; in between they are floats."""


def augment_rows(
    train: LabelledRows, augment: str, copies: int, rng: np.random.Generator
) -> LabelledRows:
    """Return the rows unchanged and `copies` augmented copies of each, of the same dtype.

    A network augments each batch anew in every epoch; trees are fitted on all rows at once, and
    their copies are drawn once.

    Parameters
    ----------
    train : the rows
    augment : the augmentation as ``--net`` takes it, ``warp(angle=10)`` for instance
    copies : of each row
    rng : draws the augmentations

    Raises
    ------
    UserError
        If the augmentation is for images and the rows are not images.
    """
    from graduel.train.build.network_builder import build_augmentations

    steps = build_augmentations(augment, train.image)
    n, width = train.X.shape
    floats = "float64" if train.X.dtype == np.float64 else "float32"
    augmenters = [step.prepare(width, train.image, rng)(BLOCK, floats) for step in steps]
    X = np.empty(((1 + copies) * n, width), train.X.dtype)
    X[:n] = train.X
    is_integer = train.X.dtype.kind != "f"
    for place in range(n, len(X), n):
        for start in range(0, n, BLOCK):
            x: Array = train.X[start : start + BLOCK].astype(floats)
            for apply in augmenters:
                x = apply(x)
            X[place + start : place + start + len(x)] = np.rint(x) if is_integer else x
    y = np.tile(train.y, 1 + copies)
    return LabelledRows(X, y, train.n_classes, train.image, train.columns)
