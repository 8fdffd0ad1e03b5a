"""The convolution of images, as products of matrices, block by block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, prod
from typing import ClassVar, Literal

import numpy as np

from graduel.nn.initializers import HeNormal, Initializer
from graduel.nn.layers.base import Array, Plan, Shape, Spec
from graduel.nn.layers.windows import Pair, blocks, check_image, count, pair, places, windows
from graduel.nn.workspace import Call, Scope

SHORT = 16
"""Fewer values than this in a line of a patch are slow to copy."""


@dataclass(frozen=True, slots=True)
class Conv2D:
    """y[n, p, q, o] = b[o] + Σ x̃[n, p s + i, q s + j, c] W[i, j, c, o], the sum over i, j and c.

    x: (n, h, w, c)   W: (kh, kw, c, o)   b: (o,)   y: (n, out_h, out_w, o);   s is the stride,
    x̃ is x with its padding. W is not turned round: a cross-correlation, as is usual in networks.

    With P the patches, a row for each window: y = P W + b, dW = Pᵀ dy, db = Σ dy; dx adds up
    dy Wᵀ where the patches came from.

    Source: LeCun et al., *Backpropagation Applied to Handwritten Zip Code Recognition*, 1989.

    Parameters
    ----------
    filters : how many channels come out, o
    size : of the window, one number or (down, across)
    stride : the step from window to window, one number or (down, across)
    padding : 'same' puts zeros around the image, such that out = ⌈in / stride⌉:
        max(0, (out − 1) stride + size − in) of them, half before (rounded down), the rest after,
        so an odd one goes below or to the right. 'valid' puts none:
        out = ⌊(in − size) / stride⌋ + 1
    init : how W begins; b begins at zero

    Raises
    ------
    ValueError
        If a parameter is not as above, an example is not an image (h, w, c), or with 'valid' it
        is smaller than the window.

    Examples
    --------
    >>> Conv2D(32).plan((28, 28, 1)).out
    (28, 28, 32)
    >>> Conv2D(32, size=5, stride=2, padding="valid").plan((28, 28, 1)).out
    (12, 12, 32)
    """

    row_wise: ClassVar[bool] = True
    deterministic: ClassVar[bool] = True
    smooth: ClassVar[bool] = True

    filters: int
    size: int | Pair = 3
    stride: int | Pair = 1
    padding: Literal["same", "valid"] = "same"
    init: Initializer = HeNormal()

    def __post_init__(self) -> None:
        if self.filters < 1:
            raise ValueError(f"filters must be a positive integer; got {self.filters}")
        if self.padding not in ("same", "valid"):
            raise ValueError(f"padding must be 'same' or 'valid'; got {self.padding!r}")
        self._window()

    def plan(self, shape: Shape) -> Plan:
        """Ask for W and b."""
        size, _ = self._window()
        check_image("Conv2D", shape, size if self.padding == "valid" else (1, 1))
        out = self._out(shape)
        W = Spec((*size, shape[2], self.filters), self.init, "weight")
        b = Spec((self.filters,), role="bias")
        return Plan(out, {"W": W, "b": b}, macs=prod(out[:2] + W.shape))

    def forward(self, x: Array, w: Scope, call: Call) -> Array:
        """Return P W + b."""
        w.kept, o = x, self.filters
        # b stands below W, against a column of ones in P: so it costs no pass of its own.
        both = w.buf("both", (w.p.W.size // o + 1, o), x.dtype)
        both[:-1] = w.p.W.reshape(-1, o)
        both[-1] = w.p.b
        y = w.buf("y", (len(x), *self._out(x.shape[1:])), x.dtype)
        for images, rows, patches in self._patches(x, w):
            np.matmul(patches, both, out=y[images, rows].reshape(-1, o))
        return y

    def backward(self, dy: Array, w: Scope, call: Call, *, need_dx: bool = True) -> Array | None:
        """Assign dW = Pᵀ dy and db = Σ dy, with P gathered again; return dx."""
        x, o = w.kept, self.filters
        dx = w.buf("dx", x.shape, x.dtype) if need_dx else None
        both = w.buf("d_both", (w.p.W.size // o + 1, o), x.dtype)
        share = w.buf("share", both.shape, x.dtype)
        both.fill(0)
        for images, rows, patches in self._patches(x, w):
            part = dy[images, rows].reshape(-1, o)
            both += np.matmul(patches.T, part, out=share)
            if dx is not None:
                self._scatter(part, dx[images], rows, w)
        w.g.W[...] = both[:-1].reshape(w.g.W.shape)
        w.g.b[...] = both[-1]
        return dx

    def _patches(self, x: Array, w: Scope) -> Iterator[tuple[slice, slice, Array]]:
        """Yield blocks (images, rows) of the output, each with its P: a row a window, 1 at the end.

        P is gone when the next block comes: all share one buffer.
        """
        size, stride = self._window()
        shape, k = x.shape[1:], prod(size) * x.shape[3]
        down, across, _ = self._out(shape)
        todo = blocks(len(x), down, across * (k + 1))
        padded = None
        if todo and self._padded(shape) != shape:
            padded = w.buf("padded", (todo[0][0].stop, *self._padded(shape)), x.dtype)
            padded.fill(0)
        for images, rows in todo:
            source = x[images]
            if padded is not None:
                around = padded[: len(source)]
                if rows.start == 0:
                    np.copyto(self._inside(around, shape), source)
                source = around
            view = windows(self._band(source, rows), size, stride)
            m = prod(view.shape[:3])
            flat = w.buf("patches", (m * (k + 1),), x.dtype)
            if size[1] * x.shape[3] < SHORT:
                # Copy along lines of the image: those of a patch are too short to copy fast.
                P = flat.reshape(k + 1, m)
                P[-1] = 1
                view = view.transpose(3, 4, 5, 0, 1, 2)
                np.copyto(P[:-1].reshape(view.shape), view)
                P = P.T
            else:
                P = flat.reshape(m, k + 1)
                P[:, -1] = 1
                np.copyto(P[:, :-1].reshape(view.shape), view)
            yield images, rows, P

    def _scatter(self, part: Array, dx: Array, rows: slice, w: Scope) -> None:
        """Add dy Wᵀ where a block's patches came from; write dx with the images' last rows."""
        shape, (c, o) = dx.shape[1:], w.p.W.shape[2:]
        around = w.buf("around", (len(dx), *self._padded(shape)), dx.dtype)
        if rows.start == 0:
            around.fill(0)
        # A product for each place in the window, so that the sums run along lines of the image.
        W = w.p.W.reshape(-1, c, o).transpose(0, 2, 1)
        pieces = w.buf("pieces", (len(W) * len(part) * c,), dx.dtype)
        pieces = np.matmul(part, W, out=pieces.reshape(len(W), len(part), c))
        sums = places(self._band(around, rows), *self._window())
        for place, piece in zip(sums, pieces, strict=True):
            np.add(place, piece.reshape(place.shape), out=place)
        if rows.stop == self._out(shape)[0]:
            np.copyto(dx, self._inside(around, shape))

    def _window(self) -> tuple[Pair, Pair]:
        """Return size and stride."""
        return pair("size", self.size), pair("stride", self.stride)

    def _out(self, shape: Shape) -> Shape:
        """Return the shape of an image's output."""
        return (*count(self._padded(shape), *self._window()), self.filters)

    def _padding(self, shape: Shape) -> list[Pair]:
        """Tell how many zeros stand before and after an image, down and across."""
        if self.padding == "valid":
            return [(0, 0), (0, 0)]
        found = []
        for n, size, stride in zip(shape[:2], *self._window(), strict=True):
            zeros = max(0, (ceil(n / stride) - 1) * stride + size - n)
            found.append((zeros // 2, zeros - zeros // 2))
        return found

    def _padded(self, shape: Shape) -> Shape:
        """Return the shape of an image with its padding."""
        down, across = self._padding(shape)
        return shape[0] + sum(down), shape[1] + sum(across), shape[2]

    def _inside(self, padded: Array, shape: Shape) -> Array:
        """View images without their padding."""
        (top, _), (left, _) = self._padding(shape)
        return padded[:, top : top + shape[0], left : left + shape[1]]

    def _band(self, padded: Array, rows: slice) -> Array:
        """View the lines of images that lie under these rows of windows."""
        size, stride = self._window()
        return padded[:, rows.start * stride[0] : (rows.stop - 1) * stride[0] + size[0]]
