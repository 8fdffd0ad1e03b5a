"""Operations of tabular networks as compiled loops, documented in their NumPy form.

:mod:`graduel.kernels.numba` gives access to them.
"""

from __future__ import annotations

from math import pi
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.kernels import table_numpy
from graduel.kernels.compiler import compiled
from graduel.kernels.exponential import expm1_below_zero

Array = NDArray[Any]


@compiled
def scale_add_bias(y: Array, factor: float, b: Array) -> None:
    """Scale, then add a bias to each row: y ← factor · y + b, with b of shape (k,)."""
    scale = y.dtype.type(factor)
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            y[i, j] = scale * y[i, j] + b[j]


@compiled
def scale_shift(z: Array, factor: float, s: Array, b: Array, y: Array) -> None:
    """Scale twice and shift each row: z ← factor · z, y = s ⊙ z + b, with s and b of shape (k,)."""
    scale = z.dtype.type(factor)
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            value = scale * z[i, j]
            z[i, j] = value
            y[i, j] = s[j] * value + b[j]


@compiled
def scale_shift_back(dy: Array, z: Array, s: Array, factor: float, db: Array, ds: Array) -> None:
    """Pass a gradient back: db = Σₙ dy, ds = Σₙ dy ⊙ z, then dy ← factor · s ⊙ dy."""
    scale = dy.dtype.type(factor)
    db[:] = dy.dtype.type(0)
    ds[:] = dy.dtype.type(0)
    for i in range(dy.shape[0]):
        for j in range(dy.shape[1]):
            d = dy[i, j]
            db[j] += d
            ds[j] += d * z[i, j]
            dy[i, j] = d * s[j] * scale


@compiled
def scale_back(dy: Array, x: Array, r: Array, dr: Array) -> None:
    """Pass a gradient back through y = r ⊙ x: dr = Σₙ dy ⊙ x, then dy ← r ⊙ dy."""
    dr[:] = dy.dtype.type(0)
    for i in range(dy.shape[0]):
        for j in range(dy.shape[1]):
            d = dy[i, j]
            dr[j] += d * x[i, j]
            dy[i, j] = d * r[j]


@compiled
def elu_join(x: Array, y: Array, scale: float, alpha: float, right: Array) -> None:
    """Finish an ELU, given y = exp(min(0, x)) − 1: y ← scale · (x where x > 0, else α · y)."""
    zero, up, down = x.dtype.type(0), x.dtype.type(scale), x.dtype.type(scale * alpha)
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            y[i, j] = up * x[i, j] if x[i, j] > zero else down * y[i, j]


@compiled
def elu_gate(dy: Array, y: Array, scale: float, alpha: float, slope: Array, jump: Array) -> None:
    """Pass a gradient back through an ELU: dy ← dy · (scale where y > 0, else y + scale · α)."""
    zero, up, down = dy.dtype.type(0), dy.dtype.type(scale), dy.dtype.type(scale * alpha)
    for i in range(dy.shape[0]):
        for j in range(dy.shape[1]):
            dy[i, j] *= up if y[i, j] > zero else y[i, j] + down


@compiled
def blend(f: Array, x: Array, alpha: Array, difference: Array, y: Array) -> None:
    """Blend a function with its input: difference = f − x, y = x + α ⊙ difference."""
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            apart = f[i, j] - x[i, j]
            difference[i, j] = apart
            y[i, j] = apart * alpha[j] + x[i, j]


@compiled
def blend_back(dy: Array, difference: Array, alpha: Array, inner: Array, dalpha: Array) -> None:
    """Pass a gradient back: dα = Σₙ dy ⊙ difference, inner = α ⊙ dy, then dy ← dy − inner."""
    dalpha[:] = dy.dtype.type(0)
    for i in range(dy.shape[0]):
        for j in range(dy.shape[1]):
            d = dy[i, j]
            dalpha[j] += d * difference[i, j]
            share = d * alpha[j]
            inner[i, j] = share
            dy[i, j] = d - share


@compiled
def paired_sums(d: Array, by: Array, sums: Array, products: Array) -> None:
    """Sum a gradient, and its products with other rows: sums = Σₙ d, products = Σₙ d ⊙ by."""
    sums[:] = d.dtype.type(0)
    products[:] = d.dtype.type(0)
    for i in range(d.shape[0]):
        for j in range(d.shape[1]):
            sums[j] += d[i, j]
            products[j] += d[i, j] * by[i, j]


@compiled
def affine_relu(z: Array, factor: float, s: Array | None, b: Array, y: Array) -> None:
    """Apply ReLU to an affine map: y = max(0, factor · s ⊙ z + b)."""
    zero, unit = z.dtype.type(0), z.dtype.type(factor)
    for i in range(z.shape[0]):
        if s is None:
            for j in range(z.shape[1]):
                v = unit * z[i, j] + b[j]
                y[i, j] = zero if v < zero else v
            continue
        if factor != 1:
            for j in range(z.shape[1]):
                z[i, j] *= unit
        for j in range(z.shape[1]):
            v = z[i, j] * s[j] + b[j]
            y[i, j] = zero if v < zero else v


