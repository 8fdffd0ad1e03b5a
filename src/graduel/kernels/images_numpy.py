"""Operations on images in NumPy: a part of :mod:`graduel.kernels.numpy`.

Images are (n, h, w, c).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Pair = tuple[int, int]


def convolve(
    x: Array,
    W: Array,
    b: Array,
    stride: Pair,
    corner: Pair,
    padded: Pair,
    around: Array,
    both: Array,
    y: Array,
) -> None:
    """Convolve images, one after the other: y[n, p, q] = b + Σ x̃[n, p s + i, q s + j] W[i, j].

    A reference for the compiled form: with NumPy, layers multiply matrices of patches, which is
    faster.

    Parameters
    ----------
    x : (n, h, w, c); x̃ is x with zeros around it
    W, b : (kh, kw, c, o), contiguous, and (o,)
    stride : s, down and across
    corner : rows of zeros above an image, and columns to the left of it
    padded : the size of an image with all its zeros
    around : (shares, room), scratch space for such an image, for each share of the images
    both : (shares, kh kw c + 1, o or more), scratch space for W and b
    y : (n, rows, across, o), contiguous
    """
    inside = _surround(x, corner, padded, around[0])
    for image, out in zip(x, y, strict=True):
        np.copyto(inside, image)
        out[...] = b
        for i, j, view in _views(around[0], padded, x.shape[3], W.shape[:2], stride, out.shape[:2]):
            out += view @ W[i, j]


def convolve_gradient(
    x: Array,
    dy: Array,
    stride: Pair,
    corner: Pair,
    padded: Pair,
    around: Array,
    aligned: Array,
    sums: Array,
    dW: Array,
    db: Array,
) -> None:
    """Sum a convolution's gradient: dW[i, j] = Σ x̃[n, p s + i, q s + j]ᵀ dy[n, p, q], db = Σ dy.

    The arguments that :func:`convolve` has are the same here.

    Parameters
    ----------
    dy : (n, rows, across, o), contiguous
    aligned : (shares, rows, across, o or more), scratch space for the gradient of an image
    sums : (shares, kh + 1, kw c + 8, o or more), scratch space
    dW, db : (kh, kw, c, o) and (o,)
    """
    inside = _surround(x, corner, padded, around[0])
    dW[...] = 0
    o = dW.shape[3]
    for image, d in zip(x, dy, strict=True):
        np.copyto(inside, image)
        for i, j, view in _views(around[0], padded, x.shape[3], dW.shape[:2], stride, d.shape[:2]):
            dW[i, j] += view.reshape(-1, x.shape[3]).T @ d.reshape(-1, o)
    np.sum(dy.reshape(-1, o), axis=0, out=db)


def max_pool(x: Array, size: Pair, stride: Pair, y: Array) -> None:
    """Take the maximum of each window: y[n, p, q] = max x[n, p s + i, q s + j]. NaN stays NaN.

    Parameters
    ----------
    x : (n, h, w, c)
    size, stride : of the windows, down and across
    y : (n, rows, across, c)
    """
    for i, j, place in _shifted(x, size, stride, y.shape[1:3]):
        if i == j == 0:
            np.copyto(y, place)
        else:
            np.maximum(y, place, out=y)


def _surround(x: Array, corner: Pair, padded: Pair, around: Array) -> Array:
    """Fill the space of an image with zeros, and return the view where the image belongs."""
    around[...] = 0
    (top, left), c = corner, x.shape[3]
    whole = around[: padded[0] * padded[1] * c].reshape(*padded, c)
    return whole[top : top + x.shape[1], left : left + x.shape[2]]


def _views(
    around: Array, padded: Pair, c: int, size: Pair, stride: Pair, count: Pair
) -> Iterator[tuple[int, int, Array]]:
    """Yield each position in the window with the pixels there, of all windows of an image."""
    whole = around[: padded[0] * padded[1] * c].reshape(1, *padded, c)
    for i, j, place in _shifted(whole, size, stride, count):
        yield i, j, place[0]


def _shifted(x: Array, size: Pair, stride: Pair, count: Pair) -> Iterator[tuple[int, int, Array]]:
    """Yield each position in the window with the pixels there, of all windows."""
    down, across = ((n - 1) * s + 1 for n, s in zip(count, stride, strict=True))
    for i in range(size[0]):
        for j in range(size[1]):
            yield i, j, x[:, i : i + down : stride[0], j : j + across : stride[1]]
