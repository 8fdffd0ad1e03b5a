"""The default number of threads of a fit: the number of idle cores.

Threads that share a core with other busy processes cost more than they gain. BLAS splits every
matrix product among them and waits for the last, and a thread without a core holds up all others:
on two cores with two other busy processes, a network trains up to twenty times as long with two
threads as with one.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable

import numpy as np

from graduel.duel.plan.budget import validate_count
from graduel.errors import UserError

AUTO = 0
"""The number of threads in a protocol that leaves the choice to the machine it runs on."""
MAX_THREADS = 8
"""The most threads of a fit, or the number of cores where that is larger."""
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


def parse_threads(value: int | str | None) -> int:
    """Return a number of threads, or :data:`AUTO` for None and ``auto``.

    Raises
    ------
    UserError
        If it is neither ``auto`` nor a whole number in the range of this machine.

    Examples
    --------
    >>> parse_threads("2"), parse_threads("auto")
    (2, 0)
    """
    text = "auto" if value is None else str(value).strip().lower()
    if text == "auto":
        return AUTO
    if not re.fullmatch(r"[+-]?\d{1,99}", text, re.ASCII):
        raise UserError(f"threads must be a whole number or auto; got {value!r}")
    return validate_count("threads", int(text), max(MAX_THREADS, os.cpu_count() or 1))


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
) -> int:
    """Return the number of threads that a fit can use now.

    That is the number of idle cores, at least one and at most those allowed. Where the idle cores
    are not nearly a whole number, training steps with both numbers of threads decide.

    Parameters
    ----------
    allowed : the most threads. Default: :func:`allowed_cores`
    idle : returns the idle cores
    seconds_a_step : returns the time of a step with a number of threads. Default: measured on
        matrix products

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
    measure = _seconds_a_step if seconds_a_step is None else seconds_a_step
    return many if measure(few) > GAIN * measure(many) else few


def _seconds_a_step(threads: int) -> float:
    """Measure the products of one layer, forward and back, on this many threads."""
    from threadpoolctl import threadpool_limits

    rows, n_in, n_out = SHAPE
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
