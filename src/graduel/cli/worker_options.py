"""The workers of ``graduel train``: processes of this machine, or of a Dask cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from graduel.cli.actions.live_session import open_cluster
from graduel.contenders.workers.worker_group import Launch
from graduel.errors import UserError


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """How workers train one model.

    Attributes
    ----------
    number : number of processes
    checkpoint_every : steps between checkpoints, in addition to those after every epoch
    retries : how often they are started again because one died
    launch : starts them; None for processes of this machine
    threads : the threads of all of them if the user gives no number; None: the idle cores here
    """

    number: int = 1
    checkpoint_every: int = 0
    retries: int = 2
    launch: Launch | None = None
    threads: int | None = None

    @property
    def is_parallel(self) -> bool:
        """Whether other processes train the model."""
        return self.number > 1 or self.launch is not None


@contextmanager
def open_workers(
    cluster: dict[str, Any], workers: int | None, checkpoint_every: int
) -> Iterator[WorkerOptions]:
    """Return the workers for the options of a command; a cluster is open meanwhile.

    By default one process of this machine trains, or all workers of the cluster.
    """
    for name, value, least in (
        ("--workers", workers, 1),
        ("--checkpoint-every", checkpoint_every, 0),
        ("--retries", cluster["retries"], 0),
    ):
        if value is not None and value < least:
            raise UserError(f"{name}: expected at least {least}; got {value}")
    if cluster["on"] is None:
        yield WorkerOptions(workers or 1, checkpoint_every, cluster["retries"])
        return
    with open_cluster(cluster) as executor:
        on_cluster: Any = executor
        number = workers or on_cluster.slots
        threads = on_cluster.threads and number * on_cluster.threads
        launch = on_cluster.launcher()
        yield WorkerOptions(number, checkpoint_every, cluster["retries"], launch, threads)
