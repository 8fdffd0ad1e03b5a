"""Sums and factors channel by channel, along whole examples.

Channels lie on the last axis, and are few: NumPy works through an axis of 16 numbers several times
as slowly as through a long one. So an example (h, w, c) is taken as one line of h w c numbers, and
what stands for each channel is repeated along it.
"""

from __future__ import annotations

from math import prod

import numpy as np

from graduel.nn.layers.layer import Array
from graduel.nn.workspace import Scope


def lines(x: Array) -> Array:
    """View examples (n, …, c) as lines (n, … c); a copy where they do not lie in a row.

    >>> lines(np.zeros((5, 2, 3, 4))).shape
    (5, 24)
    """
    return x.reshape(len(x), prod(x.shape[1:]))


def along(values: Array, size: int, w: Scope, name: str = "along") -> Array:
    """Repeat values (c,) along a line of `size` numbers, in a buffer that the next call reuses."""
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


def sums(a: Array, w: Scope, out: Array, by: Array | None = None) -> Array:
    """Add lines up channel by channel into `out` (c,); with `by` their products with its lines.

    First over the examples, then over what is left of one: two short sums round less than a long
    one.
    """
    first = out if a.shape[1] == len(out) else w.buf("sums", a.shape[1:], a.dtype)
    if by is None:
        np.add.reduce(a, axis=0, out=first)
    else:
        np.einsum("nk,nk->k", a, by, out=first)
    if first is not out:
        np.add.reduce(first.reshape(-1, len(out)), axis=0, out=out)
    return out
