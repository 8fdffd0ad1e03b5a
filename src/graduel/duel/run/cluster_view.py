"""The workers of a Dask cluster as a client sees them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from threading import Event as Flag
from threading import Thread
from time import monotonic
from typing import Any, NamedTuple

from graduel.errors import UserError

HEARTBEAT = 1.0
"""Seconds between two requests for the list of workers if the scheduler reports no change."""
LOST_AFTER = 15.0
"""Seconds without an answer from the scheduler after which it counts as lost."""
START_WAIT = 30.0
"""Seconds without a worker after which a run ends."""


class LostClusterError(UserError):
    """The scheduler does not answer, or there is no worker."""


class Worker(NamedTuple):
    """A worker as the scheduler describes it.

    Attributes
    ----------
    name : its name and address
    folder : its own folder; a worker that was started again at the same address has another one
    is_open : whether it takes new tasks
    threads : its threads for tasks
    """

    name: str
    folder: str
    is_open: bool
    threads: int


class ClusterView:
    """The list of workers: requested when the scheduler reports a change, and every second.

    Parameters
    ----------
    client : a client of ``distributed``, which stays open
    on_change : called after each request
    """

    def __init__(self, client: Any, on_change: Callable[[], object] = lambda: None) -> None:
        self.client, self._on_change = client, on_change
        self.live: dict[str, Worker] = {}
        """The workers by address."""
        self._last_answer = self._last_worker = monotonic()
        self._closed, self._change = Flag(), Flag()
        client.subscribe_topic("all", lambda _: self._change.set())
        self.update()
        Thread(target=self._monitor, daemon=True).start()

    def close(self) -> None:
        """End the requests; the client stays open."""
        self._closed.set()
        self._change.set()
        with suppress(Exception):
            self.client.unsubscribe_topic("all")

    def is_lost(self, address: str, folder: str) -> bool:
        """Return whether the worker that had this folder has left the cluster."""
        worker = self.live.get(address)
        return worker is None or worker.folder != folder

    def name(self, address: str) -> str:
        """Return the name of a worker; of one that has left, its address."""
        worker = self.live.get(address)
        return address if worker is None else worker.name

    def _monitor(self) -> None:
        while not self._closed.is_set():
            self._change.wait(HEARTBEAT)
            self._change.clear()
            with suppress(Exception):
                self.update()

    def update(self) -> None:
        """Request the list of workers.

        ``Client.scheduler_info`` returns a list that the client's own thread, which asks every two
        seconds for numbers only, may have emptied meanwhile: all workers would seem to be lost.
        """
        if self.client.status != "running":
            return
        workers = self.client.sync(self.client.scheduler.identity, n_workers=-1)["workers"]
        self.live = {
            address: Worker(
                f"{one.get('name', '')} ({address})",
                one["local_directory"],
                one["status"] == "running",
                one["nthreads"],
            )
            for address, one in workers.items()
        }
        self._last_answer = monotonic()
        self._on_change()

    def check(self) -> None:
        """Raise `LostClusterError` if the scheduler does not answer, or there is no worker."""
        now = monotonic()
        if self._closed.is_set():
            raise LostClusterError("the connection to the cluster was closed")
        if now - self._last_answer > LOST_AFTER:
            raise LostClusterError(
                f"the scheduler has not answered for {LOST_AFTER:.0f} s; finished runs are saved. "
                "Run the same command again, with another --on or without"
            )
        if self.live:
            self._last_worker = now
        elif now - self._last_worker > START_WAIT:
            raise LostClusterError(
                f"the cluster has had no worker for {START_WAIT:.0f} s; start workers and run the "
                "same command again, or run it without --on"
            )
