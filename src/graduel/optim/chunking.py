"""Iteration over long vectors in chunks that fit the cache.

An update makes several passes over θ, its gradient and the moments. In chunks, all of them stay in
the cache between passes. (More threads do not help: a pass over a chunk takes microseconds, less
than re-acquiring Python's global lock.)
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite, nan, sqrt
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[Any]

CHUNK = 65_536
"""The number of parameters in a chunk."""


def new_scratch(size: int, dtype: DTypeLike) -> Array:
    """Return scratch space for the chunks of a vector of length `size`."""
    return np.empty(min(size, CHUNK), dtype)


def chunks(size: int, scratch: Array) -> Iterator[tuple[slice, Array]]:
    """Yield slices that cover a vector of length `size`, with scratch space for each."""
    for start in range(0, size, CHUNK):
        part = slice(start, min(start + CHUNK, size))
        yield part, scratch[: part.stop - start]


def norm(vector: Array) -> float:
    """Return ‖vector‖₂, or NaN if an entry is not finite."""
    total = 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(vector), CHUNK):
            part = vector[start : start + CHUNK]
            total += float(np.dot(part, part))
    if isfinite(total):
        return sqrt(total)
    low, high = float(vector.min()), float(vector.max())
    if not (isfinite(low) and isfinite(high)):
        return nan
    # The squares overflow, though the entries are finite.
    most = max(-low, high)
    total = 0.0
    for start in range(0, len(vector), CHUNK):
        part = np.divide(vector[start : start + CHUNK], most, dtype=np.float64)
        total += float(np.dot(part, part))
    return most * sqrt(total)
