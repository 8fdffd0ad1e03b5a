"""Trainings that clients watch: they wait in a queue, and one at a time runs."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict
from math import isfinite
from typing import Any

import numpy as np

from graduel.errors import UserError
from graduel.web.array_codec import pack
from graduel.web.http_error import ClientError
from graduel.web.limits import Limits
from graduel.web.training.training_run import DivergedError, TrainingRun

TURN = 60.0
"""Seconds after which a training lets one go first that waits."""
OFTEN = 0.06
"""Seconds between two messages about steps."""
SELDOM = 0.5
"""Seconds between two looks into the layers."""
KEPT = 4000
"""Messages that wait for a client; of more, the oldest are lost."""
OVER = ("done", "stopped", "failed")

Make = Callable[[], TrainingRun]


class Training:
    """One client's training: what it is told to do, how it stands, what there is to tell.

    Every unit (a batch, a round) is done under a lock, so that it can be looked at in between.

    Parameters
    ----------
    make : makes the training, when its turn comes
    limits : how long it may run
    nbytes : the memory that it is counted with

    Attributes
    ----------
    state : new, queued, running, paused; done, stopped or failed when it is over
    said : a remark on the state
    watchers : streams that tell of it; when the last one ends, so does the training
    about : what its maker keeps with it
    """

    def __init__(self, make: Make, limits: Limits, nbytes: int) -> None:
        self._make, self._limits, self.nbytes = make, limits, nbytes
        self.live: TrainingRun | None = None
        self.state = "new"
        self.said = ""
        self._wanted, self._single, self._delay = "pause", 0, 0.0
        self._changes: dict[str, float] = {}
        self._wake = threading.Condition()
        self._lock = threading.Lock()
        self._messages: deque[tuple[int, dict[str, Any]]] = deque(maxlen=KEPT)
        self._number, self._held = 0, 0.0
        self._told = {"often": 0.0, "seldom": 0.0}
        self.watchers = 0
        self.about: object = None

    # What a client asks for.

    def run(self) -> None:
        """Go on until paused."""
        self._want("run")

    def pause(self) -> None:
        """Stand still after the batch in hand."""
        self._want("pause")

    def stop(self) -> None:
        """End, for good."""
        with self._wake:
            self._wanted = "stop"
            if self.state in ("new", "paused", "queued"):
                self._stand("stopped")
            self._wake.notify_all()

    def one_step(self) -> None:
        """Do one batch of the network, then stand still."""
        with self._wake:
            self._wanted, self._single = "pause", min(self._single + 1, 100)
            self._wake.notify_all()

    def slow(self, seconds: float) -> None:
        """Wait so long after each batch."""
        with self._wake:
            self._delay = seconds
            self._wake.notify_all()

    def change(self, **values: float) -> None:
        """Go on with another `rate` or `dropout` from the next batch on."""
        with self._wake:
            self._changes |= values
            self._wake.notify_all()

    def _want(self, what: str) -> None:
        with self._wake:
            if self._wanted != "stop":
                self._wanted = what
            self._wake.notify_all()

    @property
    def has_work(self) -> bool:
        """Whether it has something to do when its turn comes."""
        return self.state not in OVER and (self._wanted == "run" or self._single > 0)

    # What the worker does.

    def turn(self, others_wait: Callable[[], bool]) -> bool:
        """Work until paused, over, or others have waited long enough; return whether to go on."""
        try:
            if self.live is None:
                self._stand("running", "making ready")
                with self._lock:
                    self.live = self._make()
            self._stand("running")
            return self._work(self.live, others_wait)
        except (UserError, DivergedError, ValueError) as error:
            self._stand("failed", str(error))
        except MemoryError:
            self._stand("failed", "there is not enough memory; take fewer rows")
        return False

    def _work(self, live: TrainingRun, others_wait: Callable[[], bool]) -> bool:
        begun = time.monotonic()
        while True:
            if self._wanted == "stop":
                self._stand("stopped")
                return False
            self._apply(live)
            start = time.monotonic()
            if self._single:
                self._single -= 1
                who = self._unit(live, "net", tell=True)
            elif self._wanted == "pause":
                self._tell_all(live)
                self._stand("paused")
                return False
            else:
                who = self._unit(live, None, tell=self._delay > 0)
            if who is None:
                self._tell_all(live)
                self._stand("done")
                return False
            self._held += time.monotonic() - start
            if self._held > self._limits.training_seconds:
                minutes = self._limits.training_seconds / 60
                self._stand("done", f"ended after {minutes:.0f} minutes, the most there are")
                return False
            if others_wait() and time.monotonic() - begun > TURN:
                self._stand("queued", "lets another go first")
                return True
            if self._delay and who == "net":
                with self._wake:
                    self._wake.wait_for(
                        lambda: self._wanted != "run" or self._single > 0, self._delay
                    )

    def _apply(self, live: TrainingRun) -> None:
        with self._wake:
            changes, self._changes = self._changes, {}
        with self._lock:
            if "rate" in changes:
                live.set_rate(changes["rate"])
            if "dropout" in changes:
                live.set_dropout(changes["dropout"])

    def _unit(self, live: TrainingRun, who: str | None, *, tell: bool) -> str | None:
        with self._lock, np.errstate(over="ignore", invalid="ignore"):
            done = live.advance(who)
            if done is None:
                return None
            if live.due(done) or tell:
                self._say(_point(live, done))
        now = time.monotonic()
        if done == "net" and (tell or now - self._told["often"] > OFTEN):
            self._told["often"] = now
            self._say(_step(live))
        if tell or now - self._told["seldom"] > SELDOM:
            self._told["seldom"] = now
            with self._lock:
                self._say(_layers(live))
        return done

    def _tell_all(self, live: TrainingRun) -> None:
        with self._lock:
            if live.step:
                self._say(_step(live))
                self._say(_point(live, "net"))
            self._say(_layers(live))

    # What there is to tell.

    def _stand(self, state: str, said: str = "") -> None:
        self.state, self.said = state, said
        self._say({"type": "state", "state": state, "said": said})

    def queued(self) -> None:
        """Say that it waits."""
        self._stand("queued")

    def _say(self, message: dict[str, Any]) -> None:
        self._number += 1
        self._messages.append((self._number, message))

    def since(self, number: int) -> list[tuple[int, dict[str, Any]]]:
        """Return what was said after the message of that number, 0 for all that is kept."""
        return [one for one in list(self._messages) if one[0] > number]

    def snapshot(self) -> Any:
        """Return what the training has come to: network, weights, booster; copies.

        Raises
        ------
        Problem
            With status 409, where it has not begun.
        """
        if self.live is None:
            raise ClientError(409, "the training has not begun; start it first")
        with self._lock:
            return self.live.snapshot()


class TrainingQueue:
    """The queue of all clients' trainings, and the thread that works through it."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._waiting: deque[Training] = deque()
        self._current: Training | None = None
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="trainings", daemon=True)

    def begin(self) -> None:
        """Begin to work."""
        self._thread.start()

    def submit(self, training: Training) -> None:
        """Let a training have a turn, if it has work and waits for none yet.

        Raises
        ------
        Problem
            With status 429, where too many wait.
        """
        with self._changed:
            if not training.has_work or training in self._waiting:
                return
            if training is self._current:
                # It may be on its way out of its turn; the worker looks again.
                return
            if len(self._waiting) >= self._limits.queue:
                raise ClientError(
                    429, f"{self._limits.queue} trainings wait already; try again in a minute"
                )
            self._waiting.append(training)
            training.queued()
            self._changed.notify_all()

    def place(self, training: Training) -> int:
        """Return how many go first; 0 for the one that runs."""
        with self._changed:
            if training in self._waiting:
                return self._waiting.index(training) + (self._current is not None)
            return 0

    def close(self) -> None:
        """End the thread, and the training in hand."""
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
            if training.state not in OVER:
                training.turn(lambda: bool(self._waiting))
            with self._changed:
                self._current = None
                if training.has_work and training not in self._waiting:
                    self._waiting.append(training)
                    training.queued()


def _step(live: TrainingRun) -> dict[str, Any]:
    return {
        "type": "step",
        "step": live.step,
        "steps": live.total_steps,
        "epoch": live.epoch,
        "epochs": live.recipe.epochs,
        "t": live.t,
        "loss": live.loss,
        "rate": live.fit.lr * live.fit.schedule(live.t),
        "seconds": live.seconds["net"],
        "round": 0 if live.trees is None else live.trees.round,
    }


def _point(live: TrainingRun, who: str) -> dict[str, Any]:
    point = {
        k: v if isinstance(v, str) or isfinite(v) else None
        for k, v in asdict(live.point(who)).items()
    }
    return {"type": "point", **point}


def _layers(live: TrainingRun) -> dict[str, Any]:
    layers = live.layers()
    found = {"type": "layers", "layers": layers, "weights": pack(live.first_weights())}
    if not all(isfinite(layer["gradient_norm"]) for layer in layers):
        return {"type": "state", "state": "running", "said": "gradients are no longer finite"}
    return found
