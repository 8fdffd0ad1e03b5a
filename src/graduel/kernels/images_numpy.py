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


def compute_taps(
    positions: Array, image: tuple[int, int, int], index: Array, factor: Array
) -> None:
    """Compute where warped values come from: four values of an image each, and their factors.

    The value of channel k at the position (r, q), once that is moved into the image, is
    Σ (1 − |r − i|)(1 − |q − j|) x[i, j, k] over the four pixels (i, j) around it.

    Parameters
    ----------
    positions : (2, count, h, w), rows and columns; scratch space afterwards
    image : (h, w, c)
    index : (4, count or more, h w c), integers, written: where in an image the values are
    factor : of the same shape, floats, written
    """
    height, width, channels = image
    low, part = [], []
    for position, n in zip(positions, (height, width), strict=True):
        np.clip(position, 0, n - 1, out=position)
        floor = position.astype(np.intp)  # rounds down, since positions are at least 0
        np.minimum(floor, max(n - 2, 0), out=floor)
        low.append(floor)
        part.append(position - floor)
    (row, column), (fy, fx) = low, part
    count = positions.shape[1]
    indices, factors = (
        a.reshape(4, -1, height, width, channels)[:, :count] for a in (index, factor)
    )
    first = (row * width + column) * channels
    down, right = (width * channels if height > 1 else 0), (channels if width > 1 else 0)
    for k, step in enumerate((0, right, down, down + right)):
        np.add((first + step)[..., None], np.arange(channels), out=indices[k])
    gy, gx = 1 - fy, 1 - fx
    for k, (a, b) in enumerate(((gy, gx), (gy, fx), (fy, gx), (fy, fx))):
        np.multiply(a[..., None], b[..., None], out=factors[k])


def blend_taps(x: Array, index: Array, factor: Array, share: int, out: Array, tap: Array) -> None:
    """Warp images: out[i, j] = Σₖ factor[k, i // share, j] x[i, index[k, i // share, j]].

    Parameters
    ----------
    x : (n, h w c), contiguous
    index, factor : (4, n / share or more, h w c), of :func:`compute_taps`
    share : images, one after the other, that have the same warp
    out : (n, h w c), contiguous; not x
    tap : (share or n, h w c), scratch space
    """
    for warp, start in enumerate(range(0, len(x), share)):
        images, y = x[start : start + share], out[start : start + share]
        value = tap[: len(images)]
        # mode="clip" lets take write into its output directly; the indices are in range.
        np.take(images, index[0, warp], axis=1, out=y, mode="clip")
        y *= factor[0, warp]
        for k in range(1, len(index)):
            np.take(images, index[k, warp], axis=1, out=value, mode="clip")
            value *= factor[k, warp]
            y += value


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
