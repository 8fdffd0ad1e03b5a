"""The distribution of a numeric column as a mergeable summary: exact, or a sketch if it is large.

Up to :data:`MOST_DISTINCT` distinct values are counted exactly, and the quantiles are those of
NumPy. With more values, quantiles are those of a t-digest, with a rank error below
:data:`RANK_ERROR`. The t-digest is deterministic: the same rows in the same order give the same
digest. (A KLL sketch has a proven bound, but draws random bits from a generator without a seed.)

Source: Dunning, *The t-digest: Efficient estimates of distributions*, 2021, as implemented by
Apache DataSketches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graduel.errors import UserError

if TYPE_CHECKING:
    from datasketches import tdigest_double

Array = NDArray[Any]

MOST_DISTINCT = 1 << 14
"""Maximum number of distinct values that are counted exactly."""
COMPRESSION = 8_000
"""Parameter k of the t-digest; its size grows and its error falls in proportion."""
RANK_ERROR = 0.001
"""Bound on the difference between a quantile's share and the share of rows below it, as measured
over uniform, normal, log-normal and discrete columns, merged from up to 400 parts."""
MOST_SAMPLED = 1 << 14
"""Maximum number of distinct values in the sample that detects values which float32 merges."""
CHUNK = 1 << 20
HIGHEST_HASH = (1 << 64) - 1


class Distribution:
    """The finite values of a column: number, minimum, maximum, quantiles.

    Attributes
    ----------
    n : number of values
    low, high : minimum and maximum; infinite without values
    is_whole : whether every value is a whole number
    """

    __slots__ = ("_cut", "_digest", "_sample", "counts", "high", "is_whole", "low", "n", "values")

    def __init__(self) -> None:
        self.n, self.low, self.high, self.is_whole = 0, np.inf, -np.inf, True
        self.values: Array | None = np.empty(0)
        self.counts = np.empty(0, np.int64)
        self._digest: tdigest_double | None = None
        self._sample, self._cut = np.empty(0), HIGHEST_HASH
        # Sampled are the values whose float32 has a hash below the cut.

    @property
    def is_exact(self) -> bool:
        """Whether all distinct values are counted."""
        return self.values is not None

    def update(self, x: Array) -> None:
        """Add finite values."""
        if not len(x):
            return
        self.n += len(x)
        self.low, self.high = min(self.low, float(x.min())), max(self.high, float(x.max()))
        self.is_whole = self.is_whole and bool((x == np.floor(x)).all())
        if self.values is None:
            self._add_to_sketch(x)
            return
        values, counts = np.unique(x, return_counts=True)
        self._add_counts(values, counts.astype(np.int64))

    def absorb(self, other: Distribution) -> None:
        """Add the values of another distribution, which is not changed."""
        self.n += other.n
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        self.is_whole = self.is_whole and other.is_whole
        if other.values is not None:
            if self.values is not None:
                self._add_counts(other.values, other.counts)
            else:
                self._add_repeated(other.values, other.counts)
            return
        if self.values is not None:
            self._start_sketch()
        assert self._digest is not None
        assert other._digest is not None
        self._digest.merge(other._digest)
        self._cut = min(self._cut, other._cut)
        self._resample(np.concatenate([self._sample, other._sample]))

    def order_statistics(self, ranks: Array) -> Array:
        """Return the values with these ranks, from 0 to n − 1, in ascending order."""
        if self.values is not None:
            ends = np.cumsum(self.counts)
            return self.values[np.searchsorted(ends, ranks, side="right")]
        assert self._digest is not None
        shares = np.clip((ranks + 0.5) / self.n, 0, 1)
        values = np.array([self._digest.get_quantile(float(share)) for share in shares])
        values = np.clip(values, self.low, self.high)
        values[ranks <= 0], values[ranks >= self.n - 1] = self.low, self.high
        return np.maximum.accumulate(values)

    def quantiles(self, shares: Array) -> Array:
        """Return halves of the quantiles, interpolated as by ``np.quantile(x / 2, shares)``.

        Halves, so that no difference between two of them overflows.

        >>> distribution = Distribution()
        >>> distribution.update(np.array([1.0, 2.0, 3.0, 10.0]))
        >>> distribution.quantiles(np.array([0.25, 0.5])).tolist()
        [0.875, 1.25]
        """
        at = (self.n - 1) * shares
        below = np.floor(at)
        low = self.order_statistics(below) / 2
        high = self.order_statistics(np.minimum(below + 1, self.n - 1)) / 2
        return np.array(
            [
                np.quantile([a, b], share) if a < b else a
                for a, b, share in zip(low, high, at - below, strict=True)
            ]
        )

    def knots(self, count: int) -> Array:
        """Return quantiles at equally spaced shares, each a value of the column."""
        at = self.n * np.linspace(0, 1, count) - 1
        return self.order_statistics(np.maximum(np.ceil(at), 0))

    def sample(self) -> Array:
        """Return distinct values, sorted: all of them, or all that share a float32 with a sample.

        The share of the values that float32 merges is that of the column, up to the sampling error.
        """
        return self._sample if self.values is None else self.values

    def _add_counts(self, values: Array, counts: Array) -> None:
        assert self.values is not None
        merged, inverse = np.unique(np.concatenate([self.values, values]), return_inverse=True)
        total = np.zeros(len(merged), np.int64)
        np.add.at(total, inverse, np.concatenate([self.counts, counts]))
        self.values, self.counts = merged, total
        if len(merged) > MOST_DISTINCT:
            self._start_sketch()

    def _start_sketch(self) -> None:
        values, counts = self.values, self.counts
        assert values is not None
        self.values, self.counts = None, np.empty(0, np.int64)
        self._digest = _new_digest()
        self._add_repeated(values, counts)

    def _add_repeated(self, values: Array, counts: Array) -> None:
        """Add each value as often as it occurs, at most :data:`CHUNK` of them at a time."""
        ends = np.cumsum(counts)
        total = int(ends[-1]) if len(ends) else 0
        for start in range(0, total, CHUNK):
            ranks = np.arange(start, min(start + CHUNK, total))
            self._add_to_sketch(values[np.searchsorted(ends, ranks, side="right")])

    def _add_to_sketch(self, x: Array) -> None:
        assert self._digest is not None
        self._digest.update(np.ascontiguousarray(x, np.float64))
        known = x[_hash_float32(x) < np.uint64(self._cut)]
        self._resample(np.concatenate([self._sample, known]))

    def _resample(self, x: Array) -> None:
        """Set the sample to the distinct values of `x` below the cut; lower the cut if too many."""
        x = np.unique(x)
        codes = _hash_float32(x)
        keep = codes < np.uint64(self._cut)
        x, codes = x[keep], codes[keep]
        if len(x) > MOST_SAMPLED:
            self._cut = int(np.sort(codes)[MOST_SAMPLED])
            x = x[codes < np.uint64(self._cut)]
        self._sample = x

    def __getstate__(self) -> dict[str, Any]:
        """Return plain values and arrays, the digest as bytes, so that workers can send it."""
        state = {name: getattr(self, name) for name in self.__slots__}
        return state | {"_digest": None if self._digest is None else self._digest.serialize()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)
        if self._digest is not None:
            self._digest = type(_new_digest()).deserialize(state["_digest"])


def _new_digest() -> tdigest_double:
    try:
        from datasketches import tdigest_double
    except ImportError:
        raise UserError(
            "expected the package datasketches, for quantiles of a table larger than memory; it is "
            "not installed. Install it with: pip install 'graduel[large]'"
        ) from None
    return tdigest_double(COMPRESSION)


def _hash_float32(x: Array) -> NDArray[np.uint64]:
    """Return a 64-bit hash of each number's float32 (the finalizer of SplitMix64)."""
    with np.errstate(over="ignore"):
        code = (x.astype(np.float32) + np.float32(0)).view(np.uint32).astype(np.uint64)
        code += np.uint64(0x9E3779B97F4A7C15)
        code = (code ^ (code >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        code = (code ^ (code >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return code ^ (code >> np.uint64(31))
