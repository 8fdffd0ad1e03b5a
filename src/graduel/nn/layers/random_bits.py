"""Random 16-bit integers: precise enough for noise, three times as fast as float32 draws."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import PCG64, PCG64DXSM, SFC64, Philox
from numpy.typing import NDArray

STEPS = 2**16
CHUNK = 3 * 2**13
"""Numbers drawn at a time: 48 KiB, which fit the cache."""
BITS_64 = (PCG64, PCG64DXSM, SFC64, Philox)
"""The bit generators that draw 64 bits at a time."""


def sixteen_bits(
    rng: np.random.Generator, size: int, use: Callable[[NDArray[np.uint16], slice], object]
) -> None:
    """Call ``use(draws, part)`` for consecutive parts, slices, of `size` numbers.

    `draws` holds integers below 65,536, one for each element of `part`. They do not depend on the
    division into parts, and any bit generator works.

    >>> out = np.empty(15)
    >>> sixteen_bits(np.random.default_rng(0), 15, lambda draws, part: np.copyto(out[part], draws))
    >>> bool((0 <= out).all() and (out < STEPS).all())
    True
    """
    for start in range(0, size, CHUNK):
        part = slice(start, min(start + CHUNK, size))
        n = part.stop - start
        words = _words(rng, -(-n // 4))
        use(words.view(np.uint16)[:n], part)
        del words  # free the memory before the next draw


def _words(rng: np.random.Generator, count: int) -> NDArray[np.uint64]:
    """Draw 64-bit integers; the same ones without `Generator.integers`, but faster."""
    if isinstance(rng.bit_generator, BITS_64):
        return rng.bit_generator.random_raw(count)
    return rng.integers(2**64 - 1, size=count, dtype=np.uint64, endpoint=True)
