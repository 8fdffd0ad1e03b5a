"""Sessions: per-client state in memory, with limits on number, idle time and memory.

A session has an unguessable name, known to one page only. Nothing is shared between sessions:
clients edit and train copies of the weights.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from graduel.web.http_error import ClientError, SessionEndedError
from graduel.web.limits import Limits
from graduel.web.state.holdout import HoldoutData
from graduel.web.state.model_pair import ModelPair
from graduel.web.training.watched_training import WatchedTraining

MAX_ENDED = 1000
"""Maximum number of ended sessions whose reason is stored."""


@dataclass(slots=True)
class Session:
    """The table, training and trained models of one client.

    Attributes
    ----------
    name : the client's key
    last_used : time of the last request, in seconds of the server's clock
    table : the uploaded data
    training : the last training
    trained : the models adopted from a training
    training_data : the data of the adopted models
    trained_from : whether these are the server's data or the session's table
    """

    name: str
    last_used: float
    table: HoldoutData | None = None
    table_bytes: int = 0
    training: WatchedTraining | None = None
    trained: ModelPair | None = None
    training_data: HoldoutData | None = None
    trained_from: str = "server"
    trained_bytes: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def nbytes(self) -> int:
        """Memory used by this session, in bytes."""
        training = self.training.nbytes if self.training is not None else 0
        return self.table_bytes + self.trained_bytes + training

    @property
    def content(self) -> str:
        """The names of all that ends with this session; empty if there is nothing."""
        items = []
        if self.table is not None:
            items.append(f"the table “{self.table.data.name}”")
        if self.trained is not None:
            items.append("the trained models")
        if self.training is not None:
            items.append(f"a training run ({self.training.state})")
        return " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))

    def close(self) -> None:
        """Stop the training and release all data."""
        if self.training is not None:
            self.training.stop()
        self.table = self.training = self.trained = self.training_data = None
        self.table_bytes = self.trained_bytes = 0


class Sessions:
    """The sessions of all clients; at the limit, the session idle longest is replaced.

    >>> sessions = Sessions(Limits(sessions=2, busy_seconds=0))
    >>> first, second, third = (sessions.open().name for _ in range(3))
    >>> sessions.find(third).name == third, len(sessions)
    (True, 2)
    """

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits, self._clock = limits, clock
        self._sessions: dict[str, Session] = {}
        self._ended: dict[str, str] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._sessions)

    def open(self) -> Session:
        """Start a session; ClientError 429 if all sessions are in use."""
        with self._lock:
            now = self._end_idle()
            if len(self._sessions) >= self._limits.sessions:
                oldest = min(self._sessions.values(), key=lambda session: session.last_used)
                if now - oldest.last_used < self._limits.busy_seconds:
                    raise ClientError(
                        429,
                        f"the limit of {self._limits.sessions} clients is reached; try again in "
                        "a minute",
                    )
                self._drop(oldest.name, "it was replaced by the session of a new client")
            session = Session(secrets.token_urlsafe(18), now)
            self._sessions[session.name] = session
            return session

    def find(self, name: str) -> Session:
        """Return a session and mark it as used; SessionEndedError if it does not exist."""
        with self._lock:
            now = self._end_idle()
            session = self._sessions.get(name)
            if session is None:
                reason = self._ended.get(name, "the server was restarted or the page was closed")
                raise SessionEndedError(f"this session has ended: {reason}")
            session.last_used = now
            return session

    def end(self, name: str) -> None:
        """End a session, if it exists."""
        with self._lock:
            session = self._sessions.pop(name, None)
        if session is not None:
            session.close()

    def check_memory(self, nbytes: int) -> None:
        """Raise `ClientError` 429 if `nbytes` more would exceed the memory limit."""
        used = sum(session.nbytes for session in list(self._sessions.values()))
        if used + nbytes > self._limits.memory_bytes:
            raise ClientError(
                429,
                f"not enough memory: {nbytes / 1e6:,.0f} MB needed, and "
                f"{used / 1e6:,.0f} of {self._limits.memory_bytes / 1e6:,.0f} MB are in use. "
                "Use fewer rows or a smaller network, or try again later",
            )

    def close(self) -> None:
        """End every session."""
        with self._lock:
            for session in self._sessions.values():
                session.close()
            self._sessions.clear()

    def _end_idle(self) -> float:
        now = self._clock()
        for name, session in list(self._sessions.items()):
            if now - session.last_used > self._limits.idle_seconds:
                minutes = self._limits.idle_seconds / 60
                self._drop(name, f"it was idle for {minutes:.0f} minutes")
        return now

    def _drop(self, name: str, reason: str) -> None:
        """End a session and store the reason, for the page's next request."""
        session = self._sessions.pop(name)
        content = session.content
        self._ended[name] = f"{reason}; the server dropped {content}" if content else reason
        while len(self._ended) > MAX_ENDED:
            self._ended.pop(next(iter(self._ended)))
        session.close()
