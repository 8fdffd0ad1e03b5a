"""Scale and layout of the pixels of images: inferred in training, checked in prediction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.errors import UserError

Array = NDArray[Any]

MIN_TOP = 32
"""Least maximum of pixels from 0 to 255: of a smaller one, such as 16, the scale is unknown."""
TOP = 255.0
"""Maximum of pixels of 8 bits."""
BITS = (8, 10, 12, 14, 16)
"""Bits per pixel of the scales that are recognized, in addition to 0 to 1."""
ROUNDING = 1e-3
"""Distance from a whole number that is a rounding error of a division by the scale."""
MAX_CHANNELS = 4
"""Maximum number of channels by which their axis is recognized: gray, color, and alpha."""


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """How the pixels of training images were stored; new images are read in the same way.

    Attributes
    ----------
    low, high : the scale of the pixels as given, such as 0 to 255; if it is unknown, their range
    is_known : whether the scale is one that is recognized
    background : brightness, 0 or 255, on which transparent images are put; None without any
    """

    low: float = 0.0
    high: float = 255.0
    is_known: bool = True
    background: int | None = None

    def __post_init__(self) -> None:
        is_range = np.isfinite([self.low, self.high]).all() and self.low <= self.high
        if not is_range or (self.is_known and (self.low != 0 or self.high < 1)):
            raise UserError(f"the scale of pixels must be a range of numbers; got {self}")

    def __str__(self) -> str:
        return f"{self.low:.6g} to {self.high:.6g}"


def infer_format(X: Array) -> PixelFormat:
    """Infer the scale of pixels from their values, regardless of their dtype.

    The scale is 0 to 1, 0 to 255, or 0 to 2ᵇ − 1 for whole numbers of b = 10, 12, 14 or 16 bits:
    the first that holds all values. It is unknown if there are negative values, or the maximum is
    between 1 and 32.

    >>> for top in (1.0, 255.0, 4000.0, 16.0):
    ...     print(infer_format(np.array([0.0, top])))
    0 to 1
    0 to 255
    0 to 4095
    0 to 16
    >>> infer_format(np.array([0, 16])).is_known, infer_format(np.array([0, 16], np.uint8)).is_known
    (False, True)
    """
    if not X.size:
        return PixelFormat()
    low, high = float(X.min()), float(X.max())
    if low >= 0 and high <= 1 and (X.dtype != np.uint8 or high == 1):
        return PixelFormat(high=1.0)
    if X.dtype == np.uint8 or (low >= 0 and MIN_TOP <= high <= TOP):
        return PixelFormat()
    if low >= 0 and high > TOP:
        top = next((2.0**bits - 1 for bits in BITS if high <= 2.0**bits - 1), None)
        if top is not None and _is_whole(X):
            return PixelFormat(high=top)
    return PixelFormat(low, high, is_known=False)


def normalize_pixels(X: Array, pixels: PixelFormat) -> Array:
    """Return pixels as contenders take them: uint8 from 0 to 255 where exact, otherwise 0 to 1.

    Whole numbers from 0 to 255 become uint8, whole numbers 0 and 1 become 0 and 255; other pixels
    are divided by the maximum of their scale. If it is unknown they are not changed.

    >>> normalize_pixels(np.array([0.0, 51.0]), PixelFormat()).dtype.name
    'uint8'
    >>> normalize_pixels(np.array([0, 65535], np.uint16), PixelFormat(high=65535))
    array([0., 1.], dtype=float32)
    """
    if not pixels.is_known:
        return X
    if pixels.high == 1:
        return X if X.dtype.kind == "f" else X.astype(np.uint8) * np.uint8(255)
    if pixels.high == TOP and _is_whole(X):
        return X.astype(np.uint8, copy=False)
    return (X / np.float32(pixels.high)).astype(np.float32)


def convert_pixels(X: Array, expected: PixelFormat | None, scale: float) -> tuple[Array, str]:
    """Return new images as :func:`normalize_pixels` returned those of training, and a note.

    Parameters
    ----------
    X : images or rows of pixels
    expected : the format of the training images; None if the model does not state it
    scale : the factor that scales the network's inputs: 1/255 if the training images were uint8

    Returns
    -------
    The pixels, and one sentence if their scale is not that of training; otherwise "".

    Raises
    ------
    UserError
        If pixels are missing or infinite, or their scale cannot be converted.
    """
    reject_missing_pixels(X)
    if X.dtype.kind == "b":
        X = X.astype(np.uint8)
    if expected is None:
        return X, ""
    pixels = infer_format(X)
    if not expected.is_known:
        return X, _compare_range(pixels, X, expected)
    if not X.any() or _is_dark(X, expected):
        pixels = expected
    if not pixels.is_known:
        raise UserError(
            f"expected pixels from {expected}, as in training; got {pixels}. Scale them as the "
            "training images"
        )
    note = (
        ""
        if pixels.high == expected.high
        else (f"pixels from {pixels} are scaled to {expected}, as in training")
    )
    normal = normalize_pixels(X, pixels)
    if scale == 1:
        return (normal / np.float32(TOP) if normal.dtype == np.uint8 else normal), note
    if normal.dtype == np.uint8:
        return normal, note
    stretched = normal * np.float32(TOP)
    whole = np.rint(stretched)
    # Trees compare with whole numbers: 254.99998 must be the 255 that it was.
    is_whole = bool((np.abs(stretched - whole) < ROUNDING).all())
    return (whole.astype(np.uint8) if is_whole else stretched), note


def _is_dark(X: Array, expected: PixelFormat) -> bool:
    """Return whether pixels can be dark ones of the expected scale, of more than 8 bits or not."""
    top = float(X.max())
    if X.min() < 0 or not 1 < top <= expected.high:
        return False
    return expected.high == TOP or top > TOP


def _compare_range(pixels: PixelFormat, X: Array, expected: PixelFormat) -> str:
    """Return a note if pixels of an unknown scale have a range that differs from training."""
    if not X.size:
        return ""
    low, high, width = float(X.min()), float(X.max()), expected.high - expected.low
    is_wide = low < expected.low - width or high > expected.high + width
    if is_wide or (0 < high - low < width / 8):
        return (
            f"pixels from {low:.6g} to {high:.6g} are not scaled; in training they were {expected}"
        )
    return ""


def reject_missing_pixels(X: Array) -> None:
    """Raise if images have missing or infinite pixels.

    Raises
    ------
    UserError
        The message counts the images and names the first.
    """
    if X.dtype.kind != "f":
        return
    odd = ~np.isfinite(X).all(axis=tuple(range(1, X.ndim)))
    if odd.any():
        row = int(np.flatnonzero(odd)[0])
        raise UserError(
            f"expected images of finite numbers; {int(odd.sum()):,} of them have missing "
            f"or infinite pixels (first: row {row + 1:,}). Remove the images or fill in the pixels"
        )


def has_channels_first(shape: tuple[int, ...]) -> bool:
    """Return whether a shape is (n, channels, height, width): PyTorch's, not (…, channels).

    >>> has_channels_first((9, 3, 32, 32)), has_channels_first((9, 32, 32, 3))
    (True, False)
    """
    if len(shape) != 4:
        return False
    _, first, height, last = shape
    return first <= MAX_CHANNELS < last and height > MAX_CHANNELS


def _is_whole(X: Array) -> bool:
    """Return whether all of the finite values are whole numbers."""
    return X.dtype.kind in "biu" or bool((np.rint(X) == X).all())
