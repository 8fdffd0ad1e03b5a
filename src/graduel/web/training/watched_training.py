"""A client's training: state, commands from the client, messages to the client."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict
from math import isfinite
from typing import Any, Literal

import numpy as np

from graduel.errors import UserError
from graduel.glassbox.plain_data import to_plain
from graduel.train import DivergedError
from graduel.web.array_codec import pack
from graduel.web.http_error import ClientError
from graduel.web.limits import Limits
from graduel.web.training.training_run import TrainingRun, with_dropout

TURN_SECONDS = 60.0
"""Length of a turn, after which a training yields to a waiting one."""
STEP_INTERVAL = 0.06
"""Minimum seconds between two step messages."""
LAYERS_INTERVAL = 0.5
"""Minimum seconds between two layer messages."""
MAX_MESSAGES = 4000
"""Maximum number of buffered messages; beyond it, the oldest are dropped."""
ENDED = ("done", "stopped", "failed")


class WatchedTraining:
    """A client's training.

    Each batch or round runs under a lock, so that the training can be inspected in between.

    Parameters
    ----------
    start : starts the training on its first turn
    limits : the server's limits
    nbytes : estimated memory
    request : an object attached by the creator of the training

    Attributes
    ----------
    state : new, queued, running, paused; or, when ended, done, stopped or failed
    message : a remark on the state
    watchers : number of open event streams; when the last one closes, the training stops
    request : the object attached by the creator
    """

    def __init__(
        self,
        start: Callable[[], TrainingRun],
        limits: Limits,
        nbytes: int,
        request: object = None,
    ) -> None:
        self._start, self._limits, self.nbytes = start, limits, nbytes
        self.request = request
        self.current_run: TrainingRun | None = None
        self.state, self.message = "new", ""
        self.watchers = 0
        self._command: Literal["run", "pause", "stop"] = "pause"
        self._single_steps, self._delay = 0, 0.0
        self._changes: dict[str, float] = {}
        self._wake = threading.Condition()
        self._lock = threading.Lock()
        self._messages: deque[tuple[int, dict[str, Any]]] = deque(maxlen=MAX_MESSAGES)
        self._n_messages, self._seconds = 0, 0.0
        self._last_sent = {"step": 0.0, "layers": 0.0}

    # Commands from the client.

    def set_command(self, command: Literal["run", "pause"]) -> None:
        """Run until paused, or pause after the current batch."""
        with self._wake:
            if self._command != "stop":
                self._command = command
            self._wake.notify_all()

    def stop(self) -> None:
        """Stop the training permanently."""
        with self._wake:
            self._command = "stop"
            if self.state in ("new", "paused", "queued"):
                self.set_state("stopped")
            self._wake.notify_all()

    def single_step(self) -> None:
        """Train the network on one batch, then pause."""
        with self._wake:
            self._command, self._single_steps = "pause", min(self._single_steps + 1, 100)
            self._wake.notify_all()

    def set_delay(self, seconds: float) -> None:
        """Set the delay after each batch (slow motion)."""
        with self._wake:
            self._delay = seconds
            self._wake.notify_all()

    def change(self, **values: float) -> None:
        """Change `rate` or `dropout`, effective from the next batch."""
        with self._wake:
            self._changes |= values
            self._wake.notify_all()

    @property
    def has_work(self) -> bool:
        """Whether the training has work to do on its next turn."""
        return self.state not in ENDED and (self._command == "run" or self._single_steps > 0)

    # The worker thread.

    def take_turn(self, others_wait: Callable[[], bool]) -> None:
        """Train until paused or ended, or until the turn is over and others wait."""
        try:
            if self.current_run is None:
                self.set_state("running", "preparing the data")
                with self._lock:
                    self.current_run = self._start()
            self.set_state("running")
            end = self._train(self.current_run, others_wait)
        except DivergedError:
            assert self.current_run is not None
            message = _divergence_message(self.current_run)
            self._send(message)
            end = (
                "failed",
                f"the loss is not finite at batch {message['step']:,}; lower the learning rate "
                f"(now {message['rate']:g})",
            )
        except (UserError, ValueError) as error:
            end = "failed", str(error)
        except MemoryError:
            end = "failed", "out of memory; use fewer rows"
        self.set_state(*end)

    def _train(self, run: TrainingRun, others_wait: Callable[[], bool]) -> tuple[str, str]:
        """Train for one turn; return the new state and a remark."""
        turn_start = time.monotonic()
        while True:
            if self._command == "stop":
                return "stopped", ""
            self._apply_changes(run)
            start = time.monotonic()
            if self._single_steps:
                self._single_steps -= 1
                contender = self._advance(run, "net", send_all=True)
            elif self._command == "pause":
                self._send_all(run)
                return "paused", ""
            else:
                contender = self._advance(run, None, send_all=self._delay > 0)
            if contender is None:
                self._send_all(run)
                return "done", ""
            self._seconds += time.monotonic() - start
            if self._seconds > self._limits.training_seconds:
                minutes = self._limits.training_seconds / 60
                return "done", f"ended at the time limit of {minutes:.0f} minutes"
            if others_wait() and time.monotonic() - turn_start > TURN_SECONDS:
                return "queued", "yielding to another training"
            if self._delay and contender == "net":
                with self._wake:
                    self._wake.wait_for(
                        lambda: self._command != "run" or self._single_steps > 0, self._delay
                    )

    def _apply_changes(self, run: TrainingRun) -> None:
        with self._wake:
            changes, self._changes = self._changes, {}
        with self._lock:
            if "rate" in changes:
                run.fit.lr = changes["rate"]
            if "dropout" in changes:
                run.fit.network = with_dropout(run.fit.network, changes["dropout"])

    def _advance(self, run: TrainingRun, contender: str | None, *, send_all: bool) -> str | None:
        """Train one batch or round, send the messages that are due, return the contender."""
        with self._lock, np.errstate(over="ignore", invalid="ignore"):
            advanced = run.advance(contender)
            if advanced is None:
                return None
            if run.is_due(advanced) or send_all:
                self._send(_point_message(run, advanced))
        now = time.monotonic()
        if advanced == "net" and (send_all or now - self._last_sent["step"] > STEP_INTERVAL):
            self._last_sent["step"] = now
            self._send(_step_message(run))
        if send_all or now - self._last_sent["layers"] > LAYERS_INTERVAL:
            self._last_sent["layers"] = now
            with self._lock:
                self._send(_layers_message(run))
        return advanced

    # Messages to the client.

    def _send_all(self, run: TrainingRun) -> None:
        with self._lock:
            if run.step:
                self._send(_step_message(run))
                self._send(_point_message(run, "net"))
            self._send(_layers_message(run))

    def set_state(self, state: str, message: str = "") -> None:
        """Set the state and send it to the client."""
        self.state, self.message = state, message
        self._send({"type": "state", "state": state, "message": message})

    def _send(self, message: dict[str, Any]) -> None:
        self._n_messages += 1
        self._messages.append((self._n_messages, message))

    def messages_after(self, number: int) -> list[tuple[int, dict[str, Any]]]:
        """Return the messages with a number above `number`, each with its number."""
        return [pair for pair in list(self._messages) if pair[0] > number]

    def snapshot(self) -> Any:
        """Return copies of network, weights and booster; ClientError 409 before the start."""
        if self.current_run is None:
            raise ClientError(409, "the training run has not started; start it first")
        with self._lock:
            return self.current_run.snapshot()


def _step_message(run: TrainingRun) -> dict[str, Any]:
    """Return a message with the progress of the network's training."""
    return {
        "type": "step",
        "step": run.step,
        "steps": run.fit.total_steps,
        "epoch": run.epoch,
        "epochs": run.recipe.epochs,
        "t": run.t,
        "loss": run.loss,
        "rate": run.fit.lr * run.fit.schedule(run.t),
        "seconds": run.seconds["net"],
        "round": 0 if run.trees is None else run.trees.round,
        "rounds": 0 if run.trees is None else run.trees.settings.rounds,
    }


def _divergence_message(run: TrainingRun) -> dict[str, Any]:
    """Return a message that the network's loss is not finite, with the batch and the rate."""
    rate = run.fit.lr * run.fit.schedule(run.t)
    return {
        "type": "diverged",
        "step": run.step + 1,
        "rate": rate,
        "seconds": run.seconds["net"],
    }


def _point_message(run: TrainingRun, contender: str) -> dict[str, Any]:
    """Return a message with a contender's scores on the validation rows."""
    return {"type": "point", **to_plain(asdict(run.validate(contender)))}


def _layers_message(run: TrainingRun) -> dict[str, Any]:
    """Return a message with the layer summaries and the weights of the first layer."""
    layers = run.summarize_layers()
    weights = pack(run.first_weights())
    if not all(isfinite(layer["gradient_norm"]) for layer in layers):
        return {
            "type": "state",
            "state": "running",
            "message": "the gradients are not finite (training diverged)",
        }
    return {"type": "layers", "layers": layers, "weights": weights}
