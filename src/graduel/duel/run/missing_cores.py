"""The cores that a fit lacked because other processes used them."""

from __future__ import annotations

import psutil

from graduel.cores import allowed_cores, schedulable_cores


class MissingCores:
    """A context manager that measures how many threads of this process had no free core.

    That is threads − (cores − cores used by other processes), averaged over the block, at least 0.
    Containers' quotas count as fewer cores.

    Parameters
    ----------
    threads : the number of threads that compute in the block
    """

    def __init__(self, threads: int) -> None:
        self._threads, self._process = threads, psutil.Process()
        self.mean = 0.0

    def __enter__(self) -> MissingCores:
        self._before = self._times()
        return self

    def __exit__(self, *error: object) -> None:
        busy, total, own = (
            after - before for before, after in zip(self._before, self._times(), strict=True)
        )
        if total <= 0:
            return
        cores = len(schedulable_cores())
        others = max(0.0, (busy - own) / total * cores)
        # A quota leaves its share of the machine free however busy the other cores are.
        free = min(cores - others, float(allowed_cores()))
        self.mean = max(0.0, self._threads - free)

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
