"""Data augmentation by copies of the training rows, for models that do not train in batches."""

from __future__ import annotations

import numpy as np

from graduel.contenders.contender import Array, LabelledRows

BLOCK = 2048
"""Rows augmented at a time, to limit the memory of the intermediate floats."""


def augment_rows(
    train: LabelledRows, augment: str, copies: int, rng: np.random.Generator
) -> LabelledRows:
    """Return the training rows followed by `copies` augmented copies of each, in the same dtype.

    A network augments every batch in every epoch; trees are fitted on all rows, so their copies are
    drawn once.

    Parameters
    ----------
    train : the training rows
    augment : the augmentation in the syntax of ``--net``, such as ``warp(angle=10)``
    copies : augmented copies of each row
    rng : source of the random augmentations

    Raises
    ------
    UserError
        If the augmentation needs images and the rows are not images.
    """
    from graduel.train.build.network_builder import build_augmentations

    steps = build_augmentations(augment, train.image)
    n, width = train.X.shape
    floats = "float64" if train.X.dtype == np.float64 else "float32"
    augmenters = [step.prepare(width, train.image, rng)(BLOCK, floats) for step in steps]
    X = np.empty(((1 + copies) * n, width), train.X.dtype)
    X[:n] = train.X
    is_integer = train.X.dtype.kind != "f"
    for offset in range(n, len(X), n):
        for start in range(0, n, BLOCK):
            x: Array = train.X[start : start + BLOCK].astype(floats)
            for apply in augmenters:
                x = apply(x)
            X[offset + start : offset + start + len(x)] = np.rint(x) if is_integer else x
    y = np.tile(train.y, 1 + copies)
    return LabelledRows(X, y, train.n_classes, train.image, train.columns)
