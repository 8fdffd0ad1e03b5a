"""The workers of a training, started again if one of them dies; by default on this machine."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from queue import Empty, Queue
from threading import Thread
from typing import IO, Any, Protocol

from graduel.contenders.workers.train_job import TrainJob
from graduel.contenders.workers.worker_process import FAILED, GO, LOST, STOP
from graduel.errors import UserError
from graduel.serialize import to_plain
from graduel.train.loop.collectives import TIMEOUT, xgboost_tracker
from graduel.train.loop.parallel import LostWorkerError

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
RESTARTS = 3
"""How often the workers are started again without an epoch in between."""
XGBOOST_LINE = re.compile(r"\[\d\d:\d\d:\d\d\] ")
"""How a message of XGBoost starts; it may be printed last, when the process ends."""
PACED = ("epoch", "round")
"""The kinds of events after which the workers of a paced job wait."""
GRACE = TIMEOUT + 5
"""Seconds that the others have to end after a worker ended early."""


def run_workers(
    job: TrainJob,
    n_workers: int,
    restarts: int = RESTARTS,
    stops: Callable[[], bool] = lambda: False,
    launch: Launch | None = None,
) -> Generator[dict[str, Any], None, None]:
    """Train with worker processes; yield the events of worker 0.

    If a worker dies, all end within 30 seconds, an event of the kind "restart" with a message is
    yielded, and new workers resume from the last checkpoint.

    Parameters
    ----------
    job : the job; if it is paced, the workers wait after an epoch or round until the next event is
        requested
    n_workers : number of processes
    restarts : how often the workers are started again: without an epoch in between, and of a paced
        job in all
    stops : called when the next event of a paced job is requested; returns whether the training
        ends with this epoch or round
    launch : starts the workers. Default: :func:`launch_here`

    Raises
    ------
    UserError
        If a worker has an error that the user can correct.
    LostWorkerError
        If workers keep dying.
    """
    left = restarts
    while True:
        try:
            for event in _run_once(job, n_workers, stops, launch or launch_here):
                if event["kind"] == "epoch" and not job.paced:
                    left = restarts
                yield event
            return
        except LostWorkerError as error:
            if not left:
                raise
            left -= 1
            yield {"kind": "restart", "message": str(error)}


def _run_once(
    job: TrainJob, n_workers: int, stops: Callable[[], bool], launch: Launch
) -> Iterator[dict[str, Any]]:
    """Start the workers; yield events until all have ended."""
    with launch(job, n_workers) as workers:
        for event in _iter_events(workers):
            yield event
            if job.paced and event["kind"] in PACED:
                answer = STOP if stops() else GO
                for worker in workers:
                    worker.answer(answer)


class Worker(Protocol):
    """A worker of a training, here or elsewhere."""

    rank: int
    events: Queue[dict[str, Any]]
    """Its events."""

    def poll(self) -> int | None:
        """Return the exit code of its process; None while it runs. All events are there then."""
        ...

    def answer(self, content: bytes) -> None:
        """Send an answer to a worker that waits for it; one that died gets none."""
        ...

    def last_line(self) -> str:
        """Return the last line that the process printed."""
        ...

    def describe_end(self, code: int) -> str:
        """Return how the process ended, in words."""
        ...


Launch = Callable[[TrainJob, int], AbstractContextManager[Sequence[Worker]]]
"""Starts the workers of a job, at most that number; ends those that run at its exit."""


@contextmanager
def launch_here(job: TrainJob, n_workers: int) -> Iterator[Sequence[Worker]]:
    """Run the workers of a job in processes of this machine."""
    workers: list[WorkerProcess] = []
    with xgboost_tracker(n_workers) as address:
        message = {"job": to_plain(job), "tracker": address}
        try:
            for rank in range(n_workers):
                workers.append(WorkerProcess(rank, message))
            yield workers
        finally:
            for worker in workers:
                worker.end()


class WorkerProcess:
    """A worker's process on this machine.

    Parameters
    ----------
    rank : its number
    message : the job as plain data, and the address of the tracker
    """

    def __init__(self, rank: int, message: dict[str, Any]) -> None:
        self.rank = rank
        threads = dict.fromkeys(THREAD_VARIABLES, str(message["job"]["threads"]))
        self._log = tempfile.TemporaryFile()  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "graduel.contenders.workers.worker_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env={**os.environ, **threads},
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.events: Queue[dict[str, Any]] = Queue()
        self._reader = Thread(target=self._read, args=(self.process.stdout,), daemon=True)
        self._reader.start()
        with suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(message | {"rank": rank}).encode() + b"\n")
            self.process.stdin.flush()

    def _read(self, stream: IO[bytes]) -> None:
        for line in stream:
            self.events.put(json.loads(line))

    def poll(self) -> int | None:
        """Return the exit code of the process; None while it runs."""
        code = self.process.poll()
        if code is not None:
            self._reader.join(timeout=5)
        return code

    def answer(self, content: bytes) -> None:
        """Send an answer to the process if it lives."""
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            self.process.stdin.write(content)
            self.process.stdin.flush()

    def last_line(self) -> str:
        """Return the last line that the process printed, XGBoost's own lines aside."""
        self._log.seek(0)
        lines = self._log.read().decode("utf-8", "replace").strip().splitlines()
        ours = [line for line in lines if not XGBOOST_LINE.match(line)]
        return ours[-1][:1000] if ours else ""

    def describe_end(self, code: int) -> str:
        """Return how the process ended: its exit code and last line, or the signal."""
        if code < 0:
            return f"killed by signal {-code}"
        last = self.last_line()
        return f"exit code {code}: {last}" if last else f"exit code {code}"

    def end(self) -> None:
        """Kill the process if it runs, and close its pipes."""
        self.process.kill()
        self.process.wait()
        self._reader.join(timeout=5)
        for stream in (self.process.stdin, self.process.stdout, self._log):
            assert stream is not None
            with suppress(OSError):  # unwritten bytes cannot be flushed to a dead process
                stream.close()


def _iter_events(workers: Sequence[Worker]) -> Iterator[dict[str, Any]]:
    """Yield the events of worker 0 until all workers have ended; raise if one failed."""
    deadline = None
    while True:
        codes = [worker.poll() for worker in workers]
        try:
            yield workers[0].events.get(timeout=0.05)
        except Empty:
            pass
        else:
            continue
        if all(code == 0 for code in codes):
            yield from _drain(workers[0].events)
            return
        if any(code not in (None, 0) for code in codes):
            if deadline is None:
                deadline = time.monotonic() + GRACE
            if all(code is not None for code in codes) or time.monotonic() > deadline:
                yield from _drain(workers[0].events)
                _raise_first(workers, codes)


def _drain(events: Queue[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the events that are there."""
    with suppress(Empty):
        while True:
            yield events.get_nowait()


def _raise_first(workers: Sequence[Worker], codes: list[int | None]) -> None:
    """Raise the error of the worker that failed first, judged by the exit codes."""
    for worker, code in zip(workers, codes, strict=True):
        if code == FAILED:
            raise UserError(worker.last_line())
    n = len(workers)
    for worker, code in zip(workers, codes, strict=True):
        if code not in (0, LOST, None):
            assert code is not None
            raise LostWorkerError(f"worker {worker.rank} of {n} died ({worker.describe_end(code)})")
    for worker, code in zip(workers, codes, strict=True):
        if code is None:
            raise LostWorkerError(f"worker {worker.rank} of {n} does not answer")
    raise LostWorkerError(workers[codes.index(LOST)].last_line())
