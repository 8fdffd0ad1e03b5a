"""Periodic embedding of numeric columns (PLR, PBLD)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import pi, prod, sqrt

import numpy as np
from numpy.typing import DTypeLike

from graduel import kernels
from graduel.nn.initializers import Normal, Uniform
from graduel.nn.layers.layer import Array, Plan, Shape, Spec
from graduel.nn.part import Part
from graduel.nn.workspace import Call, Scope


@dataclass(frozen=True, slots=True)
class PBLD(Part):
    """Each number x becomes (x, e₁, …, e_{d−1}),   e = A cos(2π w x + b) + c.

    The name: periodic, bias, linear, DenseNet (x itself stays in the output).

    x: (n, i), of which p columns are embedded   w, b: (p, F)   A: (p, F, d − 1)   c: (p, d − 1)
    y: (n, p d + i − p), with the other columns unchanged at the end.

    dA = Σₙ h de,   dc = Σₙ de,   db = Σₙ da,   dw = 2π Σₙ x da,   dx = dy_x + Σ_F 2π w da, column
    by column, with h = cos a, da = −(A de) sin a and a = 2π w x + b.

    Why it helps: a dense layer is smooth and needs many units to separate 0.41 from 0.43, where a
    tree needs one split. Cosines of several frequencies provide such steps, and x itself remains
    for linear effects.

    Source: Gorishniy, Rubachev and Babenko, *On Embeddings for Numerical Features in Tabular Deep
    Learning*, 2022; in this form Holzmüller et al., *Better by Default*, 2024.

    Parameters
    ----------
    columns : indices of the columns to embed; None: all
    frequencies : F, the number of cosines per column
    size : d, the number of outputs per column
    std : σ of the initial frequencies, w ~ N(0, σ²); b ~ U(−π, π). All four arrays have the role
        "periodic"

    Raises
    ------
    ValueError
        If a parameter is out of range, or a column index is too large.

    Examples
    --------
    >>> PBLD(columns=(0, 1)).plan((5,)).out
    (11,)
    """

    columns: tuple[int, ...] | None = None
    frequencies: int = 16
    size: int = 4
    std: float = 0.1

    def __post_init__(self) -> None:
        if self.frequencies < 1 or self.size < 2:
            raise ValueError(
                "frequencies must be at least 1 and size at least 2; got "
                f"{self.frequencies} and {self.size}"
            )
        if not 0 < self.std < np.inf:
            raise ValueError(f"std must be a positive number; got {self.std}")
        if self.columns is not None:
            object.__setattr__(self, "columns", tuple(int(j) for j in self.columns))
            if len(set(self.columns)) < len(self.columns) or min(self.columns, default=0) < 0:
                raise ValueError(
                    f"columns must be distinct column indices, at least 0; got {self.columns}"
                )

    def plan(self, shape: Shape) -> Plan:
        """Plan w, b, A and c."""
        if len(shape) != 1 or max(self.columns or (0,)) >= shape[0]:
            n_in = (
                f", n_in above {max(self.columns)}, the last of its columns" if self.columns else ""
            )
            raise ValueError(f"PBLD expects input shape (n_in,){n_in}; got {shape}")
        p, F, d = len(_divided(self.columns, shape[0])[0]), self.frequencies, self.size
        params = {
            "w": Spec((p, F), Normal(self.std), "periodic"),
            "b": Spec((p, F), Uniform(pi), "periodic"),
            "A": Spec((p, F, d - 1), Uniform(1 / sqrt(F)), "periodic"),
            "c": Spec((p, d - 1), Uniform(1 / sqrt(F)), "periodic"),
        }
        return Plan((p * d + shape[0] - p,), params, macs=p * F * d)

    def forward(self, x: Array, w: Scope, call: Call) -> Array:
        """Return each number with its embedding, followed by the other columns."""
        n, i = x.shape
        (numbers, others), d, F = _divided(self.columns, i), self.size, self.frequencies
        p = len(numbers)
        # Columns first, so that each is one product with its own matrix; rows last, because NumPy
        # is fast along long axes.
        scratch, rest, frequency = (
            w.buf(name, shape, x.dtype)
            for name, shape in (("scratch", (n, p)), ("rest", (n, i - p)), ("frequency", (p, F)))
        )
        columns, angle = (
            _room(w, name, shape, x.dtype)
            for name, shape in (("columns", (p, n)), ("angle", (p, F, n)))
        )
        kernels.periodic_angles(x, numbers, w.p.w, w.p.b, scratch, frequency, columns, angle)
        h = np.cos(angle, out=_room(w, "h", angle.shape, x.dtype))
        e, y = _room(w, "e", (p, d - 1, n), x.dtype), w.buf("y", (n, p * d + i - p), x.dtype)
        kernels.periodic_outputs(x, others, columns, h, w.p.A, w.p.c, e, rest, y)
        w.saved = columns, angle, frequency
        return y

    def backward(self, dy: Array, w: Scope, call: Call, *, need_dx: bool = True) -> Array | None:
        """Assign dw, db, dA and dc; return dx."""
        columns, angle, frequency = w.saved
        (p, _, n), d = angle.shape, self.size
        i = dy.shape[1] - p * (d - 1)
        h = _room(w, "h", angle.shape, dy.dtype)
        de = _room(w, "e", (p, d - 1, n), dy.dtype)
        sine = np.sin(angle, out=angle)
        kernels.periodic_gradient(dy, columns, h, sine, w.p.A, de, w.g.A, w.g.c, w.g.b, w.g.w)
        if not need_dx:
            return None
        numbers, others = _divided(self.columns, i)
        dx = w.buf("dx", (n, i), dy.dtype)
        if p < i:
            dx[:, others] = dy[:, p * d :]
        inner = _room(w, "inner", (p, n), dy.dtype)
        np.matmul(frequency[:, np.newaxis], h, out=inner[:, np.newaxis])
        inner += dy[:, : p * d : d].T
        dx[:, numbers] = inner.T
        return dx


@lru_cache(maxsize=256)
def _divided(columns: tuple[int, ...] | None, i: int) -> tuple[Array, Array]:
    """Return the indices of the embedded and of the other columns among i; cached."""
    numbers = np.arange(i) if columns is None else np.array(columns, np.intp)
    return numbers, np.setdiff1d(np.arange(i), numbers, assume_unique=True)


def _room(w: Scope, name: str, shape: Shape, dtype: DTypeLike) -> Array:
    """Return a buffer whose first axis is not the batch; it also fits shorter batches."""
    return w.buf(name, (prod(shape),), dtype).reshape(shape)
