"""The cores that a fit lacked because other processes used them."""

from __future__ import annotations

import time

import psutil

from graduel.cores import allowed_cores, schedulable_cores

SHORTEST = 0.1
"""Seconds below which a measurement is too inexact: systems count in hundredths of a second."""


class MissingCores:
    """A context manager that measures how many threads of this process had no free core.

    That is threads − (cores − cores used by other processes), averaged over the block, at least 0.
    Containers' quotas count as fewer cores.

    Parameters
    ----------
    threads : the number of threads that compute in the block
    wait : after a block of less than 0.1 seconds, measure until then; otherwise it counts as 0
    """

    def __init__(self, threads: int, *, wait: bool = True) -> None:
        self._threads, self._wait, self._process = threads, wait, psutil.Process()
        self.mean = 0.0

    def __enter__(self) -> MissingCores:
        self._before = self._times()
        return self

    def __exit__(self, *error: object) -> None:
        cores = max(1, len(schedulable_cores()))
        busy, total, own = self._spent()
        if self._wait and total / cores < SHORTEST and error[0] is None:
            time.sleep(SHORTEST - total / cores)
            busy, total, own = self._spent()
        if total <= 0 or total / cores < SHORTEST / 2:
            return
        others = max(0.0, (busy - own) / total * cores)
        # A quota leaves its share of the machine free however busy the other cores are.
        free = min(cores - others, float(allowed_cores()))
        self.mean = max(0.0, self._threads - free)

    def _spent(self) -> tuple[float, float, float]:
        """Return the seconds since the block began, as in :meth:`_times`."""
        busy, total, own = (
            after - before for before, after in zip(self._before, self._times(), strict=True)
        )
        return busy, total, own

    def _times(self) -> tuple[float, float, float]:
        """Return seconds of the cores so far: busy, all, and of this process and its children."""
        times = psutil.cpu_times(percpu=True)
        mine = [times[core] for core in schedulable_cores() if core < len(times)]
        idle = sum(one.idle + getattr(one, "iowait", 0.0) for one in mine)
        # Guest time is part of user time.
        total = sum(
            sum(one) - getattr(one, "guest", 0) - getattr(one, "guest_nice", 0) for one in mine
        )
        return total - idle, total, sum(self._process.cpu_times()[:4])
