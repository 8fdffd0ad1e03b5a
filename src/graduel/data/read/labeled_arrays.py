"""Conversion of arrays to a data set: labels to class codes, 3-D and 4-D arrays to images."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.data.dataset import Dataset
from graduel.errors import UserError


def natural_order(name: str) -> tuple[bool, float, str]:
    """Return a sort key: numeric names first, by value, then the others alphabetically.

    >>> sorted(["10", "b", "9", "a"], key=natural_order)
    ['9', '10', 'a', 'b']
    """
    try:
        number = float(name)
    except ValueError:
        number = np.nan
    return (True, 0.0, name) if np.isnan(number) else (False, number, name)


def encode_labels(labels: NDArray[Any], where: str) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return class codes, 0 … n_classes − 1, and the class names in natural order."""
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise UserError(
            f"{where}: expected one label per example; got an array of shape {labels.shape}. "
            "Turn one-hot labels into codes with argmax(axis=1)"
        )
    if labels.dtype.kind == "f":
        odd = ~np.isfinite(labels) | (labels != np.round(labels))
        if odd.any():
            row = int(np.flatnonzero(odd)[0])
            raise UserError(
                f"{where}: expected labels of classes; row {row + 1:,} holds {labels[row]}. "
                "Cut a numeric target into classes first"
            )
        labels = labels.astype(np.int64)
    if labels.dtype.kind not in "biuUS":
        raise UserError(
            f"{where}: expected labels that are whole numbers or text; got {labels.dtype}"
        )
    if labels.dtype.kind == "S":
        labels = np.char.decode(labels, "latin-1")
    values, inverse = np.unique(labels, return_inverse=True)
    names = [str(value) for value in values]
    order = sorted(range(len(names)), key=lambda i: natural_order(names[i]))
    codes = np.empty(len(names), np.int64)
    codes[order] = np.arange(len(names))
    return codes[inverse.ravel()], tuple(names[i] for i in order)


def dataset_from_arrays(
    name: str,
    X: NDArray[Any],
    labels: NDArray[Any],
    *,
    n_train: int | None = None,
    source: str = "",
) -> Dataset:
    """Return the data set of two arrays: X, rows of numbers or images, and labels."""
    if X.dtype.kind == "b":
        X = X.astype(np.uint8)
    if X.dtype.kind not in "iuf":
        raise UserError(f"{name}: expected X of numbers; got {X.dtype}")
    if X.ndim not in (2, 3, 4) or not X.size:
        raise UserError(
            f"{name}: expected X of shape (n, features), (n, height, width) or "
            f"(n, height, width, channels), with no dimension 0; got {X.shape}"
        )
    _reject_missing_pixels(X, name)
    y, classes = encode_labels(labels, name)
    if len(X) != len(y):
        raise UserError(f"{name}: expected as many labels as rows; got {len(y)} and {len(X)}")
    if len(classes) < 2:
        raise UserError(f"{name}: expected two classes or more; every label is '{classes[0]}'")
    return Dataset(name, X, y, classes, n_train, source)


def _reject_missing_pixels(X: NDArray[Any], name: str) -> None:
    """Raise if pixels are missing or infinite; rows of numbers may have such values."""
    if X.ndim == 2 or X.dtype.kind != "f":
        return
    odd = ~np.isfinite(X).all(axis=tuple(range(1, X.ndim)))
    if odd.any():
        row = int(np.flatnonzero(odd)[0])
        raise UserError(
            f"{name}: expected images of finite numbers; {int(odd.sum()):,} of them have missing "
            f"or infinite pixels (first: row {row + 1:,}). Remove the images or fill in the pixels"
        )
