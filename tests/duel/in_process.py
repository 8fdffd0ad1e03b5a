"""A second executor, which runs jobs in this process: all that another one must do."""

from __future__ import annotations

from threadpoolctl import threadpool_limits

from graduel.duel.run.job import CellJob, Event, from_message, run_job, to_message
from graduel.errors import UserError


class InProcess:
    """Runs each job here, once it and its events have been bytes."""

    def __init__(self):
        self.jobs = []

    def run(self, jobs):
        for job in jobs:
            self.jobs.append(job)
            events = [Event(job.cell, "started")]
            try:
                with threadpool_limits(job.protocol.threads):
                    run_job(from_message(CellJob, to_message(job)), events.append)
            except UserError as error:
                events.append(Event(job.cell, "failed", message=str(error)))
            yield from (from_message(Event, to_message(event)) for event in events)
