"""The number of threads of a fit: the number of idle cores, and one for small products.

Threads that share a core with other busy processes cost more than they gain. BLAS splits every
matrix product among them and waits for the last, and a thread without a core holds up all others:
on two cores with two other busy processes, a network trains up to twenty times as long with two
threads as with one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache, partial
from typing import Any

import numpy as np

from graduel.kernels.shares import limit_threads

LISTEN = 0.3
"""Seconds for which the load of other processes is measured."""
SETTLED = 0.25
"""Idle cores are rounded where they are this close to a whole number; otherwise a trial decides."""
TRIAL = 0.2
"""Seconds of a trial."""
GAIN = 1.15
"""A further thread must make steps this many times as fast."""
SHAPE = (128, 784, 512)
"""Rows, inputs and outputs of the products of a trial: the first layer of the default network."""
SMALL_STEP = 10_000_000
"""A training step whose forward pass has fewer multiply–adds is faster on one thread."""
LONG_FIT = 2e11
"""The multiply–adds of a forward pass over all epochs of a fit that takes seconds."""


def allowed_cores() -> int:
    """Return the cores that this process may use: affinity and container quotas included."""
    from joblib import cpu_count

    return int(cpu_count())


def schedulable_cores() -> list[int]:
    """Return the numbers of the cores that this process may be scheduled on, by its affinity."""
    import psutil

    try:
        return list(psutil.Process().cpu_affinity() or [])
    except (AttributeError, psutil.Error):  # macOS
        return list(range(psutil.cpu_count() or 1))


def idle_cores(seconds: float = LISTEN) -> float:
    """Return how many of the cores that this process may be scheduled on are idle, on average.

    Measured for `seconds`, during which this process sleeps; below :func:`allowed_cores` where
    other processes are busy, above it where a quota allows fewer than there are.
    """
    import psutil

    cores = schedulable_cores()
    shares = psutil.cpu_percent(seconds, percpu=True)
    return sum(1 - shares[core] / 100 for core in cores if core < len(shares))


def choose_threads(
    allowed: int | None = None,
    idle: Callable[[], float] = idle_cores,
    seconds_a_step: Callable[[int], float] | None = None,
    shape: tuple[int, int, int] = SHAPE,
) -> int:
    """Return the number of threads that a fit can use now.

    That is the number of idle cores, at least one and at most those allowed. Where the idle cores
    are not nearly a whole number, training steps with both numbers of threads decide.

    Parameters
    ----------
    allowed : the most threads. Default: :func:`allowed_cores`
    idle : returns the idle cores
    seconds_a_step : returns the time of a step with a number of threads. Default: measured on
        matrix products of this shape
    shape : rows, inputs and outputs of the products

    Examples
    --------
    >>> choose_threads(4, lambda: 3.9), choose_threads(4, lambda: 0.1)
    (4, 1)
    >>> choose_threads(2, lambda: 1.5, lambda threads: 1.0)  # a second thread gains nothing
    1
    """
    allowed = allowed_cores() if allowed is None else allowed
    if allowed == 1:
        return 1
    free = min(idle(), float(allowed))
    nearest = round(free)
    if abs(free - nearest) <= SETTLED:
        return max(1, nearest)
    few, many = max(1, int(free)), int(free) + 1
    if few == many:
        return few
    measure = seconds_a_step or partial(_seconds_a_step, shape=shape)
    return many if measure(few) > GAIN * measure(many) else few


def _seconds_a_step(threads: int, shape: tuple[int, int, int] = SHAPE) -> float:
    """Measure the products of one layer, forward and back, on this many threads."""
    from threadpoolctl import threadpool_limits

    rows, n_in, n_out = shape
    x, W = np.ones((rows, n_in), np.float32), np.ones((n_in, n_out), np.float32)
    y, dW, dx = x @ W, W.copy(), x.copy()
    steps = 0
    with threadpool_limits(threads, "blas"):
        start = time.perf_counter()
        while (spent := time.perf_counter() - start) < TRIAL / 2 or not steps:
            np.matmul(x, W, out=y)
            np.matmul(x.T, y, out=dW)
            np.matmul(y, W.T, out=dx)
            steps += 1
    return spent / steps


def limit_step(multiply_adds: float) -> Callable[[], AbstractContextManager[None]]:
    """Return a function that returns the context of a training step: one thread if it is small.

    In larger steps compiled convolutions get as many threads as BLAS has now.

    OpenBLAS divides small products too. For the passes between products, one core must then fetch
    data from the other, which can take longer than the division saves: on two cores of a virtual
    machine, a step of 784-128-10 with a batch of 32 took 0.30 ms on one thread and 0.65 to 0.76 ms
    on two. The choice depends on sizes alone, so that results stay reproducible.

    Parameters
    ----------
    multiply_adds : those of the step's forward pass
    """
    if multiply_adds >= SMALL_STEP:
        return partial(limit_threads, _blas_threads())
    one = _OneThread()
    return lambda: one


class _OneThread(AbstractContextManager[None]):
    """A reusable context in which BLAS computes on one thread."""

    def __init__(self) -> None:
        self._changed: list[tuple[Any, int]] = []

    def __enter__(self) -> None:
        for library in _blas_libraries():
            threads = library.get_num_threads()
            if threads > 1:
                self._changed.append((library, threads))
                library.set_num_threads(1)

    def __exit__(self, *error: object) -> None:
        while self._changed:
            library, threads = self._changed.pop()
            library.set_num_threads(threads)


@contextmanager
def limit_fit(multiply_adds: float) -> Iterator[None]:
    """Limit BLAS to the idle cores during a long fit; a short one runs as it is.

    They are counted once in a process, at its first long fit, which takes :data:`LISTEN` seconds,
    so that all its fits use as many. Never more threads than BLAS has, so ``OMP_NUM_THREADS`` and
    ``threadpool_limits`` hold.

    Parameters
    ----------
    multiply_adds : those of the forward pass over all rows and epochs
    """
    from threadpoolctl import ThreadpoolController

    if multiply_adds < LONG_FIT or (threads := _blas_threads()) == 1:
        yield
        return
    limits = min(threads, _process_threads())
    with ThreadpoolController().limit(limits=limits, user_api="blas"):
        yield


def _blas_threads() -> int:
    """Return the number of threads that BLAS has now."""
    return max((library.get_num_threads() for library in _blas_libraries()), default=1)


@cache
def _blas_libraries() -> list[Any]:
    """Return the BLAS libraries of this process, NumPy's among them; to find them takes 3 ms."""
    from threadpoolctl import ThreadpoolController

    return list(ThreadpoolController().select(user_api="blas").lib_controllers)


@cache
def _process_threads() -> int:
    return choose_threads()
