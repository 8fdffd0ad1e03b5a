"""An executor that runs jobs in the test process; also an example of the executor protocol.

Tests run their cells with it unless they are marked ``processes``. A small cell spends most of its
time starting a process, which imports NumPy, Polars, scikit-learn and XGBoost.
"""

from __future__ import annotations

import sys
import warnings

from threadpoolctl import threadpool_limits

from graduel.duel.run.job import CellJob, Event, from_message, run_job, to_message
from graduel.duel.run.local import LocalExecutor
from graduel.errors import UserError


class InProcess:
    """Runs each job in this process, after a round trip of the job and its events through bytes."""

    slots = 1
    threads = None

    def __init__(self):
        self.jobs = []

    def run(self, jobs):
        for job in jobs:
            self.jobs.append(job)
            events = [Event(job.cell, "started")]
            path = list(sys.path)
            try:
                # In a worker process a warning goes to the log; in pytest it would be an error.
                with threadpool_limits(job.protocol.threads), warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    run_job(from_message(CellJob, to_message(job)), events.append)
            except (UserError, ArithmeticError, MemoryError) as error:
                message = str(error) or type(error).__name__
                events.append(Event(job.cell, "failed", message=message))
            finally:
                sys.path[:] = path
            yield from (from_message(Event, to_message(event)) for event in events)


_run_in_processes = LocalExecutor.run


def choose_executor(*, processes):
    """Make the default executor run jobs in worker processes, or in this process."""
    LocalExecutor.run = _run_in_processes if processes else lambda _, jobs: InProcess().run(jobs)
