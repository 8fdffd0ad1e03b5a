"""Run jobs on this machine: one worker process per job, one job at a time."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import IO

from graduel.duel.run.job import CellJob, Event, from_message, to_message
from graduel.duel.run.worker import read_frame, write_frame

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


class LocalExecutor:
    """Runs jobs one after the other, so that timed fits do not share cores.

    Parameters
    ----------
    retries : how often the worker processes of a fit are started again because one died
    """

    slots = 1
    threads = None

    def __init__(self, retries: int = 2) -> None:
        self._retries = retries

    def run(self, jobs: Iterable[CellJob]) -> Generator[Event, None, None]:
        """Run jobs and yield their events; see :class:`~.executor.Executor`."""
        for job in jobs:
            yield Event(job.cell, "started")
            yield from run_process(replace(job, retries=self._retries))


def run_process(
    job: CellJob, started: Callable[[subprocess.Popen[bytes]], object] = lambda process: None
) -> Iterator[Event]:
    """Run one job in a worker process; yield its events, the last "finished" or "failed".

    `started` receives the process. If it is killed, the last event says that it died.
    """
    module = "worker" if job.team is None else "dask_training"
    threads = dict.fromkeys(THREAD_VARIABLES, str(job.protocol.threads))
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", f"graduel.duel.run.{module}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env={**os.environ, **threads},
        )
        started(process)
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            with suppress(BrokenPipeError):
                write_frame(process.stdin, to_message(job))
            while (content := read_frame(process.stdout)) is not None:
                event = from_message(Event, content)
                yield event
                if event.kind in ("finished", "failed"):
                    return
            process.wait()
            yield Event(job.cell, "failed", message=_exit_message(process, job, log), died=True)
        finally:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with suppress(OSError):  # unwritten bytes cannot be flushed to a dead process
                    pipe.close()


def _exit_message(process: subprocess.Popen[bytes], job: CellJob, log: IO[bytes]) -> str:
    """Return one line with the exit code of a process and the last line it printed."""
    log.seek(0)
    lines = log.read().decode("utf-8", "replace").strip().splitlines()
    last = f": {lines[-1][:500]}" if lines else ""
    code = process.returncode
    hint = " (killed, perhaps out of memory)" if code == -9 else ""
    return f"the worker process of {job.cell.key} died with exit code {code}{hint}{last}"
