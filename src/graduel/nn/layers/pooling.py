"""Pooling: one value per window and channel of an image, without padding."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from graduel import kernels
from graduel.nn.layers.layer import Array, Plan, Shape
from graduel.nn.layers.windows import Pair, check_image, count, pair, shifted_views
from graduel.nn.part import Part
from graduel.nn.workspace import Call, Scope


@dataclass(frozen=True, slots=True)
class _Pool2D(Part):
    """The base of pooling layers: window size and stride."""

    size: int | Pair = 2
    stride: int | Pair | None = None

    def __post_init__(self) -> None:
        self.window()

    def window(self) -> tuple[Pair, Pair]:
        """Return size and stride, each (vertical, horizontal)."""
        size = pair("size", self.size)
        return size, size if self.stride is None else pair("stride", self.stride)

    def plan(self, shape: Shape) -> Plan:
        """Plan the output; raise `ValueError` if the window does not fit."""
        size, stride = self.window()
        check_image(type(self).__name__, shape, size)
        return Plan((*count(shape, size, stride), shape[2]))

    def _start(self, x: Array, w: Scope) -> tuple[Array, bool]:
        """Return a buffer for dx, zeroed if needed, and whether windows overlap."""
        size, stride = self.window()
        dx = w.buf("dx", x.shape, x.dtype)
        if stride != size or x.shape[1] % size[0] or x.shape[2] % size[1]:
            dx.fill(0)  # some pixels are in several windows, some in none
        return dx, stride[0] < size[0] or stride[1] < size[1]


@dataclass(frozen=True, slots=True)
class MaxPool2D(_Pool2D):
    """y = the maximum of each window;   dx = dy at its position, else 0.

    x: (n, h, w, c)   y: (n, out_h, out_w, c), out = ⌊(in − size) / stride⌋ + 1, without
    padding; remaining rows and columns at the bottom and right are dropped. If several values are
    the maximum, the first in row order gets all of dy.

    Source: Zhou and Chellappa, *Computation of Optical Flow Using a Neural Network*, 1988.

    Parameters
    ----------
    size : size of the window, one number or (vertical, horizontal)
    stride : step between windows; None: `size`, so that windows do not overlap

    Raises
    ------
    ValueError
        If a parameter is out of range, or examples are not images at least as large as the window.

    Examples
    --------
    >>> MaxPool2D().plan((28, 28, 32)).out
    (14, 14, 32)
    >>> MaxPool2D(3, stride=2).plan((28, 28, 32)).out
    (13, 13, 32)
    """

    smooth: ClassVar[bool] = False

    def forward(self, x: Array, w: Scope, call: Call) -> Array:
        """Return the maximum of each window."""
        size, stride = self.window()
        y = w.buf("y", (len(x), *count(x.shape[1:], size, stride), x.shape[3]), x.dtype)
        kernels.max_pool(x, size, stride, y)
        w.saved = x, y
        return y

    def backward(self, dy: Array, w: Scope, call: Call, *, need_dx: bool = True) -> Array | None:
        """Return dy at the first maximum of each window, else 0."""
        if not need_dx:
            return None
        x, y = w.saved
        window = self.window()
        dx, overlap = self._start(x, w)
        here, taken = w.buf("here", y.shape, np.bool_), w.buf("taken", y.shape, np.bool_)
        share = w.buf("share", y.shape, x.dtype) if overlap else y
        kernels.max_pool_gradient(dy, x, y, *window, overlap, here, taken, share, dx)
        return dx


@dataclass(frozen=True, slots=True)
class AveragePool2D(_Pool2D):
    """y = the mean of each window;   dx = the sum of dy / (kh kw) over windows.

    x: (n, h, w, c)   y: (n, out_h, out_w, c), out = ⌊(in − size) / stride⌋ + 1, without
    padding; remaining rows and columns at the bottom and right are dropped.

    Source: LeCun et al., *Handwritten Digit Recognition with a Back-Propagation Network*, 1990.

    Parameters
    ----------
    size : size (kh, kw) of the window, one number or (vertical, horizontal)
    stride : step between windows; None: `size`, so that windows do not overlap

    Raises
    ------
    ValueError
        If a parameter is out of range, or examples are not images at least as large as the window.

    Examples
    --------
    >>> AveragePool2D(7).plan((7, 7, 64)).out
    (1, 1, 64)
    """

    def forward(self, x: Array, w: Scope, call: Call) -> Array:
        """Return the mean of each window."""
        window = self.window()
        first, *others = shifted_views(x, *window)
        y = w.buf("y", first.shape, x.dtype)
        np.copyto(y, first)
        for place in others:
            np.add(y, place, out=y)
        y *= 1 / prod(window[0])
        w.saved = x
        return y

    def backward(self, dy: Array, w: Scope, call: Call, *, need_dx: bool = True) -> Array | None:
        """Return dy / (kh kw), added up over the windows of each pixel."""
        if not need_dx:
            return None
        window = self.window()
        dx, overlap = self._start(w.saved, w)
        dy *= 1 / prod(window[0])
        for place in shifted_views(dx, *window):
            if overlap:
                np.add(place, dy, out=place)
            else:
                np.copyto(place, dy)
        return dx
