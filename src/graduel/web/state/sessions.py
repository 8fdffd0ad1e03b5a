"""What the server remembers of each client, in memory, and for how long.

A session has a name that cannot be guessed and is told to one page only. Nothing in it is shared:
weights that a client edits or trains are its own copies.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from graduel.web.http_error import ClientError
from graduel.web.limits import Limits

if TYPE_CHECKING:
    from graduel.web.state.holdout import HoldoutData
    from graduel.web.state.model_pair import ModelPair
    from graduel.web.training.training_queue import Training


@dataclass(slots=True)
class Session:
    """One client's own: its table, its training, and what came out of that.

    Attributes
    ----------
    name : what the client calls itself by
    touched : when it last asked, in the server's seconds
    table : data that it uploaded
    training : the training that it began last
    trained : the two models that it took over from its training
    learned_from : the data of those
    """

    name: str
    touched: float
    table: HoldoutData | None = None
    table_bytes: int = 0
    training: Training | None = None
    trained: ModelPair | None = None
    learned_from: HoldoutData | None = None
    trained_bytes: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def nbytes(self) -> int:
        """Bytes that are held for this client."""
        training = self.training.nbytes if self.training is not None else 0
        return self.table_bytes + self.trained_bytes + training

    def close(self) -> None:
        """Stop what is under way; hold nothing."""
        if self.training is not None:
            self.training.stop()
        self.table = self.training = self.trained = self.learned_from = None
        self.table_bytes = self.trained_bytes = 0


class Sessions:
    """Every client's session, the longest idle first to go.

    Parameters
    ----------
    limits : how many, how long, how much
    clock : returns seconds

    Examples
    --------
    >>> sessions = Sessions(Limits(sessions=2, busy_seconds=0))
    >>> first, second, third = (sessions.open().name for _ in range(3))
    >>> sessions.find(third).name == third, len(sessions)
    (True, 2)
    """

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits, self._clock = limits, clock
        self._all: dict[str, Session] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._all)

    def open(self) -> Session:
        """Make a session.

        Raises
        ------
        Problem
            With status 429, where there are too many that are in use.
        """
        with self._lock:
            now = self._forget_idle()
            if len(self._all) >= self._limits.sessions:
                oldest = min(self._all.values(), key=lambda one: one.touched)
                if now - oldest.touched < self._limits.busy_seconds:
                    raise ClientError(
                        429,
                        f"expected at most {self._limits.sessions} clients at a time; all are in "
                        "use. Try again in a minute",
                    )
                self._all.pop(oldest.name).close()
            session = Session(secrets.token_urlsafe(18), now)
            self._all[session.name] = session
            return session

    def find(self, name: str) -> Session:
        """Return the session of that name, which counts as used now.

        Raises
        ------
        Problem
            With status 404, where there is none, or no longer.
        """
        with self._lock:
            now = self._forget_idle()
            session = self._all.get(name)
            if session is None:
                raise ClientError(404, "this session has ended; reload the page to begin a new one")
            session.touched = now
            return session

    def end(self, name: str) -> None:
        """Forget a session, as its page asks when it closes."""
        with self._lock:
            session = self._all.pop(name, None)
        if session is not None:
            session.close()

    def room(self, wanted: int) -> None:
        """Refuse what would take more memory than there is for all.

        Raises
        ------
        Problem
            With status 429.
        """
        held = sum(session.nbytes for session in list(self._all.values()))
        if held + wanted > self._limits.memory_bytes:
            raise ClientError(
                429,
                f"this needs {wanted / 1e6:,.0f} MB, and the clients of this server hold "
                f"{held / 1e6:,.0f} of {self._limits.memory_bytes / 1e6:,.0f} MB. "
                "Take fewer rows or a smaller network, or try again later",
            )

    def close(self) -> None:
        """End every session."""
        with self._lock:
            for session in self._all.values():
                session.close()
            self._all.clear()

    def _forget_idle(self) -> float:
        now = self._clock()
        for name, session in list(self._all.items()):
            if now - session.touched > self._limits.idle_seconds:
                self._all.pop(name).close()
        return now
