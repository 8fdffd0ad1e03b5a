"""Run jobs on the workers of a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event as Flag
from threading import Lock, Thread
from time import monotonic
from typing import Any
from uuid import uuid4

from distributed import Client, Future, KilledWorker

from graduel.duel.run import dask_worker as worker_side
from graduel.duel.run.cluster_view import LOST_AFTER, ClusterView
from graduel.duel.run.dask_training import DaskLauncher
from graduel.duel.run.job import CellJob, Event, Team, from_message, to_message
from graduel.duel.run.worker_versions import compare_versions, package_names
from graduel.duel.store.store import CACHE
from graduel.errors import UserError

POLL = 0.25
"""Seconds between two looks whether a run is stopped or its worker lost."""


class _LostError(Exception):
    """The worker of an attempt has left the cluster."""


class _StoppedError(Exception):
    """The run was closed."""


class _Attempt:
    """One attempt of a job on one worker, and the queue that its events go to."""

    def __init__(
        self,
        job: CellJob,
        worker: str,
        folder: str,
        events: _Queue,
        others: Sequence[tuple[str, str]],
    ) -> None:
        self.job, self.worker, self.folder, self.events = job, worker, folder, events
        self.others = others
        """Addresses and folders of the other workers that share the fits of the job."""
        self.id, self.stop = uuid4().hex, Flag()


_Queue = SimpleQueue[tuple[_Attempt, Event | Exception] | None]
"""The events of a run; None means that a worker may be idle."""


def _next(events: _Queue) -> tuple[_Attempt, Event | Exception] | None:
    """Wait for an event; return None if there is none, or a worker may be idle."""
    try:
        return events.get(timeout=POLL)
    except Empty:
        return None


class DaskExecutor:
    """Runs jobs on a Dask cluster, one at a time on each worker, each in a process of its own.

    The tasks need a resource of which every worker has one, so that two timed cells never share a
    worker, those of two clients included.

    Parameters
    ----------
    client : a client of the cluster, which stays open
    retries : how often a cell is started again because its worker was lost
    threads : the threads of a job if the user gives no number. Default: those of the worker that
        has the fewest, as Dask was told (``--nthreads``)

    Raises
    ------
    UserError
        While it runs: if a worker has other versions than this process, there is no worker, or the
        scheduler is lost.
    """

    def __init__(self, client: Client, *, retries: int = 2, threads: int | None = None) -> None:
        self._client, self._retries, self._threads = client, retries, threads
        self._topic = f"graduel-{uuid4().hex}"
        self._lock = Lock()
        self._queues: list[_Queue] = []
        self.view = ClusterView(client, self._wake)
        self._busy: set[str] = set()
        self._ready: set[str] = set()
        self._verified: set[tuple[str, ...]] = set()
        self._attempts: dict[str, _Attempt] = {}
        self._places: dict[tuple[str, str], str] = {}
        client.subscribe_topic(self._topic, self._receive)

    @property
    def threads(self) -> int | None:
        """The threads of a job if the user gives no number; None while there is no worker."""
        return self._threads or min((one.threads for one in self.view.live.values()), default=None)

    def launcher(self) -> DaskLauncher:
        """Return what runs the processes of one training on the workers."""
        return DaskLauncher(self.view)

    @property
    def slots(self) -> int:
        """The number of workers."""
        return max(len(self.view.live), 1)

    def close(self) -> None:
        """End the use of the cluster; the client stays open."""
        self.view.close()
        with suppress(Exception):
            self._client.unsubscribe_topic(self._topic)

    def run(self, jobs: Iterable[CellJob]) -> Generator[Event, None, None]:
        """Run jobs and yield their events; see :class:`~.executor.Executor`."""
        waiting, again, exhausted = iter(jobs), list[CellJob](), False
        events: _Queue = SimpleQueue()
        running: dict[str, _Attempt] = {}
        digests, compared = set[str](), False
        self._queues.append(events)
        try:
            while True:
                while (again or not exhausted) and (worker := self._take_worker()):
                    job = again.pop() if again else next(waiting, None)
                    if job is None:
                        exhausted = True
                        self._free(worker[0])
                        break
                    if not compared:
                        self._compare_all(job, worker[0])
                        compared = True
                    others = self._take_others(job)
                    if others is None:  # they are busy; other runs may use this worker meanwhile
                        again.append(job)
                        self._busy.discard(worker[0])
                        break
                    digests.add(worker_side.digest_data(job.data_folder))
                    attempt = _Attempt(job, *worker, events, others)
                    running[attempt.id] = self._attempts[attempt.id] = attempt
                    Thread(target=self._perform, args=(attempt,), daemon=True).start()
                if exhausted and not running and not again:
                    return
                self.view.check()
                if (news := _next(events)) is None:
                    continue
                attempt, what = news
                event = what if isinstance(what, Event) else self._handle_loss(attempt, what)
                self._remember(attempt, event)
                if event.kind in ("retried", "finished", "failed"):
                    running.pop(attempt.id, None)
                if event.kind == "retried":
                    again.append(replace(attempt.job, attempt=attempt.job.attempt + 1))
                yield event
        finally:
            self._queues.remove(events)
            for attempt in running.values():
                attempt.stop.set()
            self._remove_data(digests)

    def _handle_loss(self, attempt: _Attempt, error: Exception) -> Event:
        """Return the event of a lost worker: a second attempt or a failure; raise other errors."""
        if not isinstance(error, _LostError):
            raise error
        job = attempt.job
        if job.attempt <= self._retries:
            worker = error.args[0] if error.args else attempt.worker
            message = f"worker {worker} is lost; starting again on another"
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
            job = replace(job, data_folder=self._place_data(attempt), retries=self._retries)
            if attempt.others:
                places = tuple(address for address, _ in attempt.others)
                job = replace(job, team=Team(self._client.scheduler.address, places))
            attempt.events.put((attempt, Event(job.cell, "started", worker=self._name(attempt))))
            arguments = (to_message(job), self._topic, attempt.id)
            content = self._call(attempt, worker_side.run_cell_here, *arguments, exclusive=True)
            if not content:  # the task was cancelled on the worker
                raise _LostError
            event = from_message(Event, content)
            outcome = event
            if event.died and attempt.others:
                self.view.update()
                lost = [one for one in attempt.others if self.view.is_lost(*one)]
                outcome = _LostError(lost[0][0]) if lost else event
        except _StoppedError:
            pass
        except (UserError, _LostError) as error:
            outcome = error
        except Exception as error:  # Dask's, such as those of a worker that goes away
            outcome = self._explain(attempt, error)
        finally:
            del self._attempts[attempt.id]
            if outcome is not None:
                attempt.events.put((attempt, outcome))
            for address, _ in attempt.others:
                self._free(address)
            self._free(attempt.worker)

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
                if self._is_lost(attempt):
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
        except (CancelledError, KilledWorker):
            raise _LostError from None
        except Exception as error:
            if future.status != "error":  # its result could not be fetched
                raise
            raise UserError(f"worker {self._name(attempt)}: {error}") from None

    def _explain(self, attempt: _Attempt, error: Exception) -> Exception:
        """Return what an error of Dask means: a lost worker, or one of which a user must know.

        While the scheduler does not answer, wait: the run ends with an error of its own if it
        never does.
        """
        since = monotonic()
        while self._client.status != "running" and monotonic() - since < LOST_AFTER:
            if attempt.stop.wait(POLL):
                break
        with suppress(Exception):
            self.view.update()
        if self._is_lost(attempt) or isinstance(error, CancelledError | OSError):
            return _LostError()
        return UserError(f"worker {self._name(attempt)}: {error}")

    def _is_lost(self, attempt: _Attempt) -> bool:
        return self.view.is_lost(attempt.worker, attempt.folder)

    def _prepare(self, attempt: _Attempt) -> None:
        """Compare a worker's versions with those here, and give it the resource, at first use."""
        if attempt.folder in self._ready:
            return
        names = package_names(attempt.job)
        if (attempt.folder, *names) not in self._verified:
            there = self._call(attempt, worker_side.describe_versions, names)
            compare_versions(names, {self._name(attempt): there})
        self._call(attempt, worker_side.offer_resource)
        self._ready.add(attempt.folder)

    def _compare_all(self, job: CellJob, taken: str) -> None:
        """Compare the versions of all workers that there are; free the one taken if they differ."""
        try:
            self._compare(job)
        except BaseException:
            self._free(taken)
            raise

    def _compare(self, job: CellJob) -> None:
        """Compare the versions of all workers that there are, busy ones too."""
        names, there, workers = package_names(job), {}, dict(self.view.live)
        if {(one.folder, *names) for one in workers.values()} <= self._verified:
            return  # compared by an earlier duel of this client
        try:
            there = self._client.run(
                worker_side.describe_versions, names, workers=list(workers), on_error="return"
            )
        except Exception as error:  # the scheduler is lost, or Dask's own versions differ
            if self._client.status == "running":
                raise UserError(f"the workers do not answer: {error}") from None
        compare_versions(names, {workers[address].name: one for address, one in there.items()})
        self._verified |= {
            (workers[address].folder, *names) for address, one in there.items() if type(one) is dict
        }

    def _place_data(self, attempt: _Attempt) -> str:
        """Return the folder where the worker finds the data; send them if it has none.

        Built-in data sets have no such files: each machine has its own copy.
        """
        folder = attempt.job.data_folder
        digest = worker_side.digest_data(folder)
        key = (attempt.folder, digest)
        if not digest:
            return folder
        if key not in self._places:
            place = self._call(attempt, worker_side.find_data, folder, digest, self._topic)
            if not place:
                files = {path.name: path.read_bytes() for path in (Path(folder) / CACHE).iterdir()}
                [content] = self._client.scatter([files], workers=[attempt.worker], hash=False)
                place = self._call(attempt, worker_side.store_data, content, digest, self._topic)
            self._places[key] = place
        return self._places[key]

    def _remove_data(self, digests: set[str]) -> None:
        """Delete data that were sent, without waiting for it."""
        from distributed import fire_and_forget

        addresses = {worker.folder: address for address, worker in self.view.live.items()}
        for key in [key for key in self._places if key[1] in digests]:
            del self._places[key]
            if key[0] in addresses:
                with suppress(Exception):
                    fire_and_forget(
                        self._client.submit(
                            worker_side.remove_data,
                            key[1],
                            self._topic,
                            workers=[addresses[key[0]]],
                            pure=False,
                        )
                    )

    def _remember(self, attempt: _Attempt, event: Event) -> None:
        """Keep finished trials in the job, so that a second attempt resumes after them."""
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

    def _take_worker(self) -> tuple[str, str] | None:
        """Return the address and folder of an idle worker, which is then busy."""
        with self._lock:
            for address, worker in self.view.live.items():
                if worker.is_open and address not in self._busy:
                    self._busy.add(address)
                    return address, worker.folder
        return None

    def _take_others(self, job: CellJob) -> list[tuple[str, str]] | None:
        """Return the further workers that share the fits of a job, which are then busy.

        None if there are not enough idle ones now. If the cluster has not as many workers as a fit
        has processes, they all run on the first one.
        """
        needed = job.protocol.workers - 1 if job.protocol.is_divided(job.cell.contender) else 0
        with self._lock:
            usable = {one: it.folder for one, it in self.view.live.items() if it.is_open}
            if needed >= len(usable):
                return []
            idle = [(one, usable[one]) for one in usable if one not in self._busy]
            if len(idle) < needed:
                return None
            self._busy.update(one for one, _ in idle[:needed])
        return idle[:needed]

    def _free(self, worker: str) -> None:
        with self._lock:
            self._busy.discard(worker)
        self._wake()

    def _wake(self) -> None:
        """Let every run look for an idle worker, since there may be one."""
        for events in list(self._queues):
            events.put(None)

    def _name(self, attempt: _Attempt) -> str:
        return self.view.name(attempt.worker)
