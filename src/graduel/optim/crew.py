"""Going through a long vector chunk by chunk, on several threads where that pays.

An update is a dozen passes over θ and its moments. In chunks these stay in the cache, and NumPy
lets other threads run meanwhile. The chunks and their arithmetic are the same on any number of
threads, and so are the results.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[Any]
Work = Callable[[slice, Array], None]

CHUNK = 32_768
"""How many parameters are updated at a time."""
THREADED_FROM = 4 * CHUNK
"""From how many parameters on more than one thread works."""
MOST_THREADS = 4


def threads() -> int:
    """Return how many threads may work: as many as the matrix products, four at the most.

    What is set for these in the environment counts, as in every process of a duel.
    """
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        value = os.environ.get(name, "")
        if value.isdigit() and int(value) > 0:
            return min(int(value), MOST_THREADS)
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return min(cores, MOST_THREADS)


@cache
def _pool(process: int, helpers: int) -> ThreadPoolExecutor:
    """Return the helping threads of this process; a forked child has none of its parent's."""
    return ThreadPoolExecutor(helpers, thread_name_prefix="graduel-optim")


def scratch_for(size: int, dtype: DTypeLike) -> Array:
    """Make a chunk of scratch space for each thread."""
    return np.empty((threads() if size >= THREADED_FROM else 1, min(size, CHUNK)), dtype)


def each_chunk(size: int, scratch: Array, work: Work) -> None:
    """Call ``work(part, scratch)`` for every chunk of a vector of length `size`.

    Parameters
    ----------
    size : the vector's length
    scratch : from :func:`scratch_for`; a row for each thread
    work : is given a slice of the vector and scratch space of the same length
    """
    n = len(scratch)
    chunks = -(-size // CHUNK)

    def run(thread: int) -> None:
        for i in range(chunks * thread // n, chunks * (thread + 1) // n):
            part = slice(i * CHUNK, min((i + 1) * CHUNK, size))
            work(part, scratch[thread, : part.stop - part.start])

    if n == 1:
        run(0)
        return
    others = [_pool(os.getpid(), n - 1).submit(run, thread) for thread in range(1, n)]
    run(0)
    for other in others:
        other.result()
