"""Cases for the operations of tabular networks; see `operations.py`."""

from __future__ import annotations

import numpy as np
from operations import Arguments, Sizes, buffers, exact, matrices, operation, sums_of, vectors


@operation(lambda s: {"y": s.floats(s.n, s.k), "factor": 0.3, "b": s.floats(s.k)})
def scale_add_bias(y, factor, b):
    return {"y": (factor * y + b, np.abs(y) + np.abs(b))}


def _factor(s: Sizes) -> float:
    return [1.0, 0.3][s.rng.integers(2)]


@operation(
    lambda s: matrices(s, "z") | {"factor": _factor(s)} | vectors(s, "s b") | buffers(s, "y")
)
def scale_shift(z, factor, s, b, y):
    z = factor * z
    return {"z": exact(z), "y": (s * z + b, np.abs(s * z) + np.abs(b))}


@operation(
    lambda s: (
        matrices(s, "dy z")
        | vectors(s, "s")
        | {"factor": _factor(s), "db": s.garbage(s.k), "ds": s.garbage(s.k)}
    )
)
def scale_shift_back(dy, z, s, factor, db, ds):
    return {"dy": exact(factor * s * dy), "db": sums_of(dy), "ds": sums_of(dy * z)}


def _affine_relu(s: Sizes) -> Arguments:
    z, scaled = s.floats(s.n, s.k), s.rng.integers(2)
    return {
        **{"z": z, "factor": _factor(s), "s": s.floats(s.k) if scaled else None},
        **{"b": s.floats(s.k), "y": s.garbage(s.n, s.k) if scaled else z},
    }


@operation(_affine_relu)
def affine_relu(z, factor, s, b, y):
    z = factor * z
    x = z + b if s is None else s * z + b
    size = np.abs(x - b) + np.abs(b)
    y = np.maximum(x, 0), size
    return {"y": y, "z": y if s is None else exact(z)}


def _affine_relu_back(s: Sizes) -> Arguments:
    scaled = s.rng.integers(2)
    return {
        **matrices(s, "dy y"),
        **{"gate": s.garbage(s.n, s.k, dtype=np.bool_), **matrices(s, "z"), "factor": _factor(s)},
        **{"s": s.floats(s.k) if scaled else None, "db": s.garbage(s.k)},
        "ds": s.garbage(s.k) if scaled else None,
    }


@operation(_affine_relu_back)
def affine_relu_gradient(dy, y, gate, z, factor, s, db, ds):
    dx = dy * (y > 0)
    expected = {"dy": exact(dx * factor * (1 if s is None else s)), "db": sums_of(dx)}
    return expected if ds is None else expected | {"ds": sums_of(dx * z)}


@operation(lambda s: matrices(s, "dy x") | vectors(s, "r") | {"dr": s.garbage(s.k)})
def scale_back(dy, x, r, dr):
    return {"dy": exact(r * dy), "dr": sums_of(dy * x)}


def _elu(s: Sizes) -> Arguments:
    x = s.floats(s.n, s.k)
    y = np.expm1(np.minimum(x, 0))
    shape = {"scale": [1.0, 1.05][s.rng.integers(2)], "alpha": [1.0, 1.67][s.rng.integers(2)]}
    return {"x": x, "y": y} | shape | buffers(s, "right")


@operation(_elu)
def elu_join(x, y, scale, alpha, right):
    return {"y": exact(scale * np.where(x > 0, x, alpha * y))}


def _elu_back(s: Sizes) -> Arguments:
    arguments = _elu(s)
    y = arguments["y"] * arguments["alpha"] + np.maximum(arguments["x"], 0)
    y[np.isnan(y)] = 0  # the forward pass stops at what is no number
    # Finite: what is 0 in float64 may be a rounding error here, and ∞ times that is another thing.
    arguments = {
        "dy": s.finite(s.n, s.k),
        "y": y,
        "scale": arguments["scale"],
        "alpha": arguments["alpha"],
    }
    return arguments | buffers(s, "slope jump")


@operation(_elu_back)
def elu_gate(dy, y, scale, alpha, slope, jump):
    # Near −scale · α the sum is far smaller than its terms.
    size = np.abs(dy) * (np.abs(np.minimum(y, 0)) + scale * alpha)
    return {"dy": (dy * np.where(y > 0, scale, y + scale * alpha), size)}


