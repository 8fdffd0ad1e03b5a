"""Perturbations of images: noise, rotation, shift and occlusion.

Images are uint8 of shape (n, height, width) or (n, height, width, channels), and so are the
results. Pixels from beyond an image's edge and occluding squares have the image's background
color: the median of its outermost pixels. Other arrays raise a ValueError. So does a `strength`
that is not finite, is negative where a generator draws the direction, or has a fraction where
whole pixels are required.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.uint8]

DIRECTIONS = np.array([[0, 1], [1, 0], [0, -1], [-1, 0]])
"""Right, down, left, up: (rows, columns)."""


def noise(X: Images, strength: float, rng: np.random.Generator, *, top: int = 255) -> Images:
    """Add Gaussian noise: x + top · strength · ε, ε ~ N(0, 1), rounded and clipped to 0 … `top`.

    `strength` is the standard deviation of the noise relative to `top`, the maximum pixel value.

    Examples
    --------
    >>> gray = np.full((1, 2, 2), 100, np.uint8)
    >>> bool((noise(gray, 0.1, np.random.default_rng(0)) != gray).any())
    True
    """
    X, strength = _require_images(X), _require_strength(strength)
    noisy = rng.standard_normal(X.shape, np.float32)
    noisy *= np.float32(top * strength)
    noisy += X
    return _to_pixels(noisy, top)


def rotate(X: Images, strength: float, rng: np.random.Generator | None = None) -> Images:
    """Rotate every image about its center by `strength` degrees.

    With a generator each image is rotated in a random direction, without one all are rotated
    counterclockwise. Values between pixels are interpolated linearly.

    Examples
    --------
    >>> rotate(np.array([[[0, 9, 0], [0, 5, 0], [0, 0, 0]]], np.uint8), 90)[0]
    array([[0, 0, 0],
           [9, 5, 0],
           [0, 0, 0]], dtype=uint8)
    """
    from scipy import ndimage

    X, strength = _require_images(X), _require_strength(strength, signed=rng is None)
    is_left = np.ones(len(X), bool) if rng is None else rng.integers(2, size=len(X)).astype(bool)
    background = _background(X)
    centered = X.astype(np.float32) - background
    rotated = np.empty_like(centered)
    for rows, degrees in ((is_left, strength), (~is_left, -strength)):
        if rows.any():
            rotated[rows] = ndimage.rotate(
                centered[rows],
                degrees,
                axes=(2, 1),
                reshape=False,
                order=1,
                mode="constant",
                cval=0,
            )
    return _to_pixels(rotated + background)


def shift(X: Images, strength: int, rng: np.random.Generator | None = None) -> Images:
    """Shift every image by `strength` whole pixels.

    With a generator each image is shifted in one of four random directions, without one all are
    shifted to the right (to the left if `strength` is negative).

    Examples
    --------
    >>> shift(np.array([[[0, 0, 0], [7, 8, 0], [0, 0, 0]]], np.uint8), 1)[0, 1]
    array([0, 7, 8], dtype=uint8)
    """
    X = _require_images(X)
    pixels = _require_whole(_require_strength(strength, signed=rng is None))
    direction = np.zeros(len(X), int) if rng is None else rng.integers(4, size=len(X))
    shifted = np.broadcast_to(_background(X), X.shape).astype(np.uint8)
    for number, step in enumerate(DIRECTIONS):
        rows = direction == number
        down, across = (int(offset) for offset in pixels * step)
        if rows.any() and abs(down) < X.shape[1] and abs(across) < X.shape[2]:
            images = shifted[rows]
            source = X[rows][:, _target_slice(-down), _target_slice(-across)]
            images[:, _target_slice(down), _target_slice(across)] = source
            shifted[rows] = images
    return shifted


def occlude(X: Images, strength: int, rng: np.random.Generator | None = None) -> Images:
    """Cover a square of side `strength` pixels in every image with its background color.

    With a generator each square has a random position inside the image, without one it is in the
    center. A side longer than the image is clipped.

    References
    ----------
    Zeiler and Fergus, *Visualizing and understanding convolutional networks*, ECCV 2014.

    Examples
    --------
    >>> occlude(np.array([[[0, 0, 0], [0, 9, 9], [0, 0, 0]]], np.uint8), 1)[0, 1]
    array([0, 0, 9], dtype=uint8)
    """
    X = _require_images(X)
    side = _require_whole(_require_strength(strength))
    margins = [max(length - side, 0) for length in X.shape[1:3]]
    if rng is None:
        top, left = (np.full(len(X), margin // 2) for margin in margins)
    else:
        top, left = (rng.integers(margin + 1, size=len(X)) for margin in margins)
    rows, columns = np.arange(X.shape[1]), np.arange(X.shape[2])
    in_rows = (rows >= top[:, None]) & (rows < top[:, None] + side)
    in_columns = (columns >= left[:, None]) & (columns < left[:, None] + side)
    is_covered = in_rows[:, :, None] & in_columns[:, None, :]
    if X.ndim == 4:
        is_covered = is_covered[..., None]
    return np.where(is_covered, _background(X).astype(np.uint8), X)


def _require_images(X: Any) -> Images:
    if not isinstance(X, np.ndarray) or X.dtype != np.uint8 or X.ndim not in (3, 4):
        kind = f"{X.dtype} of shape {X.shape}" if isinstance(X, np.ndarray) else type(X).__name__
        raise ValueError(
            "expected uint8 images of shape (n, height, width) or (n, height, width, channels); "
            f"got {kind}"
        )
    return X


def _require_strength(value: float, *, signed: bool = False) -> float:
    if not np.isfinite(value) or (value < 0 and not signed):
        raise ValueError(f"strength must be a number of at least 0; got {value}")
    return value


def _require_whole(value: float) -> int:
    if value != int(value):
        raise ValueError(f"strength must be a whole number of pixels; got {value}")
    return int(value)


def _background(X: Images) -> NDArray[np.float32]:
    """Return the median of each image's outermost pixels by channel, broadcastable to X."""
    n, height, width = X.shape[:3]
    if not n or not height or not width:
        return np.zeros((n, 1, 1, *X.shape[3:]), np.float32)
    edges = [X[:, 0], X[:, -1], X[:, 1:-1, 0], X[:, 1:-1, -1]]
    median = np.floor(np.median(np.concatenate(edges, axis=1), axis=1))
    return np.asarray(median, np.float32)[:, None, None]


def _target_slice(offset: int) -> slice:
    """Return the slice along one axis that a shift by `offset` fills."""
    return slice(offset, None) if offset >= 0 else slice(None, offset)


def _to_pixels(X: NDArray[np.float32], top: int = 255) -> Images:
    return np.clip(np.rint(X), 0, top).astype(np.uint8)
