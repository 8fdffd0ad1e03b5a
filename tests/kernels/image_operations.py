"""Cases for the operations on images; see `operations.py`."""

from __future__ import annotations

import numpy as np
from operations import Arguments, Sizes, exact, operation


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
    aligned = s.garbage(shares, *count, _rounded(o) if o % 16 else 0)
    return {
        **x,
        "dy": s.floats(len(x["x"]), *count, o),
        **frame,
        "aligned": aligned,
        "sums": s.garbage(shares, shape[0] + 1, shape[1] * shape[2] + 8, _rounded(o)),
        **{"dW": s.garbage(*shape), "db": s.garbage(o)},
    }


@operation(_convolution_back)
def convolve_gradient(x, dy, stride, corner, padded, around, aligned, sums, dW, db):
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


def _image(s: Sizes) -> tuple[int, int, int]:
    """The shape of an image, often of one row or one column, of 1 to 4 channels."""
    h, w = ([1, 2, 5, 9][s.rng.integers(4)] for _ in range(2))
    return h, w, int(s.rng.integers(1, 5))


def _positions(s: Sizes) -> Arguments:
    """Positions in and outside of an image, on pixels and between them."""
    image, kind = _image(s), [np.float32, s.dtype][s.rng.integers(2)]
    positions = s.rng.uniform(-3, 11, (2, s.n, *image[:2])).astype(kind)
    whole = s.rng.random(positions.shape) < 0.3
    np.rint(positions, out=positions, where=whole)
    if s.values == "special":
        positions[s.rng.random(positions.shape) < 0.1] = np.inf
        positions[s.rng.random(positions.shape) < 0.1] = -np.inf
    shape = (4, s.n + int(s.rng.integers(2)), int(np.prod(image)))
    index, factor = s.garbage(*shape, dtype=np.intp), s.garbage(*shape)
    return {"positions": positions, "image": image, "index": index, "factor": factor}


@operation(_positions)
def compute_taps(positions, image, index, factor):
    height, width, channels = image
    for n, i, j in np.ndindex(positions.shape[1:]):
        rows, columns = (
            _between(float(position), size)
            for position, size in zip(positions[:, n, i, j], (height, width), strict=True)
        )
        around = [(r, q) for r in rows for q in columns]
        for k, ((row, a), (column, b)) in enumerate(around):
            for c in range(channels):
                at = (i * width + j) * channels + c
                index[k, n, at] = (row * width + column) * channels + c
                factor[k, n, at] = a * b
    return {"index": exact(index), "factor": (factor, np.ones(factor.shape))}


def _between(position: float, n: int) -> list[tuple[int, float]]:
    """The two pixels around a position, and the share of each."""
    position = min(max(position, 0), n - 1)
    first = min(int(position), max(n - 2, 0))
    return [(first, 1 - (position - first)), (min(first + 1, n - 1), position - first)]


def _warped(s: Sizes) -> Arguments:
    size, share = int(np.prod(_image(s))), [1, 2, 4, 5, 16][s.rng.integers(5)]
    shape = (4, -(-s.n // share) + int(s.rng.integers(2)), size)
    return {
        "x": s.floats(s.n, size),
        "index": s.rng.integers(size, size=shape),
        "factor": s.rng.random(shape).astype(s.dtype),
        **{"share": share, "out": s.garbage(s.n, size)},
        "tap": s.garbage(min(share, s.n), size),
    }


@operation(_warped)
def blend_taps(x, index, factor, share, out, tap):
    warp = np.arange(len(x)) // share
    terms = np.take_along_axis(x[None], index[:, warp], axis=2) * factor[:, warp]
    return {"out": (terms.sum(axis=0), np.abs(terms).sum(axis=0))}