@operation(lambda s: matrices(s, "f x") | vectors(s, "alpha") | buffers(s, "difference y"))
def blend(f, x, alpha, difference, y):
    size = np.abs(f) + np.abs(x)
    return {
        "difference": (f - x, size),
        "y": (x + alpha * (f - x), np.abs(alpha) * size + np.abs(x)),
    }


@operation(
    lambda s: (
        matrices(s, "dy difference")
        | vectors(s, "alpha")
        | buffers(s, "inner")
        | {"dalpha": s.garbage(s.k)}
    )
)
def blend_back(dy, difference, alpha, inner, dalpha):
    size = np.abs(dy) + np.abs(alpha * dy)
    return {
        "dy": (dy - alpha * dy, size),
        "inner": exact(alpha * dy),
        "dalpha": sums_of(dy * difference),
    }


@operation(lambda s: matrices(s, "d by") | {"sums": s.garbage(s.k), "products": s.garbage(s.k)})
def paired_sums(d, by, sums, products):
    return {"sums": sums_of(d), "products": sums_of(d * by)}


def _parametric(s: Sizes) -> Arguments:
    shape = {"scale": [1.0, 1.05][s.rng.integers(2)], "bend": [1.0, 1.67][s.rng.integers(2)]}
    factor = {"factor": _factor(s), "s": s.finite(s.k) if s.rng.integers(2) else None}
    return factor | {"b": s.finite(s.k), "alpha": s.finite(s.k)} | shape


def _elu_of(x, scale, bend):
    """f(x) and f′(x)."""
    left = scale * bend * np.expm1(np.minimum(x, 0))
    return np.where(x > 0, scale * x, left), np.where(x > 0, scale, left + scale * bend)


@operation(lambda s: {"z": s.finite(s.n, s.k)} | _parametric(s) | buffers(s, "inside curve lift y"))
def parametric_elu(z, factor, s, b, alpha, scale, bend, inside, curve, lift, y):
    left = factor * z + b if s is None else factor * z
    x = left if s is None else s * left + b
    size = np.abs(x - b) + np.abs(b)
    f, _ = _elu_of(x, scale, bend)
    return {
        "z": (left, size + np.abs(left)),
        "y": (x + alpha * (f - x), (1 + np.abs(alpha)) * 3 * size),
    }


def _parametric_back(s: Sizes) -> Arguments:
    arguments = {"dy": s.finite(s.n, s.k), "z": s.finite(s.n, s.k)} | _parametric(s)
    x = (
        arguments["z"]
        if arguments["s"] is None
        else arguments["s"] * arguments["z"] + arguments["b"]
    )
    f, _ = _elu_of(x, arguments["scale"], arguments["bend"])
    arguments |= {"curve": f.astype(s.dtype), "lift": (f - x).astype(s.dtype)}
    arguments |= buffers(s, "inner slope") | {"db": s.garbage(s.k)}
    return arguments | {
        "ds": None if arguments["s"] is None else s.garbage(s.k),
        "dalpha": s.garbage(s.k),
    }


@operation(_parametric_back)
def parametric_elu_gradient(
    dy, z, factor, s, b, alpha, scale, bend, curve, lift, inner, slope, db, ds, dalpha
):
    x = z if s is None else s * z + b
    f, slope = _elu_of(x, scale, bend)
    d = dy * (1 + alpha * (slope - 1))
    size = np.abs(dy) * (1 + 4 * np.abs(alpha)) * (1 + np.abs(x) + np.abs(b))
    line = 1.0 if s is None else s
    gradients = {
        "dy": (factor * line * d, factor * np.abs(line) * size),
        "db": (d.sum(axis=0), size.sum(axis=0)),
        "dalpha": ((dy * (f - x)).sum(axis=0), (np.abs(dy) * (2 + np.abs(x) * 3)).sum(axis=0)),
    }
    if s is None:
        return gradients
    return gradients | {"ds": ((d * z).sum(axis=0), (size * np.abs(z)).sum(axis=0))}


