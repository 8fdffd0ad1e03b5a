"""A second executor, which runs jobs in this process: all that another one must do.

Tests run their cells with it unless they are marked ``processes``: most of the time of a small
cell is the start of its process, which imports NumPy, polars, scikit-learn and XGBoost.
"""

from __future__ import annotations

import sys
import warnings

from threadpoolctl import threadpool_limits

from graduel.duel.run.job import CellJob, Event, from_message, run_job, to_message
from graduel.duel.run.local import LocalExecutor
from graduel.errors import UserError


class InProcess:
    """Runs each job here, once it and its events have been bytes."""

    def __init__(self):
        self.jobs = []

    def run(self, jobs):
        for job in jobs:
            self.jobs.append(job)
            events = [Event(job.cell, "started")]
            path = list(sys.path)
            try:
                # A warning in a process is a line in its log, no error as in tests.
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
    """Have the default executor run jobs in processes of their own, or else here."""
    LocalExecutor.run = _run_in_processes if processes else lambda _, jobs: InProcess().run(jobs)
