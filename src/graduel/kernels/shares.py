"""Threads of compiled operations: each computes a share of the images of a batch.

Only convolutions use several threads, since they take milliseconds. All other operations use one:
OpenBLAS's threads spin for a while after a product, and other threads would wait for their cores.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache

VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")
"""Environment variables that set the number of threads; without them it is 1."""
LEAST = 4_000_000
"""Multiply–adds that are worth a thread: they take 0.1 ms."""
_limit: ContextVar[int | None] = ContextVar("limit", default=None)


def count_shares(images: int, multiply_adds: int) -> int:
    """Return the number of threads for a batch of images.

    `multiply_adds` is the work of the batch.

    >>> count_shares(1, 10**9), count_shares(1000, 1000)
    (1, 1)
    """
    limit = _limit.get()
    threads = _count_threads() if limit is None else limit
    return max(1, min(threads, images, multiply_adds // LEAST))


@contextmanager
def limit_threads(threads: int) -> Iterator[None]:
    """Use at most `threads` threads within this context, in this thread of Python.

    >>> with limit_threads(1):
    ...     count_shares(1000, 10**9)
    1
    """
    token = _limit.set(threads)
    try:
        yield
    finally:
        _limit.reset(token)


def run_shares(images: int, shares: int, work: Callable[[int, slice], object]) -> None:
    """Call ``work(share, part)`` for each share of the images, at the same time; wait for all."""
    parts = [slice(images * k // shares, images * (k + 1) // shares) for k in range(shares)]
    if shares > 1:
        work(0, slice(0, 0))  # compiled in this thread, whose clock stands still meanwhile
    others = [_pool().submit(work, k, parts[k]) for k in range(1, shares)]
    work(0, parts[0])
    for other in others:
        other.result()


@cache
def _count_threads() -> int:
    for name in VARIABLES:
        text = os.environ.get(name, "")
        if text.isdecimal() and int(text) > 0:
            return min(int(text), os.cpu_count() or 1)
    return 1


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count() or 1, "graduel-kernels")


if hasattr(os, "register_at_fork"):  # threads do not survive a fork
    os.register_at_fork(after_in_child=_pool.cache_clear)