def _looked_up(s: Sizes) -> tuple[np.ndarray, ...]:
    """Column, factor and offset of embeddings of 1, 2, … numbers, their codes and their number."""
    sizes = np.arange(1, s.k + 1)
    counts = 1 + s.rng.integers(4, size=s.k)
    column = np.repeat(np.arange(s.k), sizes)
    starts = np.cumsum(np.r_[0, counts * sizes])
    within = np.concatenate([np.arange(size) for size in sizes])
    return column, sizes[column], starts[column] + within, counts, int(starts[-1])


def _embedding(s: Sizes) -> Arguments:
    column, factor, offset, counts, size = _looked_up(s)
    p, m = int(s.rng.integers(3)), len(column)
    x = np.concatenate([s.floats(s.n, p), s.floats(s.n, s.k)], axis=1)
    return {
        **{"x": x, "p": p, "largest": (counts - 1).astype(s.dtype), "column": column},
        **{"factor": factor, "offset": offset, "line": s.floats(size)},
        **{"codes": s.garbage(s.n, s.k), "scratch": s.garbage(s.n, m)},
        **{"place": s.garbage(s.n, m, dtype=np.intp), "y": s.garbage(s.n, p + m)},
    }


@operation(_embedding)
def embed(x, p, largest, column, factor, offset, line, codes, scratch, place, y):
    code = np.clip(
        np.nan_to_num(np.rint(x[:, p:]), nan=0, posinf=np.inf, neginf=-np.inf), 0, largest
    )
    entry = code[:, column].astype(int) * factor + offset
    return {"place": exact(entry), "y": exact(np.concatenate([x[:, :p], line[entry]], axis=1))}


def _embedding_back(s: Sizes) -> Arguments:
    column, factor, offset, counts, size = _looked_up(s)
    p, m = int(s.rng.integers(3)), len(column)
    place = s.rng.integers(counts, size=(s.n, s.k))[:, column] * factor + offset
    arguments = {"dy": s.floats(s.n, p + m), "p": p, "place": place, "scratch": s.garbage(s.n, m)}
    return arguments | {"line": s.garbage(size)}


@operation(_embedding_back)
def embed_gradient(dy, p, place, scratch, line):
    total, size = np.zeros(len(line)), np.zeros(len(line))
    np.add.at(total, place, dy[:, p:])
    np.add.at(size, place, np.abs(dy[:, p:]))
    return {"line": (total, size)}


F, D = 3, 4
"""The frequencies and the size of a periodic embedding."""


def _periodic(s: Sizes) -> tuple[np.ndarray, np.ndarray]:
    """Which of 2 k columns are embedded, and the others."""
    order = s.rng.permutation(2 * s.k)
    return order[: s.k], np.sort(order[s.k : s.k + int(s.rng.integers(s.k + 1))])


@operation(
    lambda s: {
        **{"x": s.floats(s.n, 2 * s.k), "numbers": _periodic(s)[0], "w": s.finite(s.k, F)},
        **{"b": s.finite(s.k, F), "scratch": s.garbage(s.n, s.k), "frequency": s.garbage(s.k, F)},
        **{"columns": s.garbage(s.k, s.n), "angle": s.garbage(s.k, F, s.n)},
    }
)
def periodic_angles(x, numbers, w, b, scratch, frequency, columns, angle):
    columns, frequency = x[:, numbers].T, 2 * np.pi * w
    turns = frequency[:, :, np.newaxis] * columns[:, np.newaxis]
    b = b[:, :, np.newaxis]
    return {
        "frequency": exact(frequency),
        "columns": exact(columns),
        "angle": (turns + b, np.abs(turns) + np.abs(b)),
    }


def _periodic_outputs(s: Sizes) -> Arguments:
    others = _periodic(s)[1]
    return {
        **{"x": s.floats(s.n, 2 * s.k), "others": others, "columns": s.floats(s.k, s.n)},
        **{"h": s.finite(s.k, F, s.n), "A": s.finite(s.k, F, D - 1), "c": s.finite(s.k, D - 1)},
        **{"e": s.garbage(s.k, D - 1, s.n), "rest": s.garbage(s.n, len(others))},
        "y": s.garbage(s.n, s.k * D + len(others)),
    }


