"""The queue of all clients' training runs, of which one runs at a time."""

from __future__ import annotations

import threading
from collections import deque

from graduel.web.http_error import ClientError
from graduel.web.limits import Limits
from graduel.web.training.watched_training import ENDED, WatchedTraining


class TrainingQueue:
    """The queue of training runs and the worker thread that runs one at a time."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._waiting: deque[WatchedTraining] = deque()
        self._current: WatchedTraining | None = None
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="trainings", daemon=True)

    def start(self) -> None:
        """Start the worker thread."""
        self._thread.start()

    def submit(self, training: WatchedTraining) -> None:
        """Queue a training if it has work to do; ClientError 429 if the queue is full."""
        with self._changed:
            # If the current training is just ending its turn, the worker requeues it.
            if not training.has_work or training in (*self._waiting, self._current):
                return
            if len(self._waiting) >= self._limits.queue:
                raise ClientError(
                    429,
                    f"the queue of {self._limits.queue} training runs is full; "
                    "try again in a minute",
                )
            self._waiting.append(training)
            training.set_state("queued")
            self._changed.notify_all()

    def position(self, training: WatchedTraining) -> int:
        """Return the number of training runs ahead in the queue; 0 if it is running."""
        with self._changed:
            if training in self._waiting:
                return self._waiting.index(training) + (self._current is not None)
            return 0

    def close(self) -> None:
        """Stop the current training and end the worker thread."""
        with self._changed:
            self._closed = True
            if self._current is not None:
                self._current.stop()
            self._waiting.clear()
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(10)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._waiting)
                if self._closed:
                    return
                training = self._current = self._waiting.popleft()
            if training.state not in ENDED:
                training.take_turn(lambda: bool(self._waiting))
            with self._changed:
                self._current = None
                if training.has_work and training not in self._waiting:
                    self._waiting.append(training)
                    training.set_state("queued")
