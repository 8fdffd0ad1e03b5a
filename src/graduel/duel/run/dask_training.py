"""One training over the workers of a Dask cluster: its processes, one on each."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Queue, SimpleQueue
from threading import Thread
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from graduel.atomic_io import atomic_write
from graduel.contenders.registry import family_packages
from graduel.contenders.workers.train_job import TrainJob
from graduel.contenders.workers.worker_group import PACED, Worker, WorkerProcess
from graduel.duel.result.environment import PACKAGES
from graduel.duel.run import training_task as task
from graduel.duel.run import worker as cell_worker
from graduel.duel.run.cluster_view import LOST_AFTER, ClusterView
from graduel.duel.run.dask_worker import RESOURCE, describe_versions, offer_resource
from graduel.duel.run.job import Team
from graduel.duel.run.worker_versions import compare_versions
from graduel.errors import UserError
from graduel.serialize import to_plain
from graduel.train.loop.collectives import xgboost_tracker
from graduel.train.loop.parallel import LostWorkerError

WAIT = 20.0
"""Seconds to wait for as many workers as are wanted, such as one that starts again."""
LOST_CODE = -1
"""The exit code of a process whose worker has left the cluster."""


class DaskLauncher:
    """Runs the processes of a training on the workers of a cluster, one on each.

    Rows and checkpoints are read where they are if the worker sees their folder, as on this machine
    or a shared file system; otherwise they are sent, and worker 0's checkpoints fetched after each
    epoch. XGBoost's tracker runs here, at the address from which the scheduler is reached.

    Parameters
    ----------
    view : the workers of the cluster
    places : addresses of the workers for all processes but the first, which runs here; without
        them, any workers run all processes
    """

    def __init__(self, view: ClusterView, places: Sequence[str] = ()) -> None:
        self._view, self._client, self._places = view, view.client, list(places)
        self._compared = set[str]()

    @contextmanager
    def __call__(self, job: TrainJob, n_workers: int) -> Iterator[Sequence[Worker]]:
        """Start the workers of a job, fewer if the cluster has fewer; end them at the exit."""
        places = self._places or self._choose(n_workers)
        if lost := [place for place in self._places if place not in self._view.live]:
            raise LostWorkerError(f"Dask worker {lost[0]} is lost")
        n_here = 1 if self._places else 0
        self._prepare(job, places)
        topic, workers = f"graduel-{uuid4().hex}", list[WorkerProcess | _RemoteWorker]()
        receivers: dict[str, _RemoteWorker] = {}

        def receive(logged: tuple[float, Any]) -> None:
            receivers[logged[1]["key"]].raw.put(logged[1]["event"])

        self._client.subscribe_topic(topic, receive)
        sees = self._sees(job, places)
        try:
            n_all, host = len(places) + n_here, own_address(self._client)
            with xgboost_tracker(n_all, host) as address:
                message = {"job": to_plain(job), "tracker": address}
                try:
                    if n_here:
                        workers.append(WorkerProcess(0, message))
                    for rank, place in enumerate(places, n_here):
                        worker = _RemoteWorker(self._view, rank, place, job, sends=not sees[place])
                        receivers[worker.key] = worker
                        workers.append(worker)
                        worker.start(message, topic)
                    yield workers
                finally:
                    for one in workers:
                        one.end()
        finally:
            with suppress(Exception):
                self._client.unsubscribe_topic(topic)

    def _choose(self, n_workers: int) -> list[str]:
        """Return the addresses of as many workers as there are, after waiting for all."""
        since = monotonic()
        while True:
            self._view.check()
            places = [address for address, one in self._view.live.items() if one.is_open]
            if len(places) >= n_workers or (places and monotonic() - since > WAIT):
                return sorted(places)[:n_workers]
            sleep(0.1)

    def _sees(self, job: TrainJob, places: list[str]) -> dict[str, bool]:
        """Return which workers see the files of a job."""
        answers: dict[str, bool] = self._client.run(
            task.sees_files, *task.list_files(job.folder), workers=places
        )
        return answers

    def _prepare(self, job: TrainJob, places: list[str]) -> None:
        """Compare the versions of workers with those here, and offer the resource, at first use."""
        new = [place for place in places if self._view.live[place].folder not in self._compared]
        if not new:
            return
        names = sorted({*PACKAGES, *family_packages(job.family)})
        there = self._client.run(describe_versions, names, workers=new, on_error="return")
        compare_versions(names, {self._view.name(place): one for place, one in there.items()})
        self._client.gather(
            [self._client.submit(offer_resource, workers=[one], pure=False) for one in new]
        )
        self._compared.update(self._view.live[place].folder for place in new)


class _RemoteWorker:
    """A worker's process on a worker of the cluster; see :class:`.worker_group.Worker`."""

    def __init__(
        self, view: ClusterView, rank: int, place: str, job: TrainJob, *, sends: bool
    ) -> None:
        self.rank, self.key = rank, uuid4().hex
        self.events: Queue[dict[str, Any]] = Queue()
        self.raw: SimpleQueue[dict[str, Any] | None] = SimpleQueue()
        """Events as they arrive."""
        self._view, self._client, self._place, self._job = view, view.client, place, job
        self._name, self._folder = view.name(place), view.live[place].folder
        self._sends, self._line = sends, ""
        self._future: Any = None
        self._code: int | None = None
        self._reader = Thread(target=self._read, daemon=True)

    def start(self, message: dict[str, Any], topic: str) -> None:
        """Submit the task that runs the process."""
        files = None
        if self._sends:
            content = task.read_files(self._job.folder, self._job.checkpoint)
            [files] = self._client.scatter([content], workers=[self._place], hash=False)
        self._future = self._client.submit(
            task.run_training,
            *(message, self.rank, files, topic, self.key),
            key=f"graduel-training-{self.key}",
            workers=[self._place],
            allow_other_workers=False,
            resources={RESOURCE: 1},
            retries=0,
            pure=False,
        )
        self._reader.start()

    def _read(self) -> None:
        """Pass on the events; fetch what worker 0 wrote before the event of an epoch."""
        while (event := self.raw.get()) is not None:
            if self._sends and event["kind"] in PACED:
                with suppress(Exception):  # it is fetched again with the result of the task
                    [files] = self._client.run(
                        task.collect_files, self.key, workers=[self._place]
                    ).values()
                    self._write(files)
            self.events.put(event)

    def _write(self, files: dict[str, bytes]) -> None:
        """Write the files of worker 0 to where they are expected here."""
        for name, content in files.items():
            path = Path(self._job.checkpoint)
            atomic_write(
                path if name == task.CHECKPOINT else Path(self._job.folder) / name, content
            )

    def poll(self) -> int | None:
        """Return the exit code of the process, or that of a lost worker; None while it runs."""
        if self._code is not None:
            return self._code
        self._view.check()
        if self._future.status == "finished":
            try:
                code, self._line, files = self._future.result(timeout=LOST_AFTER)
            except Exception:  # its worker died before it sent the result
                return self._end_events(LOST_CODE)
            self._write(files)
            return self._end_events(code)
        if self._future.status == "error":
            error = self._future.exception(timeout=LOST_AFTER)
            raise UserError(f"worker {self._name}: {error}") from None
        if self._view.is_lost(self._place, self._folder) or self._future.cancelled():
            return self._end_events(LOST_CODE)
        return None

    def _end_events(self, code: int) -> int:
        """Wait for the events that are on their way; return the code."""
        self.raw.put(None)
        self._reader.join(timeout=5)
        self._code = code
        return code

    def answer(self, content: bytes) -> None:
        """Send an answer to the process if its worker lives."""
        with suppress(Exception):
            self._client.run(task.answer_training, self.key, content, workers=[self._place])

    def last_line(self) -> str:
        """Return the last line that the process printed."""
        return self._line

    def describe_end(self, code: int) -> str:
        """Return how the process ended, and on which worker."""
        if code == LOST_CODE:
            return f"its Dask worker {self._name} is lost"
        how = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
        line = f": {self._line}" if code > 0 and self._line else ""
        return f"on Dask worker {self._name}, {how}{line}"

    def end(self) -> None:
        """Kill the process if it runs, and wait for it."""
        self.raw.put(None)
        if self._future is None or self._code is not None:
            return
        with suppress(Exception):
            if not self._view.is_lost(self._place, self._folder):
                self._client.run(task.end_training, self.key, workers=[self._place])
        with suppress(Exception):
            self._future.cancel()


@contextmanager
def open_team(team: Team) -> Iterator[DaskLauncher]:
    """Return what runs the processes of a fit here and on the other workers of a team."""
    from distributed import Client, Security

    security = Security(require_encryption=True, **team.tls) if "tls://" in team.scheduler else None
    with Client(
        team.scheduler, timeout=LOST_AFTER, security=security, set_as_default=False
    ) as client:
        view = ClusterView(client)
        try:
            yield DaskLauncher(view, team.places)
        finally:
            view.close()


def own_address(client: Any) -> str:
    """Return the address of this machine on the network of the scheduler."""
    host = urlsplit(client.scheduler.address).hostname or "127.0.0.1"
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as one:
        one.connect((host, 9))  # sends nothing
        return str(one.getsockname()[0])
    return "127.0.0.1"


if __name__ == "__main__":
    sys.exit(cell_worker.main(open_team))