@operation(_periodic_outputs)
def periodic_outputs(x, others, columns, h, A, c, e, rest, y):
    def joined(columns, h, A, c, x):
        e = np.einsum("pfn,pfd->npd", h, A) + c
        cells = np.concatenate([columns.T[:, :, np.newaxis], e], axis=2)
        return np.concatenate([cells.reshape(len(y), len(A) * D), x[:, others]], axis=1)

    return {"y": (joined(columns, h, A, c, x), joined(*map(np.abs, (columns, h, A, c, x))))}


def _periodic_back(s: Sizes) -> Arguments:
    return {
        **{"dy": s.finite(s.n, s.k * D + int(s.rng.integers(3))), "columns": s.finite(s.k, s.n)},
        **{"h": s.finite(s.k, F, s.n), "sine": s.finite(s.k, F, s.n)},
        **{"A": s.finite(s.k, F, D - 1), "de": s.garbage(s.k, D - 1, s.n)},
        **{"dA": s.garbage(s.k, F, D - 1), "dc": s.garbage(s.k, D - 1)},
        **{"db": s.garbage(s.k, F), "dw": s.garbage(s.k, F)},
    }


@operation(_periodic_back)
def periodic_gradient(dy, columns, h, sine, A, de, dA, dc, db, dw):
    p = len(A)
    de = dy[:, : p * D].reshape(len(dy), p, D)[:, :, 1:]

    def gradients(columns, h, sine, A, de):
        da = np.einsum("npd,pfd->pfn", de, A) * sine
        return {
            "h": da,
            "dA": np.einsum("npd,pfn->pfd", de, h),
            "dc": de.sum(axis=0),
            "db": da.sum(axis=2),
            "dw": 2 * np.pi * np.einsum("pfn,pn->pf", da, columns),
        }

    values, sizes = (
        gradients(columns, h, -sine, A, de),
        gradients(*map(np.abs, (columns, h, sine, A, de))),
    )
    return {name: (values[name], sizes[name]) for name in values}


@operation(
    lambda s: {
        **{"du": s.finite(s.n, 3, s.k), "x": s.finite(s.n, s.k), "r": s.finite(3, s.k)},
        **{"dr": s.garbage(3, s.k), "dx": s.garbage(s.n, s.k)},
    }
)
def shared_scale_back(du, x, r, dr, dx):
    products = du * x[:, np.newaxis]
    return {
        "dr": sums_of(products),
        "dx": ((du * r).sum(axis=1), np.abs(du * r).sum(axis=1)),
    }


def _members(s: Sizes) -> Arguments:
    o = [1, 2, 9][s.rng.integers(3)]  # a loop, or a product of BLAS
    x, W = s.finite(s.n, 3, s.k), s.finite(3, s.k, o)
    return {"x": x, "W": W, "factor": _factor(s), "b": s.finite(3, o)}


@operation(lambda s: (arguments := _members(s)) | {"y": s.garbage(s.n, *arguments["b"].shape)})
def member_products(x, W, factor, b, y):
    def products(x, W, b):
        return factor * np.einsum("nhi,hio->nho", x, W) + b

    return {"y": (products(x, W, b), products(*map(np.abs, (x, W, b))))}


def _members_back(s: Sizes) -> Arguments:
    arguments = _members(s)
    b, dx = arguments.pop("b"), s.garbage(*arguments["x"].shape)
    arguments |= {"dW": s.garbage(*arguments["W"].shape), "db": s.garbage(*b.shape)}
    return {"dz": s.finite(s.n, *b.shape)} | arguments | {"dx": dx if s.rng.integers(2) else None}


@operation(_members_back)
def member_gradient(dz, x, W, factor, dW, db, dx):
    def gradients(dz, x, W):
        return {
            "dW": factor * np.einsum("nhi,nho->hio", x, dz),
            "db": dz.sum(axis=0),
            "dx": factor * np.einsum("nho,hio->nhi", dz, W),
        }

    values, sizes = gradients(dz, x, W), gradients(*map(np.abs, (dz, x, W)))
    return {name: (values[name], sizes[name]) for name in values if name != "dx" or dx is not None}


@operation(lambda s: {"flat": np.zeros(s.n * s.k, s.dtype), "classes": s.k})
def class_rows(flat, classes):
    return {"return": exact(np.zeros((len(flat) // classes, classes)))}
