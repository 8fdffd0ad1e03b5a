"""One worker of a job, in any process that has a collective.

That is a process of :mod:`.worker_group`, a task on a cluster, or a process of MPI.
"""

from __future__ import annotations

from typing import Any

from graduel.contenders.fit_job import Clock
from graduel.contenders.workers.network_worker import train_network
from graduel.contenders.workers.train_job import Emit, TrainJob
from graduel.contenders.workers.tree_worker import train_trees
from graduel.train.loop.parallel import Collective


def train_worker(job: TrainJob, collective: Collective, emit: Emit | None = None) -> None:
    """Run one worker of a job; the result is the last checkpoint.

    Parameters
    ----------
    job : the same on all workers
    collective : this worker among the others
    emit : receives the events of worker 0, plain data with the keys ``kind`` ("epoch", "diverged"
        or "end") and more; other workers emit nothing
    """
    if collective.rank or emit is None:
        emit = _ignore
    if job.family == "net":
        train_network(job, collective, emit, Clock())
    else:
        train_trees(job, collective, emit, Clock())


def _ignore(event: dict[str, Any]) -> None:
    """Ignore an event."""
