"""Run jobs on the workers of a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event as Flag
from threading import Lock, Thread
from time import monotonic
from typing import Any
from uuid import uuid4

from distributed import Client, Future

from graduel.duel.result.environment import PACKAGES
from graduel.duel.run import dask_worker as worker_side
from graduel.duel.run.job import CellJob, Event, from_message, to_message
from graduel.duel.store.store import CACHE
from graduel.errors import UserError

POLL = 0.25
"""Seconds between two looks at the workers."""
LOST_AFTER = 15.0
"""Seconds without an answer from the scheduler after which it counts as lost."""
START_WAIT = 30.0
"""Seconds without a worker after which a run ends."""


class _LostError(Exception):
    """The worker of an attempt has left the cluster."""


class _StoppedError(Exception):
    """The run was closed."""


class _Attempt:
    """One attempt of a job on one worker, and the queue that its events go to."""

    def __init__(
        self, job: CellJob, worker: str, events: SimpleQueue[tuple[_Attempt, Event | Exception]]
    ) -> None:
        self.job, self.worker, self.events = job, worker, events
        self.id, self.stop = uuid4().hex, Flag()


class DaskExecutor:
    """Runs jobs on a Dask cluster, one at a time on each worker, each in a process of its own.

    The tasks need a resource of which every worker has one, so that two timed cells never share a
    worker, those of two clients included.

    Parameters
    ----------
    client : a client of the cluster, which stays open
    retries : how often a cell is started again because its worker was lost

    Raises
    ------
    UserError
        While it runs: if a worker has other versions than this process, there is no worker, or the
        scheduler is lost.
    """

    def __init__(self, client: Client, *, retries: int = 2) -> None:
        self._client, self._retries = client, retries
        self._topic = f"graduel-{uuid4().hex}"
        self._lock = Lock()
        self._live: dict[str, str] = {}
        self._busy: set[str] = set()
        self._ready: set[str] = set()
        self._attempts: dict[str, _Attempt] = {}
        self._places: dict[tuple[str, str], str] = {}
        self._heard = self._manned = monotonic()
        self._closed = Flag()
        client.subscribe_topic(self._topic, self._receive)
        self._look()
        Thread(target=self._monitor, daemon=True).start()

    @property
    def slots(self) -> int:
        """The number of workers."""
        return max(len(self._live), 1)

    def close(self) -> None:
        """End the use of the cluster; the client stays open."""
        self._closed.set()
        with suppress(Exception):
            self._client.unsubscribe_topic(self._topic)

    def run(self, jobs: Iterable[CellJob]) -> Generator[Event, None, None]:
        """Run jobs and yield their events; see :class:`~.executor.Executor`."""
        waiting, again, exhausted = iter(jobs), list[CellJob](), False
        events: SimpleQueue[tuple[_Attempt, Event | Exception]] = SimpleQueue()
        running: dict[str, _Attempt] = {}
        digests = set[str]()
        try:
            while True:
                while (again or not exhausted) and (worker := self._take_worker()):
                    job = again.pop() if again else next(waiting, None)
                    if job is None:
                        exhausted = True
                        self._free(worker)
                        break
                    digests.add(worker_side.digest_data(job.data_folder))
                    attempt = _Attempt(job, worker, events)
                    running[attempt.id] = self._attempts[attempt.id] = attempt
                    Thread(target=self._perform, args=(attempt,), daemon=True).start()
                if exhausted and not running and not again:
                    return
                self._check_cluster()
                try:
                    attempt, what = events.get(timeout=POLL)
                except Empty:
                    continue
                event = what if isinstance(what, Event) else self._handle_loss(attempt, what)
                self._remember(attempt, event)
                if event.kind in ("retried", "finished", "failed"):
                    running.pop(attempt.id, None)
                if event.kind == "retried":
                    again.append(replace(attempt.job, attempt=attempt.job.attempt + 1))
                yield event
        finally:
            for attempt in running.values():
                attempt.stop.set()
            self._remove_data(digests)

    def _handle_loss(self, attempt: _Attempt, error: Exception) -> Event:
        """Return the event of a lost worker: a second attempt or a failure; raise other errors."""
        if not isinstance(error, _LostError):
            raise error
        job = attempt.job
        if job.attempt <= self._retries:
            message = f"worker {attempt.worker} is lost; starting again on another"
            return Event(job.cell, "retried", message=message, worker=attempt.worker)
        times = "once" if job.attempt == 1 else f"{job.attempt} times"
        message = f"the worker of {job.cell.key} was lost {times} (--retries {self._retries})"
        return Event(job.cell, "failed", message=message, died=True)

    def _perform(self, attempt: _Attempt) -> None:
        """Run one attempt on its worker; put its events, or the error that ended it."""
        job = attempt.job
        outcome: Event | Exception | None = None
        try:
            self._prepare(attempt)
            job = replace(job, data_folder=self._place_data(attempt))
            attempt.events.put((attempt, Event(job.cell, "started", worker=self._name(attempt))))
            arguments = (to_message(job), self._topic, attempt.id)
            content = self._call(attempt, worker_side.run_cell_here, *arguments, exclusive=True)
            outcome = from_message(Event, content)
        except _StoppedError:
            pass
        except Exception as error:
            outcome = error
        finally:
            del self._attempts[attempt.id]
            self._free(attempt.worker)
            if outcome is not None:
                attempt.events.put((attempt, outcome))

    def _call(
        self,
        attempt: _Attempt,
        function: Callable[..., Any],
        *arguments: Any,
        exclusive: bool = False,
    ) -> Any:
        """Call a function on the attempt's worker and return its result."""
        future = self._client.submit(
            function,
            *arguments,
            key=f"graduel-{function.__name__}-{uuid4().hex}",
            workers=[attempt.worker],
            allow_other_workers=False,
            resources={worker_side.RESOURCE: 1} if exclusive else None,
            retries=0,
            pure=False,
        )
        done = Flag()
        future.add_done_callback(lambda _: done.set())
        try:
            while not done.wait(POLL):
                if attempt.stop.is_set():
                    raise _StoppedError
                if attempt.worker not in self._live:
                    raise _LostError
            return self._result(future, attempt)
        finally:
            if not future.done():
                with suppress(Exception):
                    future.cancel()

    def _result(self, future: Future, attempt: _Attempt) -> Any:
        try:
            return future.result(timeout=LOST_AFTER)
        except ModuleNotFoundError as error:
            raise UserError(
                f"worker {self._name(attempt)} cannot import {error.name}; install the same "
                "packages on every worker"
            ) from None
        except UserError:
            raise
        except Exception as error:
            self._look()
            if attempt.worker not in self._live or future.cancelled():
                raise _LostError from None
            raise UserError(f"worker {self._name(attempt)}: {error}") from None

    def _prepare(self, attempt: _Attempt) -> None:
        """Compare a worker's versions with those here, and give it the resource, at first use."""
        if attempt.worker in self._ready:
            return
        names = sorted({*PACKAGES, *attempt.job.protocol.versions} - {"kernels"})
        here = worker_side.describe_versions(names)
        there = self._call(attempt, worker_side.describe_versions, names)
        unlike = [
            f"{name} {there[name] or 'missing'} (here {here[name] or 'missing'})"
            for name in sorted(here)
            if there[name] != here[name]
        ]
        if unlike:
            raise UserError(
                f"expected the versions of this machine on worker {self._name(attempt)}; got "
                f"{', '.join(unlike)}. Install the same versions there"
            )
        self._call(attempt, worker_side.offer_resource)
        self._ready.add(attempt.worker)

    def _place_data(self, attempt: _Attempt) -> str:
        """Return the folder where the worker finds the data; send them if it has none.

        Built-in data sets have no such files: each machine has its own copy.
        """
        folder = attempt.job.data_folder
        digest = worker_side.digest_data(folder)
        key = (attempt.worker, digest)
        if not digest:
            return folder
        if key not in self._places:
            place = self._call(attempt, worker_side.find_data, folder, digest)
            if not place:
                files = {path.name: path.read_bytes() for path in (Path(folder) / CACHE).iterdir()}
                [content] = self._client.scatter([files], workers=[attempt.worker], hash=False)
                place = self._call(attempt, worker_side.store_data, content, digest)
            self._places[key] = place
        return self._places[key]

    def _remove_data(self, digests: set[str]) -> None:
        """Delete data that were sent, without waiting for it."""
        from distributed import fire_and_forget

        for key in [key for key in self._places if key[1] in digests]:
            del self._places[key]
            if key[0] in self._live:
                with suppress(Exception):
                    fire_and_forget(
                        self._client.submit(
                            worker_side.remove_data, key[1], workers=[key[0]], pure=False
                        )
                    )

    def _remember(self, attempt: _Attempt, event: Event) -> None:
        """Keep finished trials in the job, so that a second attempt goes on from them."""
        job = attempt.job
        if event.trial is not None:
            attempt.job = replace(job, trials=(*job.trials, event.trial))
        elif event.curve is not None:
            attempt.job = replace(job, curve=event.curve)

    def _receive(self, logged: tuple[float, Any]) -> None:
        """Put an event that a worker has sent into the queue of its run."""
        message = logged[1]
        attempt = self._attempts.get(message["attempt"])
        if attempt is not None:
            attempt.events.put((attempt, from_message(Event, message["event"])))

    def _take_worker(self) -> str | None:
        with self._lock:
            free = [address for address in self._live if address not in self._busy]
            if not free:
                return None
            self._busy.add(free[0])
            return free[0]

    def _free(self, worker: str) -> None:
        with self._lock:
            self._busy.discard(worker)

    def _name(self, attempt: _Attempt) -> str:
        return self._live.get(attempt.worker) or attempt.worker

    def _monitor(self) -> None:
        while not self._closed.wait(POLL):
            with suppress(Exception):
                self._look()

    def _look(self) -> None:
        """Look up which workers there are."""
        if self._client.status != "running":
            return
        workers = self._client.scheduler_info(n_workers=-1)["workers"]
        self._live = {
            address: f"{one.get('name', '')} ({address})" for address, one in workers.items()
        }
        self._heard = monotonic()

    def _check_cluster(self) -> None:
        """Raise `UserError` if the scheduler does not answer, or there is no worker."""
        now = monotonic()
        if self._closed.is_set():
            raise UserError("the connection to the cluster was closed")
        if now - self._heard > LOST_AFTER:
            raise UserError(
                f"the scheduler has not answered for {LOST_AFTER:.0f} s; finished runs are kept. "
                "Run the same command again, with another --on or without"
            )
        if self._live:
            self._manned = now
        elif now - self._manned > START_WAIT:
            raise UserError(
                f"the cluster has had no worker for {START_WAIT:.0f} s; start workers and run the "
                "same command again, or run it without --on"
            )
