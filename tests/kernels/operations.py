"""A case for each operation: arguments, and what it must compute, plainly and in float64."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Arguments = dict[str, Any]


@dataclass
class Sizes:
    """The sizes of a case: n rows, k columns, a dtype, a generator, and the kind of values."""

    n: int
    k: int
    dtype: np.dtype
    rng: np.random.Generator
    values: str

    def floats(self, *shape: int, positive: bool = False) -> np.ndarray:
        """Values around 1; or with denormal numbers, zeros, infinities and NaN among them."""
        x = self.rng.normal(size=shape) * 10.0 ** self.rng.integers(-3, 3, size=shape)
        tiny = float(np.finfo(self.dtype).tiny)
        rare = {
            "denormal": [0.0, tiny / 8, -tiny / 4],
            "special": [np.nan, np.inf, -np.inf, 0.0],
            "zero": [0.0],
        }.get(self.values)
        if rare:
            where = self.rng.random(shape) < (1.0 if self.values == "zero" else 0.3)
            x = np.where(where, self.rng.choice(rare, size=shape), x)
        return (np.abs(x) if positive else x).astype(self.dtype)

    def finite(self, *shape: int) -> np.ndarray:
        """Values around 1."""
        return self.rng.normal(size=shape).astype(self.dtype)

    def garbage(self, *shape: int, dtype: Any = None) -> np.ndarray:
        """What a buffer held before."""
        out = np.empty(shape, self.dtype if dtype is None else dtype)
        out.fill(np.nan if out.dtype.kind == "f" else 1)
        return out


@dataclass(frozen=True)
class Operation:
    """An operation's case.

    `reference` gets float64 copies and returns, for each argument that is written (and "return"),
    the expected values and the size of the terms that they are sums of: an error is measured by it.
    """

    make: Callable[[Sizes], Arguments]
    reference: Callable[..., dict[str, tuple[Any, Any]]]
    rows_min: int = 0


OPERATIONS: dict[str, Operation] = {}


def operation(make: Callable[[Sizes], Arguments], rows_min: int = 0):
    """Enter a reference, which is named as its operation is."""

    def enter(reference):
        OPERATIONS[reference.__name__] = Operation(make, reference, rows_min)
        return reference

    return enter


def exact(value):
    """An expected value that is its own measure."""
    return value, np.abs(value)


def _rows(s: Sizes, dtypes=("own", "uint8", "float64", "float32")) -> Arguments:
    kind = dtypes[s.rng.integers(len(dtypes))]
    X = s.floats(7, 2 * s.k)
    if kind == "uint8":
        X = s.rng.integers(256, size=(7, 2 * s.k)).astype(np.uint8)
    elif kind != "own":
        X = X.astype(kind)
    X = X[:, ::2] if s.rng.integers(2) else np.ascontiguousarray(X[:, ::2])
    out = s.garbage(s.n, s.k)
    raw = out if X.dtype == out.dtype else s.garbage(s.n, s.k, dtype=X.dtype)
    index = s.rng.integers(7, size=2 * s.n)[:: 1 + int(s.rng.integers(2))][: s.n]
    return {
        "X": X,
        "index": index,
        "scale": [1.0, 1 / 255][s.rng.integers(2)],
        "raw": raw,
        "out": out,
    }


@operation(_rows)
def gather_scale(X, index, scale, raw, out):
    return {"out": exact(scale * X[index])}


@operation(lambda s: {"y": s.floats(s.n, s.k), "b": s.floats(s.k)})
def add_bias(y, b):
    return {"y": (y + b, np.abs(y) + np.abs(b))}


@operation(lambda s: {"x": s.floats(s.n, s.k), "out": s.garbage(s.n, s.k)})
def relu(x, out):
    return {"out": exact(np.maximum(x, 0))}


@operation(lambda s: {"y": s.floats(s.n, s.k), "b": s.floats(s.k)})
def bias_relu(y, b):
    return {"y": (np.maximum(y + b, 0), np.abs(y) + np.abs(b))}


def _gate(s: Sizes) -> Arguments:
    gate = s.garbage(s.n, s.k, dtype=np.bool_)
    return {"dy": s.floats(s.n, s.k), "y": s.floats(s.n, s.k), "gate": gate}


@operation(_gate)
def relu_gate(dy, y, gate):
    return {"dy": exact(dy * (y > 0))}


@operation(lambda s: {"dy": s.floats(s.n, s.k), "db": s.garbage(s.k)})
def bias_gradient(dy, db):
    return {"db": (dy.sum(axis=0), np.abs(dy).sum(axis=0))}


@operation(lambda s: {**_gate(s), "db": s.garbage(s.k)})
def relu_gate_bias(dy, y, gate, db):
    d = dy * (y > 0)
    return {"dy": exact(d), "db": (d.sum(axis=0), np.abs(d).sum(axis=0))}


def _logits(s: Sizes) -> Arguments:
    # Codes of the first half alone: there are classes without rows.
    y = s.rng.integers(-(-s.k // 2), size=s.n).astype(
        ("int64", "int32", "uint8")[s.rng.integers(3)]
    )
    z = s.floats(s.n, s.k) if s.values == "special" else np.clip(s.floats(s.n, s.k), -60, 60)
    return {
        **{"z": z, "y": y, "s": [0.0, 0.1][s.rng.integers(2)]},
        **{"A": s.garbage(s.k, s.n).T, "each": s.garbage(s.n)},
    }


@operation(_logits)
def softmax_cross_entropy(z, y, s, A, each):
    n, classes = z.shape
    target = (1 - s) * np.eye(classes)[y] + s / classes
    shifted = z - z.max(axis=1, keepdims=True)
    powers = np.exp(shifted)
    total = powers.sum(axis=1, keepdims=True)
    at_y = shifted[np.arange(n), y]  # apart, as 0 · ∞ has no part in it
    share = s / classes * shifted.sum(axis=1) if s else 0.0
    loss = np.log(total[:, 0]) - (1 - s) * at_y - share
    size = 1 + np.abs(shifted).sum(axis=1)
    return {"A": (powers / total - target, np.ones(z.shape)), "each": (loss, size)}


def _scores(s: Sizes) -> Arguments:
    arguments = _logits(s)
    # Column-major arrays, too.
    z = np.asfortranarray(arguments["z"]) if s.rng.integers(2) else arguments["z"]
    return {"z": np.repeat(z, 60, axis=0) if s.rng.integers(2) else z}


@operation(_scores)
def softmax(z):
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    return {"z": (powers / powers.sum(axis=1, keepdims=True), np.ones(z.shape))}


def matrices(s: Sizes, names: str) -> Arguments:
    return {name: s.floats(s.n, s.k) for name in names.split()}


def vectors(s: Sizes, names: str) -> Arguments:
    return {name: s.floats(s.k) for name in names.split()}


def buffers(s: Sizes, names: str) -> Arguments:
    return {name: s.garbage(s.n, s.k) for name in names.split()}


def sums_of(terms):
    return terms.sum(axis=0), np.abs(terms).sum(axis=0)


@operation(
    lambda s: (
        matrices(s, "x") | vectors(s, "mean") | buffers(s, "out") | {"squares": s.garbage(s.k)}
    )
)
def center(x, mean, out, squares):
    size = np.abs(x) + np.abs(mean)
    return {
        "out": (x - mean, size),
        "squares": (((x - mean) ** 2).sum(axis=0), (size**2).sum(axis=0)),
    }


@operation(lambda s: matrices(s, "x") | vectors(s, "slope shift") | buffers(s, "y"))
def affine(x, slope, shift, y):
    return {"y": (slope * x + shift, np.abs(slope * x) + np.abs(shift))}


@operation(lambda s: matrices(s, "d centered") | vectors(s, "share common") | buffers(s, "product"))
def batchnorm_gradient(d, centered, share, common, product):
    size = np.abs(d) + np.abs(share * centered) + np.abs(common)
    return {"d": (d - share * centered - common, size)}


def _layernorm(s: Sizes) -> Arguments:
    x = matrices(s, "x")["x"] if s.values == "special" else s.finite(s.n, s.k)
    return {
        **{"x": x, **vectors(s, "gamma beta"), "eps": 1e-5, "hat": s.garbage(s.n, s.k)},
        **{"inverse": s.garbage(s.n), "y": s.garbage(s.n, s.k)},
    }


@operation(_layernorm)
def layernorm(x, gamma, beta, eps, hat, inverse, y):
    mean = x.mean(axis=1, keepdims=True)
    factor = 1 / np.sqrt(x.var(axis=1, keepdims=True) + eps)
    normal, size = (x - mean) * factor, (np.abs(x) + np.abs(x).mean(axis=1, keepdims=True)) * factor
    size = size * (1 + (size**2).mean(axis=1, keepdims=True))  # an error of σ, too
    return {
        "hat": (normal, size),
        "inverse": (factor[:, 0], factor[:, 0] * size.max(axis=1, initial=1)),
        "y": (gamma * normal + beta, np.abs(gamma) * size + np.abs(beta)),
    }


@operation(
    lambda s: (
        matrices(s, "dy hat")
        | buffers(s, "product")
        | {"dgamma": s.garbage(s.k), "dbeta": s.garbage(s.k)}
    )
)
def layernorm_sums(dy, hat, product, dgamma, dbeta):
    return {"dgamma": sums_of(dy * hat), "dbeta": sums_of(dy)}


@operation(
    # Finite: sums may be taken in another order, and ∞ − ∞ in one is ∞ in another.
    lambda s: (
        {"dy": s.finite(s.n, s.k), "hat": s.finite(s.n, s.k)}
        | {"inverse": s.finite(s.n), "gamma": s.finite(s.k)}
        | buffers(s, "product")
        | {"means": s.garbage(2, s.n)}
    )
)
def layernorm_gradient(dy, hat, inverse, gamma, product, means):
    h, factor = gamma * dy, inverse[:, np.newaxis]
    mean, along = (part.mean(axis=1, keepdims=True) for part in (h, h * hat))
    size = [np.abs(part).mean(axis=1, keepdims=True) for part in (h, h * hat)]
    size = np.abs(h) + size[0] + np.abs(hat) * size[1]
    return {"dy": ((h - mean - hat * along) * factor, size * np.abs(factor))}


def flat_vectors(s: Sizes, names: str) -> Arguments:
    return {name: s.floats(s.n * s.k) for name in names.split()}


def _draws(s: Sizes) -> np.ndarray:
    return s.rng.integers(2**16, size=s.n * s.k).astype(np.uint16)


@operation(
    lambda s: {
        **{"x": s.floats(s.n * s.k), "draws": _draws(s), "least": 2**14, "scale": 4 / 3},
        **{"mask": s.garbage(s.n * s.k), "y": s.garbage(s.n * s.k)},
    }
)
def dropout(x, draws, least, scale, mask, y):
    kept = scale * (draws >= least)
    return {"mask": exact(kept), "y": exact(x * kept)}


@operation(
    lambda s: {
        **{"x": s.floats(s.n * s.k), "draws": _draws(s), "factor": 1e-4, "middle": 3.2},
        "y": s.garbage(s.n * s.k),
    }
)
def noise(x, draws, factor, middle, y):
    return {"y": (x + factor * draws - middle, np.abs(x) + factor * draws + middle)}


@operation(
    lambda s: {
        "y": s.rng.integers(-(1 - s.rng.integers(2)), 4, size=s.n).astype(
            ("int64", "int32", "int8")[s.rng.integers(3)]
        ),
        "classes": int(s.rng.integers(1, 6)),
    }
)
def are_codes(y, classes):
    return {"return": exact(all(0 <= code < classes for code in y.tolist()))}
