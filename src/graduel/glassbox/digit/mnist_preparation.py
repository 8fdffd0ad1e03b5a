"""MNIST's preparation of digits: scale to 20 × 20 pixels, center by mass in 28 × 28.

Source: LeCun, Cortes and Burges, *The MNIST Database of Handwritten Digits*, 1998: "The original
black and white images were size normalized to fit in a 20x20 pixel box while preserving their
aspect ratio. The resulting images contain grey levels as a result of the anti-aliasing technique
used by the normalization algorithm. The images were centered in a 28x28 image by computing the
center of mass of the pixels, and translating the image so as to position this point at the center
of the 28x28 field."
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graduel.errors import UserError
from graduel.glassbox.plain_data import Array, PlainData

BOX, FIELD = 20, 28
FAINT = 0.5 / 255
"""Ink below this value rounds to 0 and does not extend the bounding box."""


@dataclass(frozen=True, slots=True, eq=False)
class PreparationStep(PlainData):
    """One step of the preparation."""

    name: str
    text: str
    image: Array
    """uint8, ink is 255."""


@dataclass(frozen=True, slots=True, eq=False)
class PreparedDigit(PlainData):
    """A digit in MNIST's format, with the steps of its preparation."""

    image: Array
    """uint8, shape (28, 28), ink is 255."""
    steps: tuple[PreparationStep, ...]
    empty: bool
    """Whether the drawing contains no ink."""


def prepare_digit(ink: Any, *, steps: bool = True) -> PreparedDigit:
    """Prepare a drawing as MNIST's digits were prepared: crop, scale, center.

    Parameters
    ----------
    ink : shape (height, width), 0 is paper: floats from 0 to 1, or uint8 from 0 to 255
    steps : whether to record an image of each step

    Raises
    ------
    UserError
        If `ink` is not such an image.

    Examples
    --------
    >>> drawing = np.zeros((280, 280)); drawing[20:160, 200:230] = 1  # a 1, off center
    >>> digit = prepare_digit(drawing)
    >>> [step.name for step in digit.steps]
    ['drawing', 'crop', 'scale', 'center']
    >>> rows, columns = np.nonzero(digit.image)
    >>> int(rows.max() - rows.min() + 1), int(columns.min()), int(columns.max())
    (20, 12, 15)
    """
    ink, stages = as_ink(ink), list[PreparationStep]()

    def record(name: str, text: str, image: Array) -> None:
        if steps:
            stages.append(PreparationStep(name, text, image))

    record("drawing", "Input drawing; ink is 255 and paper 0, as in MNIST.", _to_uint8(ink))
    strong = ink >= FAINT
    if not strong.any():
        return PreparedDigit(np.zeros((FIELD, FIELD), np.uint8), tuple(stages), True)
    rows, columns = np.flatnonzero(strong.any(axis=1)), np.flatnonzero(strong.any(axis=0))
    cut = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    size = f"{cut.shape[1]} × {cut.shape[0]}"
    record("crop", f"Cropped to the bounding box of the ink: {size} pixels.", _to_uint8(cut))
    small = _scale(cut)
    record(
        "scale",
        f"Scaled to fit 20 × 20 pixels, aspect ratio preserved: {small.shape[1]} × "
        f"{small.shape[0]}. Anti-aliasing makes the edges gray.",
        _to_uint8(small),
    )
    image, (row, column) = _center(small)
    record(
        "center",
        f"Placed in 28 × 28 pixels with the center of mass (row {row:.1f}, column {column:.1f} of "
        "the crop) in the middle.",
        image,
    )
    return PreparedDigit(image, tuple(stages), False)


def shrink_drawing(ink: Any) -> Array:
    """Downscale a drawing to 28 × 28 pixels without the preparation: uint8, shape (28, 28).

    The margins are kept, so a small digit in a corner stays small and in the corner, as in demos
    that skip MNIST's preparation.

    Examples
    --------
    >>> drawing = np.zeros((280, 280)); drawing[20:160, 200:230] = 1
    >>> rows, columns = np.nonzero(shrink_drawing(drawing))
    >>> int(rows.min()), int(rows.max()), int(columns.min())
    (2, 15, 20)
    """
    return _to_uint8(_resize(as_ink(ink), (FIELD, FIELD)))


def as_ink(ink: Any) -> Array:
    """Return ink as float32 from 0 to 1; UserError if it is not a valid drawing."""
    ink = np.asarray(ink)
    if ink.ndim != 2 or not ink.size or ink.dtype.kind not in "biuf":
        raise UserError(
            "a drawing must be numbers of shape (height, width); got an array of dtype "
            f"{ink.dtype} and shape {ink.shape}"
        )
    top = 255 if ink.dtype == np.uint8 else 1
    if not (np.isfinite(ink).all() and ink.min() >= 0 and ink.max() <= top):
        raise UserError(
            "a drawing must be numbers from 0 (paper) to 1 (ink), or uint8 from 0 to 255; "
            f"got values from {ink.min()} to {ink.max()}"
        )
    return ink.astype(np.float32) / np.float32(top)


def _to_uint8(ink: Array) -> Array:
    return np.rint(ink * 255).clip(0, 255).astype(np.uint8)


def _scale(cut: Array) -> Array:
    """Scale the longer side to 20 pixels."""
    scale = BOX / max(cut.shape)
    return _resize(cut, tuple(max(1, round(side * scale)) for side in cut.shape))


def _resize(ink: Array, shape: Sequence[int]) -> Array:
    """Resize an image: downscale by area averaging, upscale by bilinear interpolation."""
    from PIL import Image

    height, width = shape
    larger = height > ink.shape[0] or width > ink.shape[1]
    resampling = Image.Resampling.BILINEAR if larger else Image.Resampling.BOX
    resized = Image.fromarray(ink).resize((width, height), resampling)
    return np.asarray(resized, np.float32).clip(0, 1)


def _center(small: Array) -> tuple[Array, tuple[float, float]]:
    """Place an image in the field with its center of mass in the middle, by whole pixels."""
    total = float(small.sum(dtype=np.float64))
    row = float(small.sum(axis=1, dtype=np.float64) @ np.arange(small.shape[0])) / total
    column = float(small.sum(axis=0, dtype=np.float64) @ np.arange(small.shape[1])) / total
    image = np.zeros((FIELD, FIELD), np.uint8)
    # The geometric middle of 28 pixels is 13.5; MNIST centers at 14.
    top, left = (
        min(max(round(FIELD / 2 - middle), 0), FIELD - side)
        for middle, side in zip((row, column), small.shape, strict=True)
    )
    image[top : top + small.shape[0], left : left + small.shape[1]] = _to_uint8(small)
    return image, (row, column)
