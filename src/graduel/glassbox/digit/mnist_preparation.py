"""Digits as MNIST prepared them: fitted into 20 × 20, then the centre of mass in the middle.

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
"""Ink below this rounds to paper, and does not count for the bounding box."""


@dataclass(frozen=True, slots=True, eq=False)
class PreparationStep(PlainData):
    """One step of the preparation."""

    name: str
    text: str
    image: Array
    """uint8, ink is 255."""


@dataclass(frozen=True, slots=True, eq=False)
class PreparedDigit(PlainData):
    """A digit as MNIST has them, and how it came about."""

    image: Array
    """uint8, shape (28, 28), ink is 255."""
    steps: tuple[PreparationStep, ...]
    empty: bool
    """Whether there was no ink at all."""


def prepare_digit(ink: Any, *, steps: bool = True) -> PreparedDigit:
    """Prepare a drawing as MNIST's digits were prepared.

    Parameters
    ----------
    ink : shape (height, width), 0 is paper: floats from 0 to 1, or uint8 to 255
    steps : whether to keep an image of every step

    Raises
    ------
    UserError
        If it is no such image.

    Examples
    --------
    >>> drawing = np.zeros((280, 280)); drawing[20:160, 200:230] = 1  # a one, far from the middle
    >>> digit = prepare_digit(drawing)
    >>> [step.name for step in digit.steps]
    ['ink', 'box', 'fit', 'centre']
    >>> rows, columns = np.nonzero(digit.image)
    >>> int(rows.max() - rows.min() + 1), int(columns.min()), int(columns.max())
    (20, 12, 15)
    """
    ink, stages = as_ink(ink), list[PreparationStep]()

    def record(name: str, text: str, image: Array) -> None:
        if steps:
            stages.append(PreparationStep(name, text, image))

    record("ink", "The drawing as it came; ink is bright, as in MNIST.", _grey(ink))
    strong = ink >= FAINT
    if not strong.any():
        return PreparedDigit(np.zeros((FIELD, FIELD), np.uint8), tuple(stages), True)
    rows, columns = np.flatnonzero(strong.any(axis=1)), np.flatnonzero(strong.any(axis=0))
    cut = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    size = f"{cut.shape[1]} × {cut.shape[0]}"
    record("box", f"Only what holds ink: {size} pixels.", _grey(cut))
    small = _fit(cut)
    record(
        "fit",
        f"Fitted into 20 × 20, sides kept in proportion: {small.shape[1]} × {small.shape[0]}. "
        "A pixel is the mean of what it covers, so edges become grey.",
        _grey(small),
    )
    image, (down, across) = _centre(small)
    record(
        "centre",
        f"Laid into 28 × 28, its centre of mass (row {down:.1f}, column {across:.1f} of the "
        "box) in the middle.",
        image,
    )
    return PreparedDigit(image, tuple(stages), False)


def shrink_drawing(ink: Any) -> Array:
    """Return the drawing reduced in size, without the preparation: uint8, shape (28, 28).

    The whole field is kept with its emptiness, so a small digit in a corner stays small and in
    the corner, as in pages that skip the preparation.

    Examples
    --------
    >>> drawing = np.zeros((280, 280)); drawing[20:160, 200:230] = 1
    >>> rows, columns = np.nonzero(shrink_drawing(drawing))
    >>> int(rows.min()), int(rows.max()), int(columns.min())
    (2, 15, 20)
    """
    return _grey(_resize(as_ink(ink), (FIELD, FIELD)))


def as_ink(ink: Any) -> Array:
    """Return ink as float32 from 0 to 1; UserError if it is no image of such numbers or uint8."""
    ink = np.asarray(ink)
    if ink.ndim != 2 or not ink.size or ink.dtype.kind not in "biuf":
        raise UserError(
            f"a drawing must be numbers of shape (height, width); got {ink.dtype} of shape "
            f"{ink.shape}"
        )
    top = 255 if ink.dtype == np.uint8 else 1
    if not (np.isfinite(ink).all() and ink.min() >= 0 and ink.max() <= top):
        raise UserError("a drawing must be numbers from 0 (paper) to 1 (ink), or uint8 to 255")
    return ink.astype(np.float32) / np.float32(top)


def _grey(ink: Array) -> Array:
    return np.rint(ink * 255).clip(0, 255).astype(np.uint8)


def _fit(cut: Array) -> Array:
    """Make the longer side 20 pixels."""
    scale = BOX / max(cut.shape)
    return _resize(cut, tuple(max(1, round(side * scale)) for side in cut.shape))


def _resize(ink: Array, shape: Sequence[int]) -> Array:
    """Resize: smaller by the mean of the covered pixels, larger by linear interpolation."""
    from PIL import Image

    height, width = shape
    larger = height > ink.shape[0] or width > ink.shape[1]
    how = Image.Resampling.BILINEAR if larger else Image.Resampling.BOX
    resized = Image.fromarray(ink).resize((width, height), how)
    return np.asarray(resized, np.float32).clip(0, 1)


def _centre(small: Array) -> tuple[Array, tuple[float, float]]:
    """Lay it into the field, the centre of mass in the middle, moved by whole pixels."""
    total = float(small.sum(dtype=np.float64))
    down = float(small.sum(axis=1, dtype=np.float64) @ np.arange(small.shape[0])) / total
    across = float(small.sum(axis=0, dtype=np.float64) @ np.arange(small.shape[1])) / total
    image = np.zeros((FIELD, FIELD), np.uint8)
    # The middle of 28 pixels lies between the 14th and the 15th, at 13.5; MNIST's lies at 14.
    top, left = (
        min(max(round(FIELD / 2 - middle), 0), FIELD - side)
        for middle, side in zip((down, across), small.shape, strict=True)
    )
    image[top : top + small.shape[0], left : left + small.shape[1]] = _grey(small)
    return image, (down, across)
