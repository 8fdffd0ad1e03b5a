"""Jobs on this machine: each in a process of its own, one at a time."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterable, Iterator
from contextlib import suppress
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
    """Runs jobs one after the other, so that no two share the cores while they are timed."""

    def run(self, jobs: Iterable[CellJob]) -> Generator[Event, None, None]:
        """Run jobs and yield what happens to each; see :class:`~.executor.Executor`."""
        for job in jobs:
            yield Event(job.cell, "started")
            yield from _run_process(job)


def _run_process(job: CellJob) -> Iterator[Event]:
    """Run one job in a process of its own; yield its events, "finished" or "failed" the last."""
    threads = dict.fromkeys(THREAD_VARIABLES, str(job.protocol.threads))
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "graduel.duel.run.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env={**os.environ, **threads},
        )
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
            yield Event(job.cell, "failed", message=_last_words(process, job, log), died=True)
        finally:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with suppress(OSError):  # what was not written cannot be flushed
                    pipe.close()


def _last_words(process: subprocess.Popen[bytes], job: CellJob, log: IO[bytes]) -> str:
    """Return in one line how a process ended: its code, and the last line that it printed."""
    log.seek(0)
    lines = log.read().decode("utf-8", "replace").strip().splitlines()
    last = f": {lines[-1][:500]}" if lines else ""
    code = process.returncode
    hint = " (killed; was there too little memory?)" if code == -9 else ""
    return f"the process of {job.cell.key} ended with code {code}{hint}{last}"
