"""Operations on images as compiled loops: a part of :mod:`graduel.kernels.numba`.

What an operation computes, and its arguments, are documented in
:mod:`graduel.kernels.images_numpy`. A convolution is computed tile by tile: some pixels, or some
weights, of a few vectors of filters.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.kernels.compiler import compiled
from graduel.kernels.shares import run_shares
from graduel.kernels.vector_tile import BYTES, ROWS, address, make_tile

Array = NDArray[Any]
Pair = tuple[int, int]

_one, _two = make_tile(1, add=False), make_tile(2, add=False)
_add_one, _add_two = make_tile(1, add=True), make_tile(2, add=True)


@compiled
def _surround(image: Array, corner: Pair, width: int, around: Array) -> None:
    h, w, c = image.shape
    for i in range(h):
        start = ((corner[0] + i) * width + corner[1]) * c
        for j in range(w):
            for k in range(c):
                around[start + j * c + k] = image[i, j, k]


@compiled
def _fill(array: Array) -> None:
    flat, zero = array.reshape(array.size), array.dtype.type(0)
    for i in range(flat.size):
        flat[i] = zero


@compiled
def _copy(rows: Array, out: Array) -> None:
    for i in range(rows.shape[0]):
        for j in range(rows.shape[1]):
            out[i, j] = rows[i, j]


@compiled
def _add_rows(d: Array, line: Array) -> None:
    flat, rows = line.reshape(line.size), d.reshape(d.shape[0], line.size)
    for p in range(rows.shape[0]):
        for j in range(flat.size):
            flat[j] += rows[p, j]


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
    """Convolve images, one after the other: y[n, p, q] = b + Σ x̃[n, p s + i, q s + j] W[i, j]."""

    def work(k: int, part: slice) -> None:
        _convolve(x[part], W, b, stride, corner, padded, around[k], both[k], y[part])

    run_shares(len(x), len(around), work)


@compiled
def _convolve(
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
    c, (kh, kw, _, o) = x.shape[3], W.shape
    rows, across = y.shape[1], y.shape[2]
    width, columns, lanes = padded[1], both.shape[1], BYTES // x.itemsize
    _fill(around)
    _fill(both)
    _copy(W.reshape(kh * kw * c, o), both)
    _copy(b.reshape(1, o), both[kh * kw * c :])
    part = np.empty((ROWS, 2 * lanes), x.dtype)
    for n in range(x.shape[0]):
        _surround(x[n], corner, width, around)
        for p in range(rows):
            f = 0
            while f < o:
                vectors = 2 if o - f > lanes else 1
                w, start = address(both, f), address(both, kh * kw * c * columns + f)
                filters = min(o - f, vectors * lanes)
                for q in range(0, across, ROWS):
                    pixels = min(across - q, ROWS)
                    to, step = address(y, ((n * rows + p) * across + q) * o + f), o
                    whole = pixels == ROWS and filters == vectors * lanes
                    if not whole:
                        to, step = address(part, 0), 2 * lanes
                    at = address(around, (p * stride[0] * width + q * stride[1]) * c)
                    row, line, turn = stride[1] * c, width * c, kw * c * columns
                    if vectors == 2:
                        _two(at, row, line, 1, w, turn, columns, kh, kw * c, start, to, step)
                    else:
                        _one(at, row, line, 1, w, turn, columns, kh, kw * c, start, to, step)
                    if not whole:
                        _copy(part[:pixels, :filters], y[n, p, q:, f:])
                f += vectors * lanes


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
    """Sum a convolution's gradient: dW[i, j] = Σ x̃[n, p s + i, q s + j]ᵀ dy[n, p, q], db = Σ dy."""
    kh, kw, c, o = dW.shape

    def work(k: int, part: slice) -> None:
        _sum_products(
            *(x[part], dy[part], (kh, kw), stride, corner, padded),
            *(around[k], aligned[k], sums[k]),
        )

    run_shares(len(x), len(around), work)
    for more in sums[1:]:
        sums[0] += more
    dW[...] = sums[0, :kh, : kw * c, :o].reshape(dW.shape)
    db[...] = sums[0, kh, 0, :o]


@compiled
def _sum_products(
    x: Array,
    dy: Array,
    size: Pair,
    stride: Pair,
    corner: Pair,
    padded: Pair,
    around: Array,
    aligned: Array,
    sums: Array,
) -> None:
    c, o, (kh, kw) = x.shape[3], dy.shape[3], size
    rows, across = dy.shape[1], dy.shape[2]
    width, lanes = padded[1], BYTES // x.itemsize
    filters, run = sums.shape[2], sums.shape[1]
    _fill(around)
    _fill(aligned)
    _fill(sums)
    line = np.zeros((across, o), x.dtype)
    as_it_is = o % lanes == 0
    for n in range(x.shape[0]):
        _surround(x[n], corner, width, around)
        _add_rows(dy[n], line)
        columns = o
        if not as_it_is:
            columns = aligned.shape[2]
            for p in range(rows):
                _copy(dy[n, p], aligned[p])
        for i in range(kh):
            for r in range(0, kw * c, ROWS):
                f = 0
                while f < o:
                    d = address(dy, n * rows * across * o + f)
                    if not as_it_is:
                        d = address(aligned, f)
                    at = address(around, i * width * c + r)
                    down, right = stride[0] * width * c, stride[1] * c
                    to, turn = address(sums, (i * run + r) * filters + f), across * columns
                    if o - f > lanes:
                        _add_two(at, 1, down, right, d, turn, columns, rows, across, d, to, filters)
                        f += 2 * lanes
                    else:
                        _add_one(at, 1, down, right, d, turn, columns, rows, across, d, to, filters)
                        f += lanes
    for q in range(across):
        for f in range(o):
            sums[kh, 0, f] += line[q, f]


