"""The embedding layer for tables: numbers pass through, categories become embeddings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
from numpy.typing import DTypeLike

from graduel import kernels
from graduel.nn.initializers import Initializer, Normal
from graduel.nn.layers.layer import Array, Plan, Shape, Spec
from graduel.nn.part import Part
from graduel.nn.workspace import Call, Scope

MOST = 2**24
"""The maximum number of categories of a column: float32 represents codes exactly up to here."""


@dataclass(frozen=True, slots=True)
class Columns(Part):
    """y = (x₁, …, x_p, E₁[c₁], …, E_q[c_q]).   x: (n, p + q)   Eⱼ: (Kⱼ, dⱼ)   y: (n, p + Σ dⱼ).

    dEⱼ[k] = Σ dyⱼ over the rows where cⱼ = k,   dx = dy for the numbers, 0 for the codes.

    The first p columns are numeric. Each of the q others holds category codes cⱼ from 0 to Kⱼ − 1
    as floats, rounded to the nearest integer and clipped to that range; NaN counts as 0. y is
    piecewise constant in a code, so the gradient by codes is zero.

    Code 0 stands for missing and unseen categories. Its embedding starts at zero, so that it has
    no effect if it does not occur in training.

    Source: Guo and Berkhahn, *Entity Embeddings of Categorical Variables*, 2016; eight numbers
    each: Holzmüller et al., *Better by Default*, 2024.

    Parameters
    ----------
    numeric : p, the number of numeric columns, which come first
    categorical : Kⱼ, the number of codes of each other column
    size : dⱼ, the embedding size of each category column; one number is limited to Kⱼ
    init : initializer of each Eⱼ except row 0 (role "embedding"); the default gives rows about the
        length of one-hot rows

    Raises
    ------
    ValueError
        If a parameter is out of range, or the input shape is not (p + q,).

    Examples
    --------
    >>> plan = Columns(numeric=3, categorical=(4, 50)).plan((5,))
    >>> plan.out, plan.params["E0"].shape, plan.params["E1"].shape
    ((15,), (4, 4), (50, 8))
    """

    smooth: ClassVar[bool] = False

    numeric: int
    categorical: tuple[int, ...] = ()
    size: int | tuple[int, ...] = 8
    init: Initializer = Normal(0.35)

    def __post_init__(self) -> None:
        if self.numeric < 0:
            raise ValueError(f"numeric must be 0 or a positive integer; got {self.numeric}")
        if not all(0 < codes <= MOST for codes in self.categorical):
            raise ValueError(
                f"categorical must be the number of codes of each column, 1 to {MOST:,}; "
                f"got {self.categorical}"
            )
        sizes = (self.size,) if isinstance(self.size, int) else self.size
        if sizes is self.size and len(sizes) != len(self.categorical):
            raise ValueError(
                f"size must be one number, or one for each of {len(self.categorical)} category "
                f"columns; got {self.size}"
            )
        if not all(size > 0 for size in sizes):
            raise ValueError(f"size must be positive; got {self.size}")

    @property
    def sizes(self) -> tuple[int, ...]:
        """The embedding size of each category column."""
        if isinstance(self.size, int):
            return tuple(min(self.size, codes) for codes in self.categorical)
        return self.size

    def plan(self, shape: Shape) -> Plan:
        """Plan an embedding matrix for each category column: E0, E1, …."""
        width = self.numeric + len(self.categorical)
        if shape != (width,):
            raise ValueError(
                f"Columns expects {self.numeric} numeric and {len(self.categorical)} category "
                f"columns, input shape ({width},); got {shape}"
            )
        init = _ZeroFirst(self.init)
        tables = enumerate(zip(self.categorical, self.sizes, strict=True))
        params = {f"E{j}": Spec(pair, init, "embedding") for j, pair in tables}
        return Plan((self.numeric + sum(self.sizes),), params)

    def forward(self, x: Array, w: Scope, call: Call) -> Array:
        """Return the numbers, followed by the embedding of each code."""
        n, p, sizes = len(x), self.numeric, self.sizes
        largest = np.array(self.categorical, x.dtype) - 1
        # With all matrices in one flat vector, a single pass looks up all columns.
        column, factor, offset, numbers = _lookup_indices(self.categorical, sizes)
        line = w.buf("line", (numbers,), x.dtype)
        for table, part in self._tables(w.p, line):
            part[...] = table
        codes, scratch = (
            w.buf(name, (n, count), x.dtype)
            for name, count in (("codes", len(sizes)), ("scratch", len(column)))
        )
        index = w.buf("index", scratch.shape, np.intp)
        y = w.buf("y", (n, p + len(column)), x.dtype)
        kernels.embed(x, p, largest, column, factor, offset, line, codes, scratch, index, y)
        w.saved = index, numbers
        return y

    def _tables(self, tables: SimpleNamespace, line: Array) -> Iterator[tuple[Array, Array]]:
        """Yield each embedding matrix and its part of the flat vector of all of them."""
        start = 0
        for j in range(len(self.categorical)):
            table = getattr(tables, f"E{j}")
            yield table, line[start : start + table.size].reshape(table.shape)
            start += table.size

    def backward(self, dy: Array, w: Scope, call: Call, *, need_dx: bool = True) -> Array | None:
        """Assign dEⱼ[k] = Σ dyⱼ where cⱼ = k; return dy for the numbers and 0 for the codes."""
        n, p, (index, numbers) = len(dy), self.numeric, w.saved
        line = w.buf("line", (numbers,), dy.dtype)
        kernels.embed_gradient(dy, p, index, w.buf("scratch", index.shape, dy.dtype), line)
        for table, part in self._tables(w.g, line):
            table[...] = part
        if not need_dx:
            return None
        dx = w.buf("dx", (n, p + len(self.categorical)), dy.dtype)
        dx[:, :p] = dy[:, :p]
        dx[:, p:] = 0
        return dx


@dataclass(frozen=True, slots=True)
class _ZeroFirst:
    """An initializer that sets row 0 to zero."""

    init: Initializer

    def __call__(self, rng: np.random.Generator, shape: Shape, dtype: DTypeLike) -> Array:
        values = self.init(rng, shape, dtype)
        values[0] = 0
        return values


@lru_cache(maxsize=64)
def _lookup_indices(
    categorical: tuple[int, ...], sizes: tuple[int, ...]
) -> tuple[Array, Array, Array, int]:
    """Return the column, factor and offset of each embedding element, and the total size.

    A code c selects the elements c · factor + offset of the flat vector of all matrices; factor is
    the embedding size, offset the start of the column's matrix plus the index in the embedding.

    >>> *indices, numbers = _lookup_indices((3, 5), (2, 1))
    >>> [a.tolist() for a in indices], numbers
    ([[0, 0, 1], [2, 2, 1], [0, 1, 6]], 11)
    """
    many = np.array(sizes, np.intp)
    column = np.repeat(np.arange(len(sizes)), many)
    starts = np.cumsum([0, *(c * s for c, s in zip(categorical, sizes, strict=True))])
    within = [k for size in sizes for k in range(size)]
    offset = starts[column] + np.array(within, np.intp)
    return column, np.repeat(many, many), offset, int(starts[-1])
