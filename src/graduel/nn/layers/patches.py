"""Windows of images as rows of a matrix (im2col), gathered and scattered block by block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, prod

import numpy as np

from graduel import kernels
from graduel.kernels.shares import count_shares
from graduel.nn.layers.layer import Array, Shape
from graduel.nn.layers.windows import Pair, blocks, count, shifted_views, windows
from graduel.nn.workspace import Scope

SHORT = 16
"""Rows of a patch with fewer values than this are slow to copy."""
MULTIPLE = 16
"""Scratch space for filters is a multiple of this: complete vectors of any processor."""
SPARE = 8
"""Pixels and values that compiled convolutions may read beyond a padded image."""
NOTHING: Pair = (0, 0)


@dataclass(frozen=True, slots=True)
class Frame:
    """The windows of a convolution: size, stride and zero padding.

    Parameters
    ----------
    size, stride : size and stride of the windows, (vertical, horizontal)
    down : rows of zeros above and below the image
    across : columns of zeros to the left and right
    """

    size: Pair
    stride: Pair
    down: Pair = NOTHING
    across: Pair = NOTHING

    @classmethod
    def same(cls, shape: Shape, size: Pair, stride: Pair) -> Frame:
        """Return the frame with 'same' padding, which gives ⌈in / stride⌉ windows per axis."""
        borders = []
        for n, k, s in zip(shape[:2], size, stride, strict=True):
            zeros = max(0, (ceil(n / s) - 1) * s + k - n)
            borders.append((zeros // 2, zeros - zeros // 2))
        return cls(size, stride, *borders)

    def flipped(self) -> Frame:
        """Return the frame for windows over the outputs, one for each input pixel; for stride 1.

        Such a window holds all outputs that depend on the pixel.
        """
        (kh, kw), (top, bottom), (left, right) = self.size, self.down, self.across
        down, across = (kh - 1 - top, kh - 1 - bottom), (kw - 1 - left, kw - 1 - right)
        return Frame(self.size, self.stride, down, across)

    def padded_shape(self, shape: Shape) -> Shape:
        """Return the shape of an image with its padding."""
        return shape[0] + sum(self.down), shape[1] + sum(self.across), shape[2]

    def count(self, shape: Shape) -> Pair:
        """Return the number of windows, vertically and horizontally."""
        return count(self.padded_shape(shape), self.size, self.stride)

    def patches(
        self, x: Array, w: Scope, name: str, *, with_ones: bool = False
    ) -> Iterator[tuple[slice, slice, Array]]:
        """Yield blocks (images, rows, P); each row of P is a window in order (i, j, c).

        With `with_ones`, each row ends with a 1. All blocks share the buffer `name`, so P is valid
        until the next block.
        """
        shape = x.shape[1:]
        k = prod(self.size) * shape[2]
        down, across = self.count(shape)
        todo = blocks(len(x), down, across * (k + with_ones))
        padded = None
        if todo and self.padded_shape(shape) != shape:
            padded = w.buf(name + " padded", (todo[0][0].stop, *self.padded_shape(shape)), x.dtype)
            padded.fill(0)
        for images, rows in todo:
            source = x[images]
            if padded is not None:
                around = padded[: len(source)]
                if rows.start == 0:
                    np.copyto(self._inside(around, shape), source)
                source = around
            view = windows(self._band(source, rows), self.size, self.stride)
            m = prod(view.shape[:3])
            flat = w.buf(name, (m * (k + with_ones),), x.dtype)
            if self.size[1] * shape[2] < SHORT:
                # Copy along rows of the image: rows of a patch are too short for fast copies.
                P = flat.reshape(k + with_ones, m)
                P[k:] = 1
                view = view.transpose(3, 4, 5, 0, 1, 2)
                np.copyto(P[:k].reshape(view.shape), view)
                P = P.T
            else:
                P = flat.reshape(m, k + with_ones)
                P[:, k:] = 1
                np.copyto(P[:, :k].reshape(view.shape), view)
            yield images, rows, P

    def scatter(self, part: Array, W: Array, dx: Array, rows: slice, w: Scope) -> None:
        """Add part Wᵀ at the pixels of a block's patches; write dx after the last rows."""
        shape, (c, o) = dx.shape[1:], W.shape[2:]
        around = w.buf("around", (len(dx), *self.padded_shape(shape)), dx.dtype)
        if rows.start == 0:
            around.fill(0)
        # One product for each position in the window, so that sums run along rows of the image.
        each = W.reshape(-1, c, o).transpose(0, 2, 1)
        pieces = w.buf("pieces", (len(each) * len(part) * c,), dx.dtype)
        pieces = np.matmul(part, each, out=pieces.reshape(len(each), len(part), c))
        sums = shifted_views(self._band(around, rows), self.size, self.stride)
        for place, piece in zip(sums, pieces, strict=True):
            np.add(place, piece.reshape(place.shape), out=place)
        if rows.stop == self.count(shape)[0]:
            np.copyto(dx, self._inside(around, shape))

    def convolve(self, x: Array, W: Array, b: Array, y: Array, w: Scope, name: str) -> None:
        """Write the convolution of `x` to `y`, without patches."""
        terms = W.size // len(b)
        shares = count_shares(len(x), y.size * terms)
        both = w.buf(f"both of {name}", (shares, terms + 1, _whole(len(b))), x.dtype)
        kernels.convolve(x, W, b, *self._surroundings(x, w, name, shares), both, y)

    def convolve_gradient(self, x: Array, dy: Array, dW: Array, db: Array, w: Scope) -> None:
        """Assign dW and db, without patches."""
        kh, kw, c, o = dW.shape
        shares = count_shares(len(x), dy.size * kh * kw * c)
        room = (shares, *dy.shape[1:3], _whole(o) if o % MULTIPLE else 0)
        aligned = w.buf("aligned", room, x.dtype)
        sums = w.buf("products", (shares, kh + 1, kw * c + SPARE, _whole(o)), x.dtype)
        around = self._surroundings(x, w, "x", shares)
        kernels.convolve_gradient(x, dy, *around, aligned, sums, dW, db)

    def _surroundings(
        self, x: Array, w: Scope, name: str, shares: int
    ) -> tuple[Pair, Pair, Pair, Array]:
        """Return stride, the corner of padded images, their size, and space for some of them."""
        height, width, c = self.padded_shape(x.shape[1:])
        room = (height * width + SPARE * self.stride[1]) * c + SPARE
        around = w.buf(f"around {name}", (shares, room), x.dtype)
        return self.stride, (self.down[0], self.across[0]), (height, width), around

    def _inside(self, padded: Array, shape: Shape) -> Array:
        """Return a view of images without their padding."""
        top, left = self.down[0], self.across[0]
        return padded[:, top : top + shape[0], left : left + shape[1]]

    def _band(self, padded: Array, rows: slice) -> Array:
        """Return a view of the image rows that these rows of windows cover."""
        start, stop = rows.start * self.stride[0], (rows.stop - 1) * self.stride[0] + self.size[0]
        return padded[:, start:stop]


def _whole(n: int) -> int:
    """Round up to a multiple of MULTIPLE."""
    return -(-n // MULTIPLE) * MULTIPLE
