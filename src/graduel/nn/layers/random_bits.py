"""Random 16-bit integers: precise enough for noise, three times as fast as float32 draws."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from graduel.nn.layers.layer import Array

STEPS = 2**16
CHUNK = 2**14
"""Numbers drawn at a time: 32 KiB, which fit the cache."""


def sixteen_bits(
    rng: np.random.Generator, out: Array, use: Callable[[NDArray[np.uint16], Array], object]
) -> None:
    """Call ``use(draws, part)`` for consecutive parts of `out`, which must be contiguous.

    `draws` holds integers below 65,536, one for each element of `part`. They do not depend on the
    division into parts, and any bit generator works.

    >>> out = np.empty((3, 5))
    >>> sixteen_bits(np.random.default_rng(0), out, lambda draws, part: np.copyto(part, draws))
    >>> bool((0 <= out).all() and (out < STEPS).all())
    True
    """
    flat = out.reshape(-1)
    for start in range(0, len(flat), CHUNK):
        part = flat[start : start + CHUNK]
        words = rng.integers(2**64 - 1, size=-(-len(part) // 4), dtype=np.uint64, endpoint=True)
        use(words.view(np.uint16)[: len(part)], part)
        del words  # free the memory before the next draw
