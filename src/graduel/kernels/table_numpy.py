"""Operations of tabular networks in NumPy: affine maps by feature, ELU and parametric activations.

:mod:`graduel.kernels.numpy` documents the conventions and gives access to them.
"""

from __future__ import annotations

from math import pi
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def scale_add_bias(y: Array, factor: float, b: Array) -> None:
    """Scale, then add a bias to each row: y ← factor · y + b, with b of shape (k,)."""
    y *= factor
    y += b


def scale_shift(z: Array, factor: float, s: Array, b: Array, y: Array) -> None:
    """Scale twice and shift each row: z ← factor · z, y = s ⊙ z + b, with s and b of shape (k,)."""
    if factor != 1:
        z *= factor
    np.multiply(z, s, out=y)
    y += b


def scale_shift_back(dy: Array, z: Array, s: Array, factor: float, db: Array, ds: Array) -> None:
    """Pass a gradient back: db = Σₙ dy, ds = Σₙ dy ⊙ z, then dy ← factor · s ⊙ dy."""
    paired_sums(dy, z, db, ds)
    dy *= s
    if factor != 1:
        dy *= factor


def scale_back(dy: Array, x: Array, r: Array, dr: Array) -> None:
    """Pass a gradient back through y = r ⊙ x: dr = Σₙ dy ⊙ x, then dy ← r ⊙ dy."""
    np.einsum("nk,nk->k", dy, x, out=dr)
    dy *= r


def elu_join(x: Array, y: Array, scale: float, alpha: float, right: Array) -> None:
    """Finish an ELU, given y = exp(min(0, x)) − 1: y ← scale · (x where x > 0, else α · y).

    `right` is scratch space for (n, k) floats. NumPy's own exponential is faster than a loop's.
    """
    y *= scale * alpha
    np.maximum(x, np.zeros(x.shape[1], x.dtype), out=right)
    if scale != 1:
        right *= scale
    y += right


def elu_gate(dy: Array, y: Array, scale: float, alpha: float, slope: Array, jump: Array) -> None:
    """Pass a gradient back through an ELU: dy ← dy · (scale where y > 0, else y + scale · α).

    `slope` and `jump` are scratch space for (n, k) floats.
    """
    np.minimum(y, np.zeros(y.shape[1], y.dtype), out=slope)
    slope += scale * alpha
    if alpha != 1:
        np.greater(y, 0, out=jump, casting="unsafe")
        jump *= scale - scale * alpha
        slope += jump
    np.multiply(dy, slope, out=dy)


def blend(f: Array, x: Array, alpha: Array, difference: Array, y: Array) -> None:
    """Blend a function with its input: difference = f − x, y = x + α ⊙ difference."""
    np.subtract(f, x, out=difference)
    np.multiply(difference, alpha, out=y)
    y += x


def blend_back(dy: Array, difference: Array, alpha: Array, inner: Array, dalpha: Array) -> None:
    """Pass a gradient back: dα = Σₙ dy ⊙ difference, inner = α ⊙ dy, then dy ← dy − inner."""
    np.einsum("nk,nk->k", dy, difference, out=dalpha)
    np.multiply(dy, alpha, out=inner)
    dy -= inner


def paired_sums(d: Array, by: Array, sums: Array, products: Array) -> None:
    """Sum a gradient, and its products with other rows: sums = Σₙ d, products = Σₙ d ⊙ by."""
    np.sum(d, axis=0, out=sums)
    np.einsum("nk,nk->k", d, by, out=products)


def _affine_back(
    dx: Array, z: Array, factor: float, s: Array | None, db: Array, ds: Array | None
) -> None:
    """Pass a gradient back through x = factor · s ⊙ z + b, where s may be None: dx ← dz."""
    if s is None or ds is None:
        np.sum(dx, axis=0, out=db)
        dx *= factor
    else:
        scale_shift_back(dx, z, s, factor, db, ds)


