"""Collectives over XGBoost's communicator and over MPI; see :class:`~.parallel.Collective`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from graduel.errors import UserError
from graduel.train.loop.parallel import Array, Collective, LostWorkerError

TIMEOUT = 20
"""Seconds until a worker that does not answer counts as lost. A dead one is noticed at once."""
PIECE = 1 << 19
"""Numbers in a message: XGBoost's copies of it then fit the cache."""


class _XGBoostCollective:
    """The communicator of ``xgboost.collective`` of this process, while it is open."""

    def __init__(self) -> None:
        from xgboost import collective

        self._library = collective
        self.rank, self.size = int(collective.get_rank()), int(collective.get_world_size())

    def all_reduce(self, array: Array) -> Array:
        """Replace a contiguous array by its sum over all workers; return it."""
        from xgboost.core import XGBoostError

        flat = array.reshape(-1)
        try:
            for start in range(0, len(flat), PIECE):
                piece = flat[start : start + PIECE]
                piece[...] = self._library.allreduce(piece, self._library.Op.SUM)
        except XGBoostError as error:
            raise LostWorkerError(
                f"worker {self.rank} of {self.size} lost another worker, which died or did not "
                f"answer within {TIMEOUT} seconds; resume from the last checkpoint "
                f"(xgboost: {_first_cause(error)})"
            ) from None
        return array

    def broadcast(self, array: Array, root: int = 0) -> Array:
        """Replace a contiguous array by that of the worker `root`; return it.

        The bytes are added up, all others being 0: ``xgboost.collective.broadcast`` would pickle
        them.
        """
        content = array.reshape(-1).view(np.uint8)
        if self.rank != root:
            content.fill(0)
        self.all_reduce(content)
        return array


def _first_cause(error: Exception) -> str:
    """Return the first line of an error that names what failed."""
    lines = [line.strip("- ") for line in str(error).splitlines() if line.startswith("-")]
    return lines[0] if lines else str(error)[:200]


@contextmanager
def xgboost_tracker(n_workers: int, host: str = "127.0.0.1") -> Iterator[dict[str, Any]]:
    """Run the tracker that introduces the workers to each other; yield its address for them.

    Parameters
    ----------
    n_workers : number of workers
    host : the address that the tracker listens on, which all workers reach
    """
    from xgboost.core import XGBoostError
    from xgboost.tracker import RabitTracker

    tracker = RabitTracker(n_workers=n_workers, host_ip=host, sortby="task")
    tracker.start()
    try:
        yield tracker.worker_args()
    finally:
        with suppress(XGBoostError):  # it complains if a worker died
            tracker.free()


@contextmanager
def xgboost_collective(
    arguments: Mapping[str, Any], rank: int, timeout: int = TIMEOUT
) -> Iterator[Collective]:
    """Open XGBoost's communicator for a block; XGBoost itself trains over it too.

    Parameters
    ----------
    arguments : the address from :func:`xgboost_tracker`
    rank : the number of this worker
    timeout : seconds until another worker that does not answer counts as lost
    """
    from xgboost import collective
    from xgboost.core import XGBoostError

    try:
        collective.init(**arguments, dmlc_task_id=f"{rank:06}", dmlc_timeout=timeout, dmlc_retry=3)
    except XGBoostError as error:
        raise LostWorkerError(
            f"worker {rank} did not reach the tracker at "
            f"{arguments.get('dmlc_tracker_uri')}:{arguments.get('dmlc_tracker_port')}; "
            f"check the address and the firewall (xgboost: {_first_cause(error)})"
        ) from None
    try:
        yield _XGBoostCollective()
    finally:
        with suppress(XGBoostError):  # after a lost worker there is nobody to say goodbye to
            collective.finalize()


class MPICollective:
    """A communicator of MPI, such as ``mpi4py.MPI.COMM_WORLD``; needs the package mpi4py.

    Parameters
    ----------
    communicator : the communicator. Default: ``COMM_WORLD``
    """

    def __init__(self, communicator: Any = None) -> None:
        try:
            from mpi4py import MPI
        except ImportError:
            raise UserError(
                "expected the package mpi4py for a training over MPI; it is not installed. Run "
                "python -m pip install mpi4py"
            ) from None
        self._mpi = MPI
        self._communicator = MPI.COMM_WORLD if communicator is None else communicator
        self.rank, self.size = self._communicator.Get_rank(), self._communicator.Get_size()

    def all_reduce(self, array: Array) -> Array:
        """Replace a contiguous array by its sum over all workers; return it."""
        self._communicator.Allreduce(self._mpi.IN_PLACE, array, self._mpi.SUM)
        return array

    def broadcast(self, array: Array, root: int = 0) -> Array:
        """Replace a contiguous array by that of the worker `root`; return it."""
        self._communicator.Bcast(array, root)
        return array
