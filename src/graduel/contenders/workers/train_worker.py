"""One worker of a job, in any process that has a collective.

That is a process of :mod:`.worker_group`, a task on a cluster, or a process of MPI.
"""

from __future__ import annotations

from typing import Any

from graduel.contenders.fit_job import Clock
from graduel.contenders.workers.network_worker import train_network
from graduel.contenders.workers.textbook_worker import train_textbook
from graduel.contenders.workers.train_job import Emit, TrainJob, Wait
from graduel.contenders.workers.tree_worker import train_trees
from graduel.train.loop.parallel import Collective

TRAIN = {"net": train_network, "textbook": train_textbook, "xgboost": train_trees}
"""The function that trains a family."""


def train_worker(
    job: TrainJob,
    collective: Collective,
    emit: Emit | None = None,
    wait: Wait = lambda: False,
) -> None:
    """Run one worker of a job; the result is the last checkpoint.

    Parameters
    ----------
    job : the same on all workers
    collective : this worker among the others
    emit : receives the events of worker 0, plain data with the keys ``kind`` ("epoch", "round",
        "diverged" or "end") and more; other workers emit nothing
    wait : waits for the parent, see :attr:`TrainJob.paced`
    """
    if collective.rank or emit is None:
        emit = _ignore
    TRAIN[job.family](job, collective, emit, wait, Clock())


def _ignore(event: dict[str, Any]) -> None:
    """Ignore an event."""
