"""Windows of images as rows of a matrix: gathered block by block, and added up again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, prod

import numpy as np

from graduel.nn.layers.layer import Array, Shape
from graduel.nn.layers.windows import Pair, blocks, count, shifted_views, windows
from graduel.nn.workspace import Scope

SHORT = 16
"""Fewer values than this in a line of a patch are slow to copy."""
NOTHING: Pair = (0, 0)


@dataclass(frozen=True, slots=True)
class Frame:
    """The windows of a convolution: their size and step, and the zeros around an image.

    Parameters
    ----------
    size, stride : of the windows, down and across
    down, across : how many zeros before and after, above and below, left and right
    """

    size: Pair
    stride: Pair
    down: Pair = NOTHING
    across: Pair = NOTHING

    @classmethod
    def same(cls, shape: Shape, size: Pair, stride: Pair) -> Frame:
        """Return the frame of zeros around images (h, w, c) that makes ⌈in / stride⌉ windows."""
        borders = []
        for n, k, s in zip(shape[:2], size, stride, strict=True):
            zeros = max(0, (ceil(n / s) - 1) * s + k - n)
            borders.append((zeros // 2, zeros - zeros // 2))
        return cls(size, stride, *borders)

    def turned(self) -> Frame:
        """Return the frame around outputs whose windows hold what each input had a part in.

        For steps of 1: such a window stands at each place of the input.
        """
        (kh, kw), (top, bottom), (left, right) = self.size, self.down, self.across
        down, across = (kh - 1 - top, kh - 1 - bottom), (kw - 1 - left, kw - 1 - right)
        return Frame(self.size, self.stride, down, across)

    def padded(self, shape: Shape) -> Shape:
        """Return the shape of an image with the zeros around it."""
        return shape[0] + sum(self.down), shape[1] + sum(self.across), shape[2]

    def count(self, shape: Shape) -> Pair:
        """Return the number of windows, down and across."""
        return count(self.padded(shape), self.size, self.stride)

    def patches(
        self, x: Array, w: Scope, name: str, *, one: bool = False
    ) -> Iterator[tuple[slice, slice, Array]]:
        """Yield blocks (images, rows) of windows, each as its P: a row a window, (i, j, c) in it.

        With `one` a 1 stands at the end of each row. P is gone when the next block comes: all share
        the buffer `name`.
        """
        shape = x.shape[1:]
        k = prod(self.size) * shape[2]
        down, across = self.count(shape)
        todo = blocks(len(x), down, across * (k + one))
        padded = None
        if todo and self.padded(shape) != shape:
            padded = w.buf(name + " padded", (todo[0][0].stop, *self.padded(shape)), x.dtype)
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
            flat = w.buf(name, (m * (k + one),), x.dtype)
            if self.size[1] * shape[2] < SHORT:
                # Copy along lines of the image: those of a patch are too short to copy fast.
                P = flat.reshape(k + one, m)
                P[k:] = 1
                view = view.transpose(3, 4, 5, 0, 1, 2)
                np.copyto(P[:k].reshape(view.shape), view)
                P = P.T
            else:
                P = flat.reshape(m, k + one)
                P[:, k:] = 1
                np.copyto(P[:, :k].reshape(view.shape), view)
            yield images, rows, P

    def scatter(self, part: Array, W: Array, dx: Array, rows: slice, w: Scope) -> None:
        """Add part Wᵀ where a block's patches came from; write dx with the images' last rows."""
        shape, (c, o) = dx.shape[1:], W.shape[2:]
        around = w.buf("around", (len(dx), *self.padded(shape)), dx.dtype)
        if rows.start == 0:
            around.fill(0)
        # A product for each place in the window, so that the sums run along lines of the image.
        each = W.reshape(-1, c, o).transpose(0, 2, 1)
        pieces = w.buf("pieces", (len(each) * len(part) * c,), dx.dtype)
        pieces = np.matmul(part, each, out=pieces.reshape(len(each), len(part), c))
        sums = shifted_views(self._band(around, rows), self.size, self.stride)
        for place, piece in zip(sums, pieces, strict=True):
            np.add(place, piece.reshape(place.shape), out=place)
        if rows.stop == self.count(shape)[0]:
            np.copyto(dx, self._inside(around, shape))

    def _inside(self, padded: Array, shape: Shape) -> Array:
        """View images without the zeros around them."""
        top, left = self.down[0], self.across[0]
        return padded[:, top : top + shape[0], left : left + shape[1]]

    def _band(self, padded: Array, rows: slice) -> Array:
        """View the lines of images that lie under these rows of windows."""
        start, stop = rows.start * self.stride[0], (rows.stop - 1) * self.stride[0] + self.size[0]
        return padded[:, start:stop]
