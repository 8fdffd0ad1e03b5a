"""Sums and factors per channel, computed along lines of numbers.

Channels are on the last axis, and NumPy is several times slower along an axis of 16 numbers than
along a long one. So an example (h, w, c) is flattened to h w c numbers, or a row of it to w c, and
values per channel are repeated along this line.
"""

from __future__ import annotations

from math import prod

import numpy as np

from graduel.nn.layers.layer import Array
from graduel.nn.workspace import Scope


def lines(x: Array) -> Array:
    """Return examples (n, …, c) flattened to (n, … c), as a view if they are contiguous.

    >>> lines(np.zeros((5, 2, 3, 4))).shape
    (5, 24)
    """
    return x.reshape(len(x), prod(x.shape[1:]))


LINE = 256
"""The numbers that make a line long enough. Much longer ones, repeated, do not fit a fast cache."""


def line_size(x: Array) -> int:
    """Return the length of a line of examples (n, …, c): of the last axes, as many as it takes.

    >>> [line_size(np.zeros(shape)) for shape in ((5, 28, 28, 16), (5, 3, 3, 2), (5, 7))]
    [448, 18, 7]
    """
    size = 1
    for axis in range(x.ndim - 1, 0, -1):
        size *= x.shape[axis]
        if size >= LINE:
            break
    return size


def along(x: Array, size: int) -> Array:
    """Return `x` as lines of this length, as a view if it is contiguous."""
    return x.reshape(-1, size)


def repeat_channels(values: Array, size: int, w: Scope, name: str = "line") -> Array:
    """Repeat values (c,) to length `size`, in a buffer that the next call reuses."""
    if size == len(values):
        return values
    line = w.buf(name, (size,), values.dtype)
    np.copyto(line.reshape(-1, len(values)), values)
    return line


def line_buffer(name: str, out: Array, size: int, w: Scope) -> Array:
    """Return where the sums of lines go that end in `out` (c,): `out` itself, or a buffer."""
    return out if size == len(out) else w.buf(name, (size,), out.dtype)


def add_lines(line: Array, out: Array) -> None:
    """Add up a line of sums channel by channel, where it is not `out` itself."""
    if line is not out:
        np.add.reduce(line.reshape(-1, len(out)), axis=0, out=out)


def channel_sums(a: Array, w: Scope, out: Array) -> Array:
    """Write the sums of `a` per channel to `out` (c,).

    The sum runs over the examples first and then over the pixels: two short sums have smaller
    rounding errors than a long one.
    """
    first = out if a.shape[1] == len(out) else w.buf("sums", a.shape[1:], a.dtype)
    np.add.reduce(a, axis=0, out=first)
    if first is not out:
        np.add.reduce(first.reshape(-1, len(out)), axis=0, out=out)
    return out
