"""Conversion of arrays to a data set: labels to class codes, 3-D and 4-D arrays to images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.data.dataset import Dataset
from graduel.data.finding import (
    DATA_READ,
    IMAGES_CHANGED,
    PIXEL_SCALE,
    UNKNOWN_PIXEL_SCALE,
    Finding,
)
from graduel.data.prepare.pixel_format import (
    MAX_CHANNELS,
    TOP,
    PixelFormat,
    has_channels_first,
    infer_format,
    normalize_pixels,
    reject_missing_pixels,
)
from graduel.data.read.arrays.array_names import leave_out
from graduel.data.read.column_names import join_names
from graduel.errors import UserError

MIN_SIDE = 8
"""Minimum height and width of an image in a row of bytes."""


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


def as_labels(labels: NDArray[Any], where: str) -> NDArray[Any]:
    """Return labels as an array of shape (n,).

    Raises
    ------
    UserError
        If there are several numbers per example, such as one-hot labels.
    """
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise UserError(
            f"{where}: expected one label per example; got an array of shape {labels.shape}. "
            "Turn one-hot labels into codes with argmax(axis=1)"
        )
    return labels


def encode_labels(labels: NDArray[Any], where: str) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return class codes, 0 … n_classes − 1, and the class names in natural order."""
    labels = as_labels(labels, where)
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


def join_class_arrays(
    name: str, arrays: Mapping[str, NDArray[Any]], parts: Mapping[str, Mapping[str, str]]
) -> Dataset:
    """Return the data set of arrays that hold the rows of one class each.

    Rows of bytes whose number is a square are images.

    Parameters
    ----------
    name : name of the file
    arrays : all arrays of the file
    parts : the names of those arrays by part, train and test, and by class

    Raises
    ------
    UserError
        If the shapes of the arrays differ by more than the number of rows.
    """
    names = {array: label for one in parts.values() for label, array in one.items()}
    rows = [arrays[array] for array in names]
    if len({array.shape[1:] for array in rows}) > 1 or rows[0].ndim < 2:
        shapes = [f"{array} {arrays[array].shape}" for array in names]
        raise UserError(
            f"{name}: expected arrays of shape (n, features) for each class; got "
            f"{join_names(shapes)}. Join them to X and y"
        )
    X, labels = np.concatenate(rows), np.repeat([*names.values()], [len(array) for array in rows])
    message = f"the arrays {join_names(names)} are read as the rows of one class each"
    side = isqrt(X.shape[1])
    if X.ndim == 2 and X.dtype == np.uint8 and side >= MIN_SIDE and side * side == X.shape[1]:
        X = X.reshape(-1, side, side)
        message += f", and {side * side} bytes of a row as an image of {side} × {side} pixels"
    return dataset_from_arrays(
        Path(name).stem,
        X,
        labels,
        n_train=sum(len(arrays[array]) for array in parts["train"].values()),
        source=name,
        findings=(DATA_READ.report(message), *leave_out(arrays, names)),
    )


def dataset_from_arrays(
    name: str,
    X: NDArray[Any],
    labels: NDArray[Any],
    *,
    n_train: int | None = None,
    source: str = "",
    notes: tuple[str, ...] = (),
    findings: tuple[Finding, ...] = (),
    background: int | None = None,
) -> Dataset:
    """Return the data set of two arrays: X, rows of numbers or images, and labels.

    Images get the channels last, and pixels of a scale that is inferred from their values.

    Parameters
    ----------
    n_train, source, notes, findings : see :class:`Dataset`
    background : brightness on which transparent images were put
    """
    if X.dtype.kind == "b":
        X = X.astype(np.uint8)
    if X.dtype.kind not in "iuf":
        raise UserError(f"{name}: expected X of numbers; got {X.dtype}")
    if X.ndim not in (2, 3, 4) or not X.size:
        raise UserError(
            f"{name}: expected X of shape (n, features), (n, height, width) or "
            f"(n, height, width, channels), with no dimension 0; got {X.shape}"
        )
    pixels = None
    if X.ndim > 2:
        if X.shape[-1:] == labels.shape[:1] != X.shape[:1]:
            raise UserError(
                f"{name}: expected images of shape (n, …); got {X.shape}, with n last. "
                "Put the examples first, with numpy.moveaxis(X, -1, 0)"
            )
        X, pixels, more = _read_pixels(X, name)
        pixels, findings = replace(pixels, background=background), (*findings, *more)
    y, classes = encode_labels(labels, name)
    if len(X) != len(y):
        raise UserError(f"{name}: expected as many labels as rows; got {len(y)} and {len(X)}")
    if len(classes) < 2:
        raise UserError(f"{name}: expected two classes or more; every label is '{classes[0]}'")
    return Dataset(
        name, X, y, classes, n_train, source, pixels=pixels, notes=notes, findings=findings
    )


def _read_pixels(
    X: NDArray[Any], name: str
) -> tuple[NDArray[Any], PixelFormat, tuple[Finding, ...]]:
    """Return images with the channels last and scaled pixels, their format, and findings."""
    findings = []
    if has_channels_first(X.shape):
        findings.append(
            IMAGES_CHANGED.report(
                f"images of shape (n, channels, height, width), here {X.shape}, are read with the "
                "channels last"
            )
        )
        X = np.moveaxis(X, 1, -1)
    elif X.ndim == 4 and X.shape[3] > MAX_CHANNELS and X.shape[3] >= min(X.shape[1:3]):
        raise UserError(
            f"{name}: expected images of shape (n, height, width, channels); got {X.shape}. Put "
            "the channels last, with numpy.moveaxis(X, 1, -1) if they come first"
        )
    try:
        reject_missing_pixels(X)
    except UserError as error:
        raise UserError(f"{name}: {error}") from None
    pixels = infer_format(X)
    if not pixels.is_known:
        findings.append(
            UNKNOWN_PIXEL_SCALE.report(
                f"pixels from {pixels} are used unscaled: no scale such as 0 to 1 or 0 to 255 fits "
                "them, and networks need small numbers. Scale them to 0 to 1"
            )
        )
    elif X.dtype != np.uint8 or pixels.high != TOP:
        findings.append(
            PIXEL_SCALE.report(
                f"pixels of type {X.dtype} are read as {pixels}, by their values; networks get "
                "them as 0 to 1"
            )
        )
    return normalize_pixels(X, pixels), pixels, tuple(findings)
