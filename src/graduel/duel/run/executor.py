"""The seam between what is to be run and where it runs."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Protocol

from graduel.duel.run.job import CellJob, Event


class Executor(Protocol):
    """Runs jobs: in this process, in processes of this machine, or on other machines.

    It never writes the store; whoever consumes the events does.
    """

    def run(self, jobs: Iterable[CellJob]) -> Generator[Event, None, None]:
        """Run jobs and yield what happens to each: "started", …, "finished" or "failed".

        Closing the generator ends all work that is under way. Jobs are taken from the iterable
        when there is room for one, so that each finds what earlier ones have left in the store.
        """
        ...


class WorkerError(RuntimeError):
    """A worker process died without reporting an error: a bug, or killed by the system."""
