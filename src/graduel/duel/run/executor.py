"""The interface between jobs and the place where they run."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Protocol

from graduel.duel.run.job import CellJob, Event


class Executor(Protocol):
    """Runs jobs in this process, in processes on this machine, or on other machines.

    An executor never writes to the store; the consumer of its events does. Several threads may call
    ``run`` at the same time.
    """

    @property
    def threads(self) -> int | None:
        """The threads of a job if the user gives no number; None: the idle cores here decide."""
        ...

    @property
    def slots(self) -> int:
        """The number of jobs that can run at the same time."""
        ...

    def run(self, jobs: Iterable[CellJob]) -> Generator[Event, None, None]:
        """Run jobs and yield their events: "started", …, then "finished" or "failed".

        Closing the generator stops all running work. A job is taken from the iterable only when it
        can start, so that it sees what earlier jobs left in the store.
        """
        ...
