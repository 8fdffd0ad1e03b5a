"""Sliding windows over images: counts, views, and blocks that fit the cache."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import as_strided

from graduel.nn.layers.layer import Array, Shape

Pair = tuple[int, int]

BLOCK = 1 << 20
"""Values of patches in one block: 4 MB in float32, which fits the cache. All patches of a batch can
take hundreds of MB."""


def pair(name: str, value: int | Pair) -> Pair:
    """Return (vertical, horizontal) from one number for both, or from two.

    >>> pair("size", 3), pair("size", (3, 5))
    ((3, 3), (3, 5))
    """
    both = value if isinstance(value, tuple) else (value, value)
    if len(both) != 2 or not all(isinstance(v, int | np.integer) and v >= 1 for v in both):
        raise ValueError(
            f"{name} must be a positive integer or two of them, such as 3 or (3, 5); got {value!r}"
        )
    return both


def check_image(name: str, shape: Shape, smallest: Pair = (1, 1)) -> None:
    """Raise `ValueError` unless `shape` is (h, w, c) and holds at least one window."""
    if len(shape) != 3:
        raise ValueError(
            f"{name} expects images, input shape (height, width, channels); got {shape}. "
            "For images stored as rows of 784 numbers, put Reshape((28, 28, 1)) before it"
        )
    if shape[0] < smallest[0] or shape[1] < smallest[1]:
        raise ValueError(
            f"{name} expects images no smaller than its window, {smallest[0]} × {smallest[1]}; "
            f"got {shape[0]} × {shape[1]}. Reduce size, or remove the layer"
        )


def count(shape: Shape, size: Pair, stride: Pair) -> Pair:
    """Return the number of windows in an image (h, w, …), vertically and horizontally.

    >>> count((28, 28, 1), (3, 3), (2, 2))
    (13, 13)
    """
    return (shape[0] - size[0]) // stride[0] + 1, (shape[1] - size[1]) // stride[1] + 1


def windows(x: Array, size: Pair, stride: Pair) -> Array:
    """Return a view of images (n, h, w, c) as windows (n, out_h, out_w, kh, kw, c)."""
    shape = (len(x), *count(x.shape[1:], size, stride), *size, x.shape[3])
    along = x.strides
    steps = (along[0], along[1] * stride[0], along[2] * stride[1], *along[1:])
    return as_strided(x, shape, steps, writeable=False)


def shifted_views(x: Array, size: Pair, stride: Pair) -> Iterator[Array]:
    """Yield a view (n, out_h, out_w, c) over all windows for each position (i, j) in the window.

    The order is row by row: (0, 0), (0, 1), … The views are writable.
    """
    down, across = count(x.shape[1:], size, stride)
    for i in range(size[0]):
        rows = slice(i, i + (down - 1) * stride[0] + 1, stride[0])
        for j in range(size[1]):
            yield x[:, rows, j : j + (across - 1) * stride[1] + 1 : stride[1]]


def blocks(n: int, rows: int, values: int) -> list[tuple[slice, slice]]:
    """Divide n images with `rows` rows of `values` values into blocks of at most BLOCK values.

    A block is (images, rows): complete images, or some rows of one image if it is too large. The
    first block is the largest.

    >>> whole = blocks(5, 10, BLOCK // 20)
    >>> [(images.start, images.stop) for images, _ in whole]
    [(0, 2), (2, 4), (4, 5)]
    >>> [(rows.start, rows.stop) for _, rows in blocks(1, 10, BLOCK // 4)]
    [(0, 4), (4, 8), (8, 10)]
    """
    images, band = max(1, BLOCK // (rows * values)), min(rows, max(1, BLOCK // values))
    return [
        (slice(i, min(i + images, n)), slice(r, min(r + band, rows)))
        for i in range(0, n, images)
        for r in range(0, rows, band)
    ]
