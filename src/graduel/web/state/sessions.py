"""Sessions: what the server keeps in memory for each client, and for how long.

A session has a name that cannot be guessed and that one page alone knows. Nothing in it is shared:
weights that a client edits or trains are copies.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from graduel.web.http_error import ClientError
from graduel.web.limits import Limits
from graduel.web.state.holdout import HoldoutData
from graduel.web.state.model_pair import ModelPair
from graduel.web.training.watched_training import WatchedTraining


@dataclass(slots=True)
class Session:
    """One client's table, training and trained models.

    Attributes
    ----------
    name : the client's key
    last_used : time of its last request, in the server's seconds
    table : the data that it uploaded
    training : its last training
    trained : the two models that it adopted from its training
    training_data : the data of those
    """

    name: str
    last_used: float
    table: HoldoutData | None = None
    table_bytes: int = 0
    training: WatchedTraining | None = None
    trained: ModelPair | None = None
    training_data: HoldoutData | None = None
    trained_bytes: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def nbytes(self) -> int:
        """Bytes of memory for this client."""
        training = self.training.nbytes if self.training is not None else 0
        return self.table_bytes + self.trained_bytes + training

    def close(self) -> None:
        """Stop the training and release everything."""
        if self.training is not None:
            self.training.stop()
        self.table = self.training = self.trained = self.training_data = None
        self.table_bytes = self.trained_bytes = 0


class Sessions:
    """The sessions of all clients; the one idle for longest is the first to end.

    >>> sessions = Sessions(Limits(sessions=2, busy_seconds=0))
    >>> first, second, third = (sessions.open().name for _ in range(3))
    >>> sessions.find(third).name == third, len(sessions)
    (True, 2)
    """

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits, self._clock = limits, clock
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._sessions)

    def open(self) -> Session:
        """Start a session; ClientError 429 if too many are in use."""
        with self._lock:
            now = self._end_idle()
            if len(self._sessions) >= self._limits.sessions:
                oldest = min(self._sessions.values(), key=lambda session: session.last_used)
                if now - oldest.last_used < self._limits.busy_seconds:
                    raise ClientError(
                        429,
                        f"expected at most {self._limits.sessions} clients at a time; all are in "
                        "use. Try again in a minute",
                    )
                self._sessions.pop(oldest.name).close()
            session = Session(secrets.token_urlsafe(18), now)
            self._sessions[session.name] = session
            return session

    def find(self, name: str) -> Session:
        """Return a session and mark it as used; ClientError 404 if it has ended or never was."""
        with self._lock:
            now = self._end_idle()
            session = self._sessions.get(name)
            if session is None:
                raise ClientError(404, "this session has ended; reload the page to begin a new one")
            session.last_used = now
            return session

    def end(self, name: str) -> None:
        """End a session, at the request of its page when it closes."""
        with self._lock:
            session = self._sessions.pop(name, None)
        if session is not None:
            session.close()

    def check_memory(self, nbytes: int) -> None:
        """Raise ClientError 429 if `nbytes` more would exceed the memory of all sessions."""
        used = sum(session.nbytes for session in list(self._sessions.values()))
        if used + nbytes > self._limits.memory_bytes:
            raise ClientError(
                429,
                f"this needs {nbytes / 1e6:,.0f} MB, and the clients of this server hold "
                f"{used / 1e6:,.0f} of {self._limits.memory_bytes / 1e6:,.0f} MB. "
                "Take fewer rows or a smaller network, or try again later",
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
                self._sessions.pop(name).close()
        return now
