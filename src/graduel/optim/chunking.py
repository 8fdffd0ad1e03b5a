"""Go through a long vector chunk by chunk.

An update is several passes over θ, its gradient and the moments. Chunk by chunk, all of them stay
in the cache from one pass to the next. (More threads do not help: each pass over a chunk takes
microseconds, less than it takes a thread to get Python's lock back.)
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite, nan, sqrt
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[Any]

CHUNK = 65_536
"""Parameters updated at a time."""


def new_scratch(size: int, dtype: DTypeLike) -> Array:
    """Return scratch space for the chunks of a vector of length `size`."""
    return np.empty(min(size, CHUNK), dtype)


def chunks(size: int, scratch: Array) -> Iterator[tuple[slice, Array]]:
    """Yield slices that cover a vector of length `size`, each with scratch space of its length."""
    for start in range(0, size, CHUNK):
        part = slice(start, min(start + CHUNK, size))
        yield part, scratch[: part.stop - start]


def norm(vector: Array) -> float:
    """Return ‖vector‖₂; NaN if an entry is not finite."""
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
    # The squares were too large for the dtype, the entries are not.
    most = max(-low, high)
    total = 0.0
    for start in range(0, len(vector), CHUNK):
        part = np.divide(vector[start : start + CHUNK], most, dtype=np.float64)
        total += float(np.dot(part, part))
    return most * sqrt(total)