def affine_relu(z: Array, factor: float, s: Array | None, b: Array, y: Array) -> None:
    """Apply ReLU to an affine map: y = max(0, factor · s ⊙ z + b).

    Parameters
    ----------
    z : (n, k), left as factor · z, or undefined where s is None
    s : (k,), or None for 1
    b : (k,)
    y : (n, k); may be z where s is None
    """
    if s is None:
        scale_add_bias(z, factor, b)
        x = z
    else:
        scale_shift(z, factor, s, b, y)
        x = y
    np.maximum(x, np.zeros(x.shape[1], x.dtype), out=y)


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
    """Pass a gradient back through `affine_relu`: db and ds, then dy ← dz.

    dx = dy · [y > 0], db = Σₙ dx, ds = Σₙ dx ⊙ z and dz = factor · s ⊙ dx.

    y and z are what `affine_relu` has left; z is needed for ds alone. `gate` is scratch space for
    (n, k) booleans.
    """
    np.greater(y, 0, out=gate)
    np.multiply(dy, gate, out=dy)
    _affine_back(dy, z, factor, s, db, ds)


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
    """Apply a parametric ELU to a dense layer's product: y = x + α ⊙ (f(x) − x).

    x = factor · s ⊙ z + b,   f(x) = scale · (x where x > 0, else bend · (exp x − 1)).

    Parameters
    ----------
    z : (n, k), left as factor · z, or as x where s is None
    s : (k,), or None for 1
    b, alpha : (k,)
    inside : (n, k), scratch space for x
    curve, lift : (n, k), f(x) and f(x) − x, if the backward pass needs them
    y : (n, k)
    """
    if s is None:
        scale_add_bias(z, factor, b)
        inside = z
    else:
        scale_shift(z, factor, s, b, inside)
    # NumPy compares with a row of zeros three times as fast as with the number 0.
    np.minimum(inside, np.zeros(z.shape[1], z.dtype), out=curve)
    elu_join(inside, np.expm1(curve, out=curve), scale, bend, lift)
    blend(curve, inside, alpha, lift, y)


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

    dα = Σₙ dy ⊙ (f(x) − x), dx = dy ⊙ (1 + α ⊙ (f′(x) − 1)), db = Σₙ dx, ds = Σₙ dx ⊙ z and
    dz = factor · s ⊙ dx.

    z, curve and lift are what `parametric_elu` has left. lift is overwritten; `inner` and `slope`
    are scratch space for (n, k) floats.
    """
    blend_back(dy, lift, alpha, inner, dalpha)
    elu_gate(inner, curve, scale, bend, slope, lift)
    dy += inner
    _affine_back(dy, z, factor, s, db, ds)


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
    """Look up embeddings: y = (x₁, …, x_p, E₁[c₁], …, E_q[c_q]) with codes from x.

    Parameters
    ----------
    x : (n, p + q), floats; codes are rounded and clipped to 0 … largest, and NaN counts as 0
    largest : (q,), floats, the largest code of each column
    column, factor, offset : (m,), integers; element k of an embedding is entry
        code · factor[k] + offset[k] of `line`, for the code of column[k]
    line : all embeddings in a row
    codes, scratch : (n, q) and (n, m), scratch space for floats
    place : (n, m), integers, the entry of each element
    y : (n, p + m)
    """
    np.rint(x[:, p:], out=codes)
    np.fmax(codes, 0, out=codes)  # fmax turns NaN into 0
    np.minimum(codes, largest, out=codes)
    # mode="clip" lets take write into its output directly; codes are in range.
    np.copyto(place, np.take(codes, column, axis=1, out=scratch, mode="clip"), casting="unsafe")
    place *= factor
    place += offset
    y[:, :p] = x[:, :p]
    y[:, p:] = np.take(line, place, out=scratch, mode="clip")


def embed_gradient(dy: Array, p: int, place: Array, scratch: Array, line: Array) -> None:
    """Sum a gradient by the entries that `embed` has looked up: line[k] = Σ dy where place = k.

    `scratch` is scratch space for (n, m) floats.
    """
    line.fill(0)
    scratch[...] = dy[:, p:]
    np.add.at(line, place.reshape(-1), scratch.reshape(-1))


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
    """Compute the angles of a periodic embedding: angle = 2π w x + b, column by column.

    Parameters
    ----------
    x : (n, i)
    numbers : (p,), the columns to embed
    w, b : (p, F)
    scratch : (n, p), scratch space
    frequency : (p, F), 2π w
    columns : (p, n), the columns of x
    angle : (p, F, n)
    """
    columns[...] = np.take(x, numbers, axis=1, out=scratch, mode="clip").T
    np.multiply(w, 2 * pi, out=frequency)
    np.multiply(frequency[:, :, np.newaxis], columns[:, np.newaxis], out=angle)
    angle += b[:, :, np.newaxis]


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
    """Finish a periodic embedding: y = (x, A h + c) for each column, then the other columns.

    Parameters
    ----------
    x : (n, i)
    others : (i − p,), the columns that are not embedded
    columns : (p, n), those that are
    h : (p, F, n), cosines
    A, c : (p, F, d − 1) and (p, d − 1)
    e, rest : (p, d − 1, n) and (n, i − p), scratch space
    y : (n, p d + i − p)
    """
    p, d = len(A), A.shape[2] + 1
    np.matmul(A.transpose(0, 2, 1), h, out=e)
    e += c[:, :, np.newaxis]
    cells = y[:, : p * d].reshape(len(y), p, d)
    cells[:, :, 0] = columns.T
    cells[:, :, 1:] = e.transpose(2, 0, 1)
    if len(others):
        y[:, p * d :] = np.take(x, others, axis=1, out=rest, mode="clip")


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
    """Pass a gradient back through a periodic embedding: dA, dc, db, dw, and h ← da.

    dA = Σₙ h de, dc = Σₙ de, da = −(A de) sine, db = Σₙ da and dw = 2π Σₙ x da.

    `de` is scratch space for (p, d − 1, n) floats, the gradient by A h + c, which lies within dy.
    Other arguments are as in `periodic_outputs`; sine is (p, F, n).
    """
    p, _, d = A.shape[0], A.shape[1], A.shape[2] + 1
    de[...] = dy[:, : p * d].reshape(len(dy), p, d)[:, :, 1:].transpose(1, 2, 0)
    np.matmul(h, de.transpose(0, 2, 1), out=dA)
    np.sum(de, axis=2, out=dc)
    da = np.matmul(A, de, out=h)
    da *= sine
    np.negative(da, out=da)
    np.sum(da, axis=2, out=db)
    np.matmul(da, columns[:, :, np.newaxis], out=dw[:, :, np.newaxis])
    dw *= 2 * pi


def shared_scale_back(du: Array, x: Array, r: Array, dr: Array, dx: Array) -> None:
    """Pass a gradient back through uₕ = rₕ ⊙ x: dr = Σₙ du ⊙ x, dx = Σₕ du ⊙ r.

    du is (n, k, i), x and dx are (n, i), r and dr (k, i); du may be overwritten.
    """
    np.einsum("nki,ni->ki", du, x, out=dr)
    du *= r
    np.sum(du, axis=1, out=dx)


def member_products(x: Array, W: Array, factor: float, b: Array, y: Array) -> None:
    """Apply a matrix for each member: yₕ = factor · xₕ Wₕ + bₕ.

    x is (n, k, i), W (k, i, o), b (k, o) and y (n, k, o).
    """
    np.matmul(x.transpose(1, 0, 2), W, out=y.transpose(1, 0, 2))
    if factor != 1:
        y *= factor
    y += b


def member_gradient(
    dz: Array, x: Array, W: Array, factor: float, dW: Array, db: Array, dx: Array | None
) -> None:
    """Pass a gradient dz back: db = Σₙ dz, dWₕ = factor · xₕᵀ dzₕ, dxₕ = factor · dzₕ Wₕᵀ.

    dz may be overwritten; dx is None where it is not needed.
    """
    np.sum(dz, axis=0, out=db)
    if factor != 1:
        dz *= factor
    by_member = dz.transpose(1, 0, 2)
    np.matmul(x.transpose(1, 2, 0), by_member, out=dW)
    if dx is not None:
        np.matmul(by_member, W.transpose(0, 2, 1), out=dx.transpose(1, 0, 2))


def class_rows(flat: Array, classes: int) -> Array:
    """View a flat buffer as (n, K), in the order in which `softmax_cross_entropy` is fastest."""
    return flat.reshape(classes, -1).T