@compiled
def max_pool(x: Array, size: Pair, stride: Pair, y: Array) -> None:
    """Take the maximum of each window: y[n, p, q] = max x[n, p s + i, q s + j]. NaN stays NaN."""
    if size[0] == 2 and size[1] == 2:
        _max_of_four(x, stride, y)
        return
    for n in range(y.shape[0]):
        for p in range(y.shape[1]):
            for q in range(y.shape[2]):
                for i in range(size[0]):
                    for j in range(size[1]):
                        first = i == 0 and j == 0
                        row, column = p * stride[0] + i, q * stride[1] + j
                        for c in range(y.shape[3]):
                            value, top = x[n, row, column, c], y[n, p, q, c]
                            above = first or value > top or np.isnan(value)
                            y[n, p, q, c] = value if above else top


@compiled
def _max_of_four(x: Array, stride: Pair, y: Array) -> None:
    for n in range(y.shape[0]):
        for p in range(y.shape[1]):
            i = p * stride[0]
            for q in range(y.shape[2]):
                j = q * stride[1]
                for c in range(y.shape[3]):
                    top, value = x[n, i, j, c], x[n, i, j + 1, c]
                    top = value if (value > top) | np.isnan(value) else top
                    value = x[n, i + 1, j, c]
                    top = value if (value > top) | np.isnan(value) else top
                    value = x[n, i + 1, j + 1, c]
                    y[n, p, q, c] = value if (value > top) | np.isnan(value) else top


@compiled
def compute_taps(
    positions: Array, image: tuple[int, int, int], index: Array, factor: Array
) -> None:
    """Compute where warped values come from: four values of an image each, and their factors."""
    height, width, channels = image
    down, right = width * channels, channels
    if height == 1:
        down = 0
    if width == 1:
        right = 0
    for n in range(positions.shape[1]):
        j = 0
        for p in range(height):
            for q in range(width):
                row, fy = _place(positions[0, n, p, q], height)
                column, fx = _place(positions[1, n, p, q], width)
                gy, gx = 1 - fy, 1 - fx
                first = (row * width + column) * channels
                for c in range(channels):
                    index[0, n, j] = first + c
                    index[1, n, j] = first + right + c
                    index[2, n, j] = first + down + c
                    index[3, n, j] = first + down + right + c
                    factor[0, n, j] = gy * gx
                    factor[1, n, j] = gy * fx
                    factor[2, n, j] = fy * gx
                    factor[3, n, j] = fy * fx
                    j += 1


@compiled
def _place(position: float, n: int) -> tuple[int, float]:
    """Return the pixel before a position, of n pixels, and how far behind it the position is."""
    top = n - 1
    at = float(position)
    if at < 0:
        at = 0.0
    if at > top:
        at = float(top)
    low = 0
    if at > 0:  # not NaN, which is no index
        low = min(int(at), max(n - 2, 0))
    return low, at - low


@compiled
def blend_taps(x: Array, index: Array, factor: Array, share: int, out: Array, tap: Array) -> None:
    """Warp images: out[i, j] = Σₖ factor[k, i // share, j] x[i, index[k, i // share, j]]."""
    for start in range(0, x.shape[0], share):
        warp, stop = start // share, min(start + share, x.shape[0])
        i = start
        while i + 4 <= stop:  # indices and factors, loaded once, serve four images
            for j in range(x.shape[1]):
                a, b = np.uint64(index[0, warp, j]), np.uint64(index[1, warp, j])
                c, d = np.uint64(index[2, warp, j]), np.uint64(index[3, warp, j])
                e, f = factor[0, warp, j], factor[1, warp, j]
                g, h = factor[2, warp, j], factor[3, warp, j]
                for k in range(i, i + 4):
                    out[k, j] = e * x[k, a] + f * x[k, b] + g * x[k, c] + h * x[k, d]
            i += 4
        while i < stop:
            for j in range(x.shape[1]):
                a, b = np.uint64(index[0, warp, j]), np.uint64(index[1, warp, j])
                c, d = np.uint64(index[2, warp, j]), np.uint64(index[3, warp, j])
                e, f = factor[0, warp, j], factor[1, warp, j]
                g, h = factor[2, warp, j], factor[3, warp, j]
                out[i, j] = e * x[i, a] + f * x[i, b] + g * x[i, c] + h * x[i, d]
            i += 1
