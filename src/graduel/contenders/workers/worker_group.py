"""The worker processes of a training on this machine, started again if one of them dies."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from queue import Empty, Queue
from threading import Thread
from typing import IO, Any

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
            for event in _run_once(job, n_workers, stops):
                if event["kind"] == "epoch" and not job.paced:
                    left = restarts
                yield event
            return
        except LostWorkerError as error:
            if not left:
                raise
            left -= 1
            yield {"kind": "restart", "message": str(error)}


def _run_once(job: TrainJob, n_workers: int, stops: Callable[[], bool]) -> Iterator[dict[str, Any]]:
    """Start a tracker and the workers; yield events until all have ended."""
    threads = dict.fromkeys(THREAD_VARIABLES, str(job.threads))
    workers: list[_Worker] = []
    with xgboost_tracker(n_workers) as address:
        message = {"job": to_plain(job), "tracker": address}
        try:
            for rank in range(n_workers):
                workers.append(_Worker(rank, message, {**os.environ, **threads}))
            for event in _iter_events(workers):
                yield event
                if job.paced and event["kind"] in PACED:
                    answer = STOP if stops() else GO
                    for worker in workers:
                        worker.answer(answer)
        finally:
            for worker in workers:
                worker.end()


class _Worker:
    """A worker process, and the queue of its events."""

    def __init__(self, rank: int, message: dict[str, Any], environment: dict[str, str]) -> None:
        self.rank = rank
        self._log = tempfile.TemporaryFile()  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "graduel.contenders.workers.worker_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=environment,
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

    def answer(self, content: bytes) -> None:
        """Send an answer to a worker that waits for it; one that died gets none."""
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            self.process.stdin.write(content)
            self.process.stdin.flush()

    def drain(self) -> Iterator[dict[str, Any]]:
        """Yield the events so far, of an ended process all."""
        if self.process.poll() is not None:
            self._reader.join(timeout=5)
        with suppress(Empty):
            while True:
                yield self.events.get_nowait()

    def last_line(self) -> str:
        """Return the last line that the process printed, XGBoost's own lines aside."""
        self._log.seek(0)
        lines = self._log.read().decode("utf-8", "replace").strip().splitlines()
        ours = [line for line in lines if not XGBOOST_LINE.match(line)]
        return ours[-1][:1000] if ours else ""

    def end(self) -> None:
        """Kill the process if it runs, and close its pipes."""
        self.process.kill()
        self.process.wait()
        self._reader.join(timeout=5)
        for stream in (self.process.stdin, self.process.stdout, self._log):
            assert stream is not None
            with suppress(OSError):  # unwritten bytes cannot be flushed to a dead process
                stream.close()


def _iter_events(workers: list[_Worker]) -> Iterator[dict[str, Any]]:
    """Yield the events of worker 0 until all workers have ended; raise if one failed."""
    deadline = None
    while True:
        codes = [worker.process.poll() for worker in workers]
        try:
            yield workers[0].events.get(timeout=0.05)
        except Empty:
            pass
        else:
            continue
        if all(code == 0 for code in codes):
            yield from workers[0].drain()
            return
        if any(code not in (None, 0) for code in codes):
            if deadline is None:
                deadline = time.monotonic() + GRACE
            if all(code is not None for code in codes) or time.monotonic() > deadline:
                yield from workers[0].drain()
                _raise_first(workers, codes)


def _raise_first(workers: list[_Worker], codes: list[int | None]) -> None:
    """Raise the error of the worker that failed first, judged by the exit codes."""
    for worker, code in zip(workers, codes, strict=True):
        if code == FAILED:
            raise UserError(worker.last_line())
    n = len(workers)
    for worker, code in zip(workers, codes, strict=True):
        if code not in (0, LOST, None):
            assert code is not None
            how = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
            last = f": {worker.last_line()}" if code > 0 and worker.last_line() else ""
            raise LostWorkerError(f"worker {worker.rank} of {n} died ({how}){last}")
    for worker, code in zip(workers, codes, strict=True):
        if code is None:
            raise LostWorkerError(f"worker {worker.rank} of {n} does not answer")
    raise LostWorkerError(workers[codes.index(LOST)].last_line())
