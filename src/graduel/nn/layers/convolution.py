"""The 2D convolution, as matrix products block by block, or compiled without patches."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Literal

import numpy as np

from graduel import kernels
from graduel.nn.initializers import HeNormal, Initializer
from graduel.nn.layers.channel_ops import channel_sums, lines
from graduel.nn.layers.layer import Array, Plan, Shape, Spec
from graduel.nn.layers.patches import Frame
from graduel.nn.layers.windows import Pair, check_image, pair
from graduel.nn.part import Part, check_size
from graduel.nn.workspace import Call, Scope

MANY = 2
"""Filters per input channel above which windows of x are smaller than those of dy."""


@dataclass(frozen=True, slots=True)
class Conv2D(Part):
    """y[n, p, q, o] = b[o] + Σ x̃[n, p s + i, q s + j, c] W[i, j, c, o], the sum over i, j and c.

    x: (n, h, w, c)   W: (kh, kw, c, o)   b: (o,)   y: (n, out_h, out_w, o);   s is the stride,
    x̃ is x with padding. W is not flipped: a cross-correlation, as usual in networks.

    With P the patches, one row per window: y = P W + b, dW = Pᵀ dy, db = Σ dy; dx adds up dy Wᵀ
    at the pixels of the patches. With stride 1, dx is itself a convolution, of dy with flipped W.

    Source: LeCun et al., *Backpropagation Applied to Handwritten Zip Code Recognition*, 1989.

    Parameters
    ----------
    filters : o, the number of output channels
    size : size of the window, one number or (vertical, horizontal)
    stride : step between windows, one number or (vertical, horizontal)
    padding : 'same' pads with zeros so that out = ⌈in / stride⌉: in total
        max(0, (out − 1) stride + size − in), half of them before (rounded down) and the rest
        after. 'valid' does not pad: out = ⌊(in − size) / stride⌋ + 1
    init : initializer of W; b starts at 0

    Raises
    ------
    ValueError
        If a parameter is out of range, examples are not images (h, w, c), or with 'valid' they are
        smaller than the window.

    Examples
    --------
    >>> Conv2D(32).plan((28, 28, 1)).out
    (28, 28, 32)
    >>> Conv2D(32, size=5, stride=2, padding="valid").plan((28, 28, 1)).out
    (12, 12, 32)
    """

    filters: int
    size: int | Pair = 3
    stride: int | Pair = 1
    padding: Literal["same", "valid"] = "same"
    init: Initializer = HeNormal()

    def __post_init__(self) -> None:
        check_size("filters", self.filters)
        if self.padding not in ("same", "valid"):
            raise ValueError(f"padding must be 'same' or 'valid'; got {self.padding!r}")
        self._window()

    def plan(self, shape: Shape) -> Plan:
        """Plan W and b."""
        size, _ = self._window()
        check_image("Conv2D", shape, size if self.padding == "valid" else (1, 1))
        out = (*self._frame(shape).count(shape), self.filters)
        W = Spec((*size, shape[2], self.filters), self.init, "weight")
        b = Spec((self.filters,), role="bias")
        return Plan(out, {"W": W, "b": b}, macs=prod(out[:2] + W.shape))

    def forward(self, x: Array, w: Scope, call: Call) -> Array:
        """Return P W + b."""
        w.saved, o = x, self.filters
        frame = self._frame(x.shape[1:])
        y = w.buf("y", (len(x), *frame.count(x.shape[1:]), o), x.dtype)
        if kernels.has_tiles():
            frame.convolve(x, w.p.W, w.p.b, y, w, "x")
            return y
        # With b as an extra row of W and a column of ones in P, adding b needs no extra pass.
        both = w.buf("both", (w.p.W.size // o + 1, o), x.dtype)
        both[:-1] = w.p.W.reshape(-1, o)
        both[-1] = w.p.b
        for images, rows, P in frame.patches(x, w, "patches", with_ones=True):
            np.matmul(P, both, out=y[images, rows].reshape(-1, o))
        return y

    def backward(self, dy: Array, w: Scope, call: Call, *, need_dx: bool = True) -> Array | None:
        """Assign dW and db; return dx."""
        frame = self._frame(w.saved.shape[1:])
        dx = w.buf("dx", w.saved.shape, w.saved.dtype) if need_dx else None
        if kernels.has_tiles() and (dx is None or frame.stride == (1, 1)):
            return self._backward_directly(dy, dx, frame, w)
        few = self.filters <= MANY * w.saved.shape[3]
        if dx is not None and frame.stride == (1, 1) and few:
            return self._backward_by_windows_of_dy(dy, dx, frame, w)
        return self._backward_by_windows_of_x(dy, dx, frame, w)

    def _backward_directly(
        self, dy: Array, dx: Array | None, frame: Frame, w: Scope
    ) -> Array | None:
        """Assign dW and db; return dx, a convolution of dy with flipped W. Nothing is gathered."""
        x, dy = w.saved, np.ascontiguousarray(dy)
        frame.convolve_gradient(x, dy, w.g.W, w.g.b, w)
        if dx is not None:
            no_bias = w.buf("no bias", x.shape[3:], x.dtype)
            no_bias.fill(0)
            frame.flipped().convolve(dy, self._flipped(w), no_bias, dx, w, "dy")
        return dx

    def _backward_by_windows_of_x(
        self, dy: Array, dx: Array | None, frame: Frame, w: Scope
    ) -> Array | None:
        """Assign dW = Pᵀ dy and db = Σ dy with P gathered again; return dx, the sum of dy Wᵀ."""
        x, o = w.saved, self.filters
        both = w.buf("d_both", (w.p.W.size // o + 1, o), x.dtype)
        share = w.buf("share", both.shape, x.dtype)
        both.fill(0)
        for images, rows, P in frame.patches(x, w, "patches", with_ones=True):
            part = dy[images, rows].reshape(-1, o)
            both += np.matmul(P.T, part, out=share)
            if dx is not None:
                frame.scatter(part, w.p.W, dx[images], rows, w)
        w.g.W[...] = both[:-1].reshape(w.g.W.shape)
        w.g.b[...] = both[-1]
        return dx

    def _backward_by_windows_of_dy(self, dy: Array, dx: Array, frame: Frame, w: Scope) -> Array:
        """Assign dW = xᵀ Q and db = Σ dy; return dx = Q W', a convolution of dy.

        Q holds the windows of dy, one for each pixel of x. y[p, q] depends on x[p + i, q + j], so
        W' is W flipped along i and j, with input and output channels exchanged.
        """
        x, (kh, kw, c, o) = w.saved, w.p.W.shape
        flipped = self._flipped(w)
        dW = w.buf("dW", (c, kh * kw * o), x.dtype)
        share = w.buf("share", dW.shape, x.dtype)
        dW.fill(0)
        for images, rows, Q in frame.flipped().patches(dy, w, "patches of dy"):
            np.matmul(Q, flipped.reshape(-1, c), out=dx[images, rows].reshape(-1, c))
            dW += np.matmul(x[images, rows].reshape(-1, c).T, Q, out=share)
        w.g.W[...] = dW.reshape(c, kh, kw, o).transpose(1, 2, 0, 3)[::-1, ::-1]
        channel_sums(lines(dy), w, w.g.b)
        return dx

    def _flipped(self, w: Scope) -> Array:
        """Return W flipped along i and j, with input and output channels exchanged."""
        kh, kw, c, o = w.p.W.shape
        flipped = w.buf("flipped", (kh, kw, o, c), w.saved.dtype)
        np.copyto(flipped, w.p.W[::-1, ::-1].transpose(0, 1, 3, 2))
        return flipped

    def _window(self) -> tuple[Pair, Pair]:
        """Return size and stride."""
        return pair("size", self.size), pair("stride", self.stride)

    def _frame(self, shape: Shape) -> Frame:
        """Return the windows over images of this shape."""
        return (
            Frame.same(shape, *self._window()) if self.padding == "same" else Frame(*self._window())
        )
