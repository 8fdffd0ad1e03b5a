"""A case for each operation: arguments, and what it must compute, plainly and in float64."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Arguments = dict[str, Any]


@dataclass
class Sizes:
    """What a case is made of: n rows, k columns, a dtype, a generator, and the kind of values."""

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
    made = _logits(s)
    # Arrays of one class in a row, too: what a loop over members hands over.
    z = np.asfortranarray(made["z"]) if s.rng.integers(2) else made["z"]
    return {"z": np.repeat(z, 60, axis=0) if s.rng.integers(2) else z}


@operation(_scores)
def softmax(z):
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    return {"z": (powers / powers.sum(axis=1, keepdims=True), np.ones(z.shape))}


def _matrices(s: Sizes, names: str) -> Arguments:
    return {name: s.floats(s.n, s.k) for name in names.split()}


def _lines(s: Sizes, names: str) -> Arguments:
    return {name: s.floats(s.k) for name in names.split()}


def _empty(s: Sizes, names: str) -> Arguments:
    return {name: s.garbage(s.n, s.k) for name in names.split()}


def _sum(terms):
    return terms.sum(axis=0), np.abs(terms).sum(axis=0)


@operation(lambda s: {"y": s.floats(s.n, s.k), "factor": 0.3, "b": s.floats(s.k)})
def scale_add_bias(y, factor, b):
    return {"y": (factor * y + b, np.abs(y) + np.abs(b))}


def _factor(s: Sizes) -> float:
    return [1.0, 0.3][s.rng.integers(2)]


@operation(lambda s: _matrices(s, "z") | {"factor": _factor(s)} | _lines(s, "s b") | _empty(s, "y"))
def scale_shift(z, factor, s, b, y):
    z = factor * z
    return {"z": exact(z), "y": (s * z + b, np.abs(s * z) + np.abs(b))}


@operation(
    lambda s: (
        _matrices(s, "dy z")
        | _lines(s, "s")
        | {"factor": _factor(s), "db": s.garbage(s.k), "ds": s.garbage(s.k)}
    )
)
def scale_shift_back(dy, z, s, factor, db, ds):
    return {"dy": exact(factor * s * dy), "db": _sum(dy), "ds": _sum(dy * z)}


@operation(lambda s: _matrices(s, "dy x") | _lines(s, "r") | {"dr": s.garbage(s.k)})
def scale_back(dy, x, r, dr):
    return {"dy": exact(r * dy), "dr": _sum(dy * x)}


def _elu(s: Sizes) -> Arguments:
    x = s.floats(s.n, s.k)
    y = np.expm1(np.minimum(x, 0))
    shape = {"scale": [1.0, 1.05][s.rng.integers(2)], "alpha": [1.0, 1.67][s.rng.integers(2)]}
    return {"x": x, "y": y} | shape | _empty(s, "right")


@operation(_elu)
def elu_join(x, y, scale, alpha, right):
    return {"y": exact(scale * np.where(x > 0, x, alpha * y))}


def _elu_back(s: Sizes) -> Arguments:
    made = _elu(s)
    y = made["y"] * made["alpha"] + np.maximum(made["x"], 0)
    y[np.isnan(y)] = 0  # the forward pass stops at what is no number
    # Finite: what is 0 in float64 may be a rounding error here, and ∞ times that is another thing.
    made = {"dy": s.finite(s.n, s.k), "y": y, "scale": made["scale"], "alpha": made["alpha"]}
    return made | _empty(s, "slope jump")


@operation(_elu_back)
def elu_gate(dy, y, scale, alpha, slope, jump):
    # Near −scale · α the sum is far smaller than its terms.
    size = np.abs(dy) * (np.abs(np.minimum(y, 0)) + scale * alpha)
    return {"dy": (dy * np.where(y > 0, scale, y + scale * alpha), size)}


@operation(lambda s: _matrices(s, "f x") | _lines(s, "alpha") | _empty(s, "difference y"))
def blend(f, x, alpha, difference, y):
    size = np.abs(f) + np.abs(x)
    return {
        "difference": (f - x, size),
        "y": (x + alpha * (f - x), np.abs(alpha) * size + np.abs(x)),
    }


@operation(
    lambda s: (
        _matrices(s, "dy difference")
        | _lines(s, "alpha")
        | _empty(s, "inner")
        | {"dalpha": s.garbage(s.k)}
    )
)
def blend_back(dy, difference, alpha, inner, dalpha):
    size = np.abs(dy) + np.abs(alpha * dy)
    return {
        "dy": (dy - alpha * dy, size),
        "inner": exact(alpha * dy),
        "dalpha": _sum(dy * difference),
    }


@operation(
    lambda s: _matrices(s, "x") | _lines(s, "mean") | _empty(s, "out") | {"squares": s.garbage(s.k)}
)
def center(x, mean, out, squares):
    size = np.abs(x) + np.abs(mean)
    return {
        "out": (x - mean, size),
        "squares": (((x - mean) ** 2).sum(axis=0), (size**2).sum(axis=0)),
    }


@operation(lambda s: _matrices(s, "x") | _lines(s, "slope shift") | _empty(s, "y"))
def affine(x, slope, shift, y):
    return {"y": (slope * x + shift, np.abs(slope * x) + np.abs(shift))}


@operation(lambda s: _matrices(s, "d by") | {"sums": s.garbage(s.k), "products": s.garbage(s.k)})
def paired_sums(d, by, sums, products):
    return {"sums": _sum(d), "products": _sum(d * by)}


@operation(
    lambda s: _matrices(s, "d centered") | _lines(s, "share common slope") | _empty(s, "product")
)
def batchnorm_gradient(d, centered, share, common, slope, product):
    size = np.abs(d) + np.abs(share * centered) + np.abs(common)
    return {"d": (slope * (d - share * centered - common), np.abs(slope) * size)}


def _layernorm(s: Sizes) -> Arguments:
    x = _matrices(s, "x")["x"] if s.values == "special" else s.finite(s.n, s.k)
    return {
        **{"x": x, **_lines(s, "gamma beta"), "eps": 1e-5, "hat": s.garbage(s.n, s.k)},
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
        _matrices(s, "dy hat")
        | _empty(s, "product")
        | {"dgamma": s.garbage(s.k), "dbeta": s.garbage(s.k)}
    )
)
def layernorm_sums(dy, hat, product, dgamma, dbeta):
    return {"dgamma": _sum(dy * hat), "dbeta": _sum(dy)}


@operation(
    # Finite: sums may be taken in another order, and ∞ − ∞ in one is ∞ in another.
    lambda s: (
        {"dy": s.finite(s.n, s.k), "hat": s.finite(s.n, s.k)}
        | {"inverse": s.finite(s.n), "gamma": s.finite(s.k)}
        | _empty(s, "product")
        | {"means": s.garbage(2, s.n)}
    )
)
def layernorm_gradient(dy, hat, inverse, gamma, product, means):
    h, factor = gamma * dy, inverse[:, np.newaxis]
    mean, along = (part.mean(axis=1, keepdims=True) for part in (h, h * hat))
    size = [np.abs(part).mean(axis=1, keepdims=True) for part in (h, h * hat)]
    size = np.abs(h) + size[0] + np.abs(hat) * size[1]
    return {"dy": ((h - mean - hat * along) * factor, size * np.abs(factor))}


def _flat(s: Sizes, names: str) -> Arguments:
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


def _all_windows(x, size, stride, down, across):
    return [
        image[p * stride[0] : p * stride[0] + size[0], q * stride[1] : q * stride[1] + size[1]]
        for image in x
        for p in range(down)
        for q in range(across)
    ]


def _pooled(s: Sizes) -> Arguments:
    size, stride = [((2, 2), (2, 2)), ((3, 2), (2, 1))][s.rng.integers(2)]
    overlap = size != stride
    x = s.rng.integers(3, size=(s.n, 7, 5, s.k)).astype(s.dtype)  # equal values, often
    down, across = ((n - k) // t + 1 for n, k, t in zip(x.shape[1:], size, stride, strict=False))
    y = np.array(
        [window.max(axis=(0, 1)) for window in _all_windows(x, size, stride, down, across)]
    )
    shape = (s.n, down, across, s.k)
    return {
        **{"dy": s.finite(*shape), "x": x, "y": y.reshape(shape).astype(s.dtype), "size": size},
        **{"stride": stride, "overlap": overlap, "here": s.garbage(*shape, dtype=np.bool_)},
        **{"taken": s.garbage(*shape, dtype=np.bool_), "share": s.garbage(*shape)},
        "dx": np.zeros(x.shape, s.dtype),
    }


@operation(_pooled)
def max_pool_gradient(dy, x, y, size, stride, overlap, here, taken, share, dx):
    found, terms = np.zeros(x.shape), np.zeros(x.shape)
    for n, p, q, c in np.ndindex(y.shape):
        rows, columns = (k * t for k, t in zip((p, q), stride, strict=True))
        window = x[n, rows : rows + size[0], columns : columns + size[1], c]
        i, j = np.unravel_index(window.argmax(), window.shape)
        found[n, rows + i, columns + j, c] += dy[n, p, q, c]
        terms[n, rows + i, columns + j, c] += np.abs(dy[n, p, q, c])
    return {"dx": (found, terms)}


def _step(s: Sizes, moments: tuple[str, ...], **options: Any) -> Arguments:
    size, chance = s.n * s.k, s.rng.integers(2, size=2)
    made: Arguments = {"theta": s.finite(size), "g": s.floats(size)}
    for name in moments:
        made[name] = s.floats(size, positive=name == "v" and len(moments) > 1)
    made["scratch"] = s.garbage(max(1, size // 2))
    made["weights"] = int(s.rng.integers(size + 1))
    made["penalty"] = 0.01 * float(chance[0])
    made["shrink"] = 1 - 0.01 * float(chance[1])
    return made | options


def _decayed(theta, g, weights, penalty, shrink):
    W = theta[:weights]
    first = np.arange(len(theta)) < weights
    squares = float(W @ W) if penalty else 0.0
    return theta * np.where(first, shrink, 1), g + penalty * theta * first, squares


@operation(lambda s: _step(s, ("m", "v"), beta1=0.9, beta2=0.999, rate=1e-2, eps=1e-5))
def adam_update(theta, g, m, v, scratch, weights, penalty, shrink, beta1, beta2, rate, eps):
    start, d, squares = _decayed(theta, g, weights, penalty, shrink)
    M, V = beta1 * m + d, beta2 * v + d**2
    move = rate * M / (np.sqrt(V) + eps)
    # What M is a sum of may be far larger than M.
    terms = rate * (np.abs(beta1 * m) + np.abs(g) + np.abs(penalty * theta)) / (np.sqrt(V) + eps)
    return {
        "theta": (start - move, np.abs(theta) + terms),
        "m": (M, np.abs(m) + np.abs(g) + np.abs(theta)),
        "v": (V, v + (np.abs(g) + np.abs(penalty * theta)) ** 2),
        "return": (squares, squares),
    }


@operation(lambda s: _step(s, ("v",), momentum=0.9, nesterov=bool(s.rng.integers(2)), rate=1e-2))
def momentum_update(theta, g, v, scratch, weights, penalty, shrink, momentum, nesterov, rate):
    start, d, squares = _decayed(theta, g, weights, penalty, shrink)
    V = momentum * v + d
    size = np.abs(v) + np.abs(g) + np.abs(theta)
    return {
        "theta": (start - rate * (d + momentum * V if nesterov else V), size),
        "v": (V, size),
        "return": (squares, squares),
    }


@operation(lambda s: {**_flat(s, "average theta"), "share": 0.01, "scratch": s.garbage(5)})
def ema_update(average, theta, share, scratch):
    moved = average + share * (theta - average)
    return {"average": (moved, np.abs(average) + np.abs(theta))}


# Operations on images.


def _frame(s: Sizes) -> tuple[Arguments, Arguments, tuple[int, ...]]:
    """Images of k channels, the frame of a convolution, and the shape of its weights."""
    h, w = (int(n) for n in s.rng.integers(4, 10, size=2))
    size, stride = (tuple(int(n) for n in s.rng.integers(1, high, size=2)) for high in (5, 3))
    corner = tuple(int(n) for n in s.rng.integers(0, 3, size=2))
    padded = (h + corner[0] + int(s.rng.integers(2)), w + corner[1] + int(s.rng.integers(2)))
    room = (padded[0] * padded[1] + 8 * stride[1]) * s.k + 8
    around = s.garbage(int(s.rng.integers(1, 3)), room)
    x = s.floats(min(s.n, 3), h, w, s.k)
    if s.rng.integers(2):
        x = s.floats(min(s.n, 3), h, w, 2 * s.k)[..., ::2]
    frame = {"stride": stride, "corner": corner, "padded": padded, "around": around}
    o = [1, 2, 5, 8, 16, 21, 32, 50][s.rng.integers(8)]
    return {"x": x}, frame, (*size, s.k, o)


def _rounded(o: int) -> int:
    return -(-o // 16) * 16


def _count(frame: Arguments, size: tuple[int, ...]) -> tuple[int, ...]:
    sides = zip(frame["padded"], size, frame["stride"], strict=True)
    return tuple((n - k) // t + 1 for n, k, t in sides)


def _convolution(s: Sizes) -> Arguments:
    x, frame, shape = _frame(s)
    o, terms = shape[3], int(np.prod(shape[:3]))
    y = s.garbage(len(x["x"]), *_count(frame, shape[:2]), o)
    both = s.garbage(len(frame["around"]), terms + 1, _rounded(o))
    return x | {"W": s.floats(*shape), "b": s.floats(o)} | frame | {"both": both, "y": y}


def _pixels(x, size, stride, corner, padded, count):
    """Each position in the window, with the pixels there."""
    whole = np.zeros((len(x), *padded, x.shape[3]))
    whole[:, corner[0] : corner[0] + x.shape[1], corner[1] : corner[1] + x.shape[2]] = x
    for i, j in np.ndindex(*size):
        rows, columns = (slice(k, k + n * t, t) for k, n, t in zip((i, j), count, stride))  # noqa: B905
        yield i, j, whole[:, rows, columns][:, : count[0], : count[1]]


@operation(_convolution)
def convolve(x, W, b, stride, corner, padded, around, both, y):
    value, terms = np.zeros(y.shape) + b, np.zeros(y.shape) + np.abs(b)
    for i, j, pixels in _pixels(x, W.shape[:2], stride, corner, padded, y.shape[1:3]):
        value += pixels @ W[i, j]
        terms += np.abs(pixels) @ np.abs(W[i, j])
    return {"y": (value, terms)}


def _convolution_back(s: Sizes) -> Arguments:
    x, frame, shape = _frame(s)
    o, count = shape[3], _count(frame, shape[:2])
    shares = len(frame["around"])
    beside = s.garbage(shares, *count, _rounded(o) if o % 16 else 0)
    return {
        **x,
        "dy": s.floats(len(x["x"]), *count, o),
        **frame,
        "beside": beside,
        "sums": s.garbage(shares, shape[0] + 1, shape[1] * shape[2] + 8, _rounded(o)),
        **{"dW": s.garbage(*shape), "db": s.garbage(o)},
    }


@operation(_convolution_back)
def convolve_gradient(x, dy, stride, corner, padded, around, beside, sums, dW, db):
    value, terms = np.zeros(dW.shape), np.zeros(dW.shape)
    for i, j, pixels in _pixels(x, dW.shape[:2], stride, corner, padded, dy.shape[1:3]):
        value[i, j] = np.einsum("npqc,npqo->co", pixels, dy)
        terms[i, j] = np.einsum("npqc,npqo->co", np.abs(pixels), np.abs(dy))
    each = dy.reshape(-1, dy.shape[3])
    return {"dW": (value, terms), "db": (each.sum(axis=0), np.abs(each).sum(axis=0))}


def _pool(s: Sizes) -> Arguments:
    size, stride = [((2, 2), (2, 2)), ((2, 2), (1, 2)), ((3, 2), (2, 1))][s.rng.integers(3)]
    x = s.floats(s.n, 7, 5, s.k)
    if s.rng.integers(2):
        x = s.floats(s.n, 7, 5, 2 * s.k)[..., ::2]
    count = ((n - k) // t + 1 for n, k, t in zip((7, 5), size, stride, strict=True))
    return {"x": x, "size": size, "stride": stride, "y": s.garbage(s.n, *count, s.k)}


@operation(_pool)
def max_pool(x, size, stride, y):
    return {
        "y": exact(
            np.array(
                [window.max(axis=(0, 1)) for window in _all_windows(x, size, stride, *y.shape[1:3])]
            ).reshape(y.shape)
        )
    }


# The operations of update rules beside Adam's and momentum's


def _move(theta, g, weights, penalty, top, bottom):
    """The size of the terms of θ − rate · top / bottom, with a top that is a sum."""
    first = np.arange(len(theta)) < weights
    return np.abs(theta) + (top + np.abs(g) + np.abs(penalty * theta * first)) / bottom


@operation(lambda s: _step(s, (), rate=1e-2))
def sgd_update(theta, g, scratch, weights, penalty, shrink, rate):
    start, d, squares = _decayed(theta, g, weights, penalty, shrink)
    size = _move(theta, g, weights, penalty, 0, 1)
    return {"theta": (start - rate * d, size), "return": exact(squares)}


@operation(lambda s: _step(s, ("m", "v", "u"), beta1=0.9, beta2=0.999, rate=1e-2, eps=1e-5))
def amsgrad_update(theta, g, m, v, u, scratch, weights, penalty, shrink, beta1, beta2, rate, eps):
    start, d, squares = _decayed(theta, g, weights, penalty, shrink)
    M, V = beta1 * m + d, beta2 * v + d**2
    U = np.maximum(u, V)
    root = np.sqrt(U) + eps
    size = (np.abs(g) + np.abs(penalty * theta)) ** 2
    return {
        "theta": (start - rate * M / root, _move(theta, g, weights, penalty, np.abs(m), root)),
        "m": (M, np.abs(m) + np.abs(g) + np.abs(theta)),
        "v": (V, v + size),
        "u": (U, np.abs(u) + v + size),
        "return": exact(squares),
    }


def _squares(s: Sizes, *names: str, **options: Any) -> Arguments:
    made = _step(s, names, **options)
    return made | {"v": np.abs(made["v"])}


@operation(lambda s: _squares(s, "v", rate=1e-2, eps=1e-5))
def adagrad_update(theta, g, v, scratch, weights, penalty, shrink, rate, eps):
    start, d, squares = _decayed(theta, g, weights, penalty, shrink)
    V = v + d**2
    root = np.sqrt(V) + eps
    return {
        "theta": (start - rate * d / root, _move(theta, g, weights, penalty, 0, root)),
        "v": (V, v + (np.abs(g) + np.abs(penalty * theta)) ** 2),
        "return": exact(squares),
    }


@operation(lambda s: _squares(s, "v", decay=0.9, rate=1e-2, eps=1e-5))
def rmsprop_update(theta, g, v, scratch, weights, penalty, shrink, decay, rate, eps):
    return adagrad_update(theta, g, decay * v, scratch, weights, penalty, shrink, rate, eps)


@operation(lambda s: _squares(s, "v", "b", decay=0.9, momentum=0.8, rate=1e-2, eps=1e-5))
def rmsprop_momentum_update(
    theta, g, v, b, scratch, weights, penalty, shrink, decay, momentum, rate, eps
):
    start, d, squares = _decayed(theta, g, weights, penalty, shrink)
    V = decay * v + d**2
    root = np.sqrt(V) + eps
    B = momentum * b + d / root
    size = _move(theta, g, weights, penalty, 0, root) + np.abs(b)
    return {
        "theta": (start - rate * B, size),
        "b": (B, size),
        "v": (V, v + (np.abs(g) + np.abs(penalty * theta)) ** 2),
        "return": exact(squares),
    }


@operation(lambda s: _step(s, ("m",), beta2=0.99, share=0.09, rate=1e-2))
def lion_update(theta, g, m, scratch, weights, penalty, shrink, beta2, share, rate):
    start, d, squares = _decayed(theta, g, weights, penalty, shrink)
    tiny, c = 2.0**-100, share * m + d
    terms = np.abs(share * m) + np.abs(g) + np.abs(penalty * theta)
    # A sum near 0 may have the other sign; one that is infinite has no other.
    ratio = np.where(np.isfinite(terms), terms, 0) / np.maximum(np.abs(c), tiny)
    size = np.abs(theta) + rate * (1 + ratio)
    return {
        "theta": (start - rate * np.clip(c, -tiny, tiny) / tiny, size),
        "m": (beta2 * m + d, np.abs(m) + np.abs(g) + np.abs(theta)),
        "return": exact(squares),
    }


@operation(lambda s: _flat(s, "x") | {"floor": 0.5, "scratch": s.garbage(5)})
def flush(x, floor, scratch):
    return {"x": exact(np.where(np.abs(x) < floor, 0, x))}


@operation(lambda s: _flat(s, "g") | {"most": [0.5, 1e9][s.rng.integers(2)]})
def clip(g, most):
    return {"g": exact(np.clip(g, -most, most) if np.isfinite(g).all() else g)}


@operation(lambda s: _matrices(s, "W") | {"most": [0.5, 1e9][s.rng.integers(2)]})
def max_norm(W, most):
    lengths = np.sqrt((W**2).sum(axis=0))
    if (lengths <= most).all():
        return {"W": exact(W)}
    # At ∞ the scale of a column is 0, and 0 · ∞ is no number.
    return {"W": exact(W * (most / np.maximum(lengths, most)))}


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


@operation(
    lambda s: (
        _flat(s, "theta") | {"g": s.floats(s.n * s.k), "penalty": 0.1, "scratch": s.garbage(5)}
    )
)
def penalize(theta, g, penalty, scratch):
    squares = float(theta @ theta)
    return {"g": (g + penalty * theta, np.abs(g) + np.abs(theta)), "return": exact(squares)}


# Tabular networks.


def _parametric(s: Sizes) -> Arguments:
    shape = {"scale": [1.0, 1.05][s.rng.integers(2)], "bend": [1.0, 1.67][s.rng.integers(2)]}
    factor = {"factor": _factor(s), "s": s.finite(s.k) if s.rng.integers(2) else None}
    return factor | {"b": s.finite(s.k), "alpha": s.finite(s.k)} | shape


def _elu_of(x, scale, bend):
    """f(x) and f′(x)."""
    left = scale * bend * np.expm1(np.minimum(x, 0))
    return np.where(x > 0, scale * x, left), np.where(x > 0, scale, left + scale * bend)


@operation(lambda s: {"z": s.finite(s.n, s.k)} | _parametric(s) | _empty(s, "inside curve lift y"))
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
    made = {"dy": s.finite(s.n, s.k), "z": s.finite(s.n, s.k)} | _parametric(s)
    x = made["z"] if made["s"] is None else made["s"] * made["z"] + made["b"]
    f, _ = _elu_of(x, made["scale"], made["bend"])
    made |= {"curve": f.astype(s.dtype), "lift": (f - x).astype(s.dtype)}
    made |= _empty(s, "inner slope") | {"db": s.garbage(s.k)}
    return made | {"ds": None if made["s"] is None else s.garbage(s.k), "dalpha": s.garbage(s.k)}


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
        **{"x": x, "p": p, "most": (counts - 1).astype(s.dtype), "column": column},
        **{"factor": factor, "offset": offset, "line": s.floats(size)},
        **{"codes": s.garbage(s.n, s.k), "chosen": s.garbage(s.n, m)},
        **{"place": s.garbage(s.n, m, dtype=np.intp), "y": s.garbage(s.n, p + m)},
    }


@operation(_embedding)
def embed(x, p, most, column, factor, offset, line, codes, chosen, place, y):
    code = np.clip(np.nan_to_num(np.rint(x[:, p:]), nan=0, posinf=np.inf, neginf=-np.inf), 0, most)
    entry = code[:, column].astype(int) * factor + offset
    return {"place": exact(entry), "y": exact(np.concatenate([x[:, :p], line[entry]], axis=1))}


def _embedding_back(s: Sizes) -> Arguments:
    column, factor, offset, counts, size = _looked_up(s)
    p, m = int(s.rng.integers(3)), len(column)
    place = s.rng.integers(counts, size=(s.n, s.k))[:, column] * factor + offset
    made = {"dy": s.floats(s.n, p + m), "p": p, "place": place, "chosen": s.garbage(s.n, m)}
    return made | {"line": s.garbage(size)}


@operation(_embedding_back)
def embed_gradient(dy, p, place, chosen, line):
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
        **{"b": s.finite(s.k, F), "chosen": s.garbage(s.n, s.k), "frequency": s.garbage(s.k, F)},
        **{"columns": s.garbage(s.k, s.n), "angle": s.garbage(s.k, F, s.n)},
    }
)
def periodic_angles(x, numbers, w, b, chosen, frequency, columns, angle):
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
        "dr": _sum(products),
        "dx": ((du * r).sum(axis=1), np.abs(du * r).sum(axis=1)),
    }


def _members(s: Sizes) -> Arguments:
    o = [1, 2, 9][s.rng.integers(3)]  # a loop, or a product of BLAS
    x, W = s.finite(s.n, 3, s.k), s.finite(3, s.k, o)
    return {"x": x, "W": W, "factor": _factor(s), "b": s.finite(3, o)}


@operation(lambda s: (made := _members(s)) | {"y": s.garbage(s.n, *made["b"].shape)})
def member_products(x, W, factor, b, y):
    def products(x, W, b):
        return factor * np.einsum("nhi,hio->nho", x, W) + b

    return {"y": (products(x, W, b), products(*map(np.abs, (x, W, b))))}


def _members_back(s: Sizes) -> Arguments:
    made = _members(s)
    b, dx = made.pop("b"), s.garbage(*made["x"].shape)
    made |= {"dW": s.garbage(*made["W"].shape), "db": s.garbage(*b.shape)}
    return {"dz": s.finite(s.n, *b.shape)} | made | {"dx": dx if s.rng.integers(2) else None}


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