@compiled
def affine_relu_gradient(
    dy: Array,
    y: Array,
    gate: Array,
    z: Array,
    factor: float,
    s: Array | None,
    db: Array,
    ds: Array | None,
) -> None:
    """Pass a gradient back through `affine_relu`: db and ds, then dy ← dz."""
    zero, one, unit = dy.dtype.type(0), dy.dtype.type(1), dy.dtype.type(factor)
    db[:] = zero
    if ds is not None:
        ds[:] = zero
    for i in range(dy.shape[0]):
        for j in range(dy.shape[1]):
            d = dy[i, j] * (one if y[i, j] > zero else zero)
            db[j] += d
            if ds is not None:
                ds[j] += d * z[i, j]
            dy[i, j] = d * unit if s is None else d * unit * s[j]


@compiled
def parametric_elu(
    z: Array,
    factor: float,
    s: Array | None,
    b: Array,
    alpha: Array,
    scale: float,
    bend: float,
    inside: Array,
    curve: Array,
    lift: Array,
    y: Array,
) -> None:
    """Apply a parametric ELU to a dense layer's product: y = x + α ⊙ (f(x) − x)."""
    zero, unit = z.dtype.type(0), z.dtype.type(factor)
    up, down = z.dtype.type(scale), z.dtype.type(scale * bend)
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            scaled = unit * z[i, j]
            v = scaled + b[j] if s is None else scaled * s[j] + b[j]
            z[i, j] = v if s is None else scaled
            left = down * expm1_below_zero(zero if v > zero else v)
            y[i, j] = v + alpha[j] * ((up * v if v > zero else left) - v)


@compiled
def parametric_elu_gradient(
    dy: Array,
    z: Array,
    factor: float,
    s: Array | None,
    b: Array,
    alpha: Array,
    scale: float,
    bend: float,
    curve: Array,
    lift: Array,
    inner: Array,
    slope: Array,
    db: Array,
    ds: Array | None,
    dalpha: Array,
) -> None:
    """Pass a gradient back through `parametric_elu`: dα, db and ds, then dy ← dz.

    f is computed again: its exponential takes less time than a pass over memory.
    """
    zero, one, unit = z.dtype.type(0), z.dtype.type(1), z.dtype.type(factor)
    up, down = z.dtype.type(scale), z.dtype.type(scale * bend)
    db[:] = zero
    dalpha[:] = zero
    if ds is not None:
        ds[:] = zero
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            v = z[i, j] if s is None else z[i, j] * s[j] + b[j]
            left = down * expm1_below_zero(zero if v > zero else v)
            d = dy[i, j]
            dalpha[j] += d * ((up * v if v > zero else left) - v)
            d *= one + alpha[j] * ((up if v > zero else left + down) - one)
            db[j] += d
            if ds is not None:
                ds[j] += d * z[i, j]
            dy[i, j] = d * unit if s is None else d * unit * s[j]


@compiled
def embed(
    x: Array,
    p: int,
    largest: Array,
    column: Array,
    factor: Array,
    offset: Array,
    line: Array,
    codes: Array,
    scratch: Array,
    place: Array,
    y: Array,
) -> None:
    """Look up embeddings: y = (x₁, …, x_p, E₁[c₁], …, E_q[c_q]) with codes from x."""
    zero = x.dtype.type(0)
    for i in range(x.shape[0]):
        for j in range(p):
            y[i, j] = x[i, j]
        k = 0
        for j in range(largest.size):
            rounded = np.rint(x[i, p + j])
            code = min(rounded, largest[j]) if rounded > zero else zero  # NaN is not above 0
            codes[i, j] = code
            number = np.int64(code)
            while k < column.size and column[k] == j:
                entry = number * factor[k] + offset[k]
                place[i, k] = entry
                y[i, p + k] = line[entry]
                k += 1


@compiled
def embed_gradient(dy: Array, p: int, place: Array, scratch: Array, line: Array) -> None:
    """Sum a gradient by the entries that `embed` has looked up: line[k] = Σ dy where place = k."""
    line[:] = line.dtype.type(0)
    for i in range(place.shape[0]):
        for k in range(place.shape[1]):
            line[place[i, k]] += dy[i, p + k]


@compiled
def periodic_angles(
    x: Array,
    numbers: Array,
    w: Array,
    b: Array,
    scratch: Array,
    frequency: Array,
    columns: Array,
    angle: Array,
) -> None:
    """Compute the angles of a periodic embedding: angle = 2π w x + b, column by column."""
    turn = x.dtype.type(2 * pi)
    n = x.shape[0]
    for j in range(w.shape[0]):
        for i in range(n):
            columns[j, i] = x[i, numbers[j]]
        for f in range(w.shape[1]):
            factor, shift = turn * w[j, f], b[j, f]
            frequency[j, f] = factor
            for i in range(n):
                angle[j, f, i] = factor * columns[j, i] + shift


@compiled
def periodic_outputs(
    x: Array,
    others: Array,
    columns: Array,
    h: Array,
    A: Array,
    c: Array,
    e: Array,
    rest: Array,
    y: Array,
) -> None:
    """Finish a periodic embedding: y = (x, A h + c) for each column, then the other columns."""
    n, p, d = x.shape[0], A.shape[0], A.shape[2] + 1
    for j in range(p):
        for k in range(d - 1):
            e[j, k, :] = c[j, k]
            for f in range(A.shape[1]):
                factor = A[j, f, k]
                for i in range(n):
                    e[j, k, i] += factor * h[j, f, i]
    for i in range(n):
        for j in range(p):
            y[i, j * d] = columns[j, i]
            for k in range(d - 1):
                y[i, j * d + 1 + k] = e[j, k, i]
        for j in range(others.size):
            y[i, p * d + j] = x[i, others[j]]


@compiled
def periodic_gradient(
    dy: Array,
    columns: Array,
    h: Array,
    sine: Array,
    A: Array,
    de: Array,
    dA: Array,
    dc: Array,
    db: Array,
    dw: Array,
) -> None:
    """Pass a gradient back through a periodic embedding: dA, dc, db, dw, and h ← da."""
    zero, turn = dy.dtype.type(0), dy.dtype.type(2 * pi)
    n, p, d = dy.shape[0], A.shape[0], A.shape[2] + 1
    for i in range(n):
        for j in range(p):
            for k in range(d - 1):
                de[j, k, i] = dy[i, j * d + 1 + k]
    for j in range(p):
        for k in range(d - 1):
            total = zero
            for i in range(n):
                total += de[j, k, i]
            dc[j, k] = total
        for f in range(A.shape[1]):
            for k in range(d - 1):
                total = zero
                for i in range(n):
                    total += h[j, f, i] * de[j, k, i]
                dA[j, f, k] = total
            h[j, f, :] = zero
            for k in range(d - 1):
                factor = A[j, f, k]
                for i in range(n):
                    h[j, f, i] -= factor * de[j, k, i]
            total, along = zero, zero
            for i in range(n):
                da = h[j, f, i] * sine[j, f, i]
                h[j, f, i] = da
                total += da
                along += da * columns[j, i]
            db[j, f], dw[j, f] = total, turn * along


@compiled
def shared_scale_back(du: Array, x: Array, r: Array, dr: Array, dx: Array) -> None:
    """Pass a gradient back through uₕ = rₕ ⊙ x: dr = Σₙ du ⊙ x, dx = Σₕ du ⊙ r."""
    dr[:] = du.dtype.type(0)
    dx[:] = du.dtype.type(0)
    for i in range(du.shape[0]):
        for h in range(du.shape[1]):
            for j in range(du.shape[2]):
                d = du[i, h, j]
                dr[h, j] += d * x[i, j]
                dx[i, j] += d * r[h, j]


FEW = 8
"""The largest number of outputs for which a loop is faster than a product of BLAS."""


def member_products(x: Array, W: Array, factor: float, b: Array, y: Array) -> None:
    """Apply a matrix for each member: yₕ = factor · xₕ Wₕ + bₕ."""
    fewest = W.shape[2] <= FEW
    (_member_products if fewest else table_numpy.member_products)(x, W, factor, b, y)


@compiled
def _member_products(x: Array, W: Array, factor: float, b: Array, y: Array) -> None:
    zero, scale = x.dtype.type(0), x.dtype.type(factor)
    columns = W.transpose(0, 2, 1).copy()
    for i in range(x.shape[0]):
        for h in range(x.shape[1]):
            for k in range(W.shape[2]):
                total = zero
                for j in range(x.shape[2]):
                    total += x[i, h, j] * columns[h, k, j]
                y[i, h, k] = scale * total + b[h, k]


def member_gradient(
    dz: Array, x: Array, W: Array, factor: float, dW: Array, db: Array, dx: Array | None
) -> None:
    """Pass a gradient dz back: db = Σₙ dz, dWₕ = factor · xₕᵀ dzₕ, dxₕ = factor · dzₕ Wₕᵀ."""
    fewest = W.shape[2] <= FEW
    (_member_gradient if fewest else table_numpy.member_gradient)(dz, x, W, factor, dW, db, dx)


@compiled
def _member_gradient(
    dz: Array, x: Array, W: Array, factor: float, dW: Array, db: Array, dx: Array | None
) -> None:
    zero, scale = dz.dtype.type(0), dz.dtype.type(factor)
    columns = W.transpose(0, 2, 1).copy()
    sums = np.zeros_like(columns)
    db[:] = zero
    for i in range(x.shape[0]):
        for h in range(x.shape[1]):
            for k in range(W.shape[2]):
                d = dz[i, h, k]
                db[h, k] += d
                d *= scale
                for j in range(x.shape[2]):
                    sums[h, k, j] += d * x[i, h, j]
                    if dx is not None:
                        dx[i, h, j] = (zero if k == 0 else dx[i, h, j]) + d * columns[h, k, j]
    dW[:] = sums.transpose(0, 2, 1)


def class_rows(flat: Array, classes: int) -> Array:
    """View a flat buffer as (n, K), in the order in which `softmax_cross_entropy` is fastest."""
    return flat.reshape(-1, classes)
