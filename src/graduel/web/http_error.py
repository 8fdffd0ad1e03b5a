"""Client errors, as an HTTP status with a one-line message."""

from __future__ import annotations


class ClientError(Exception):
    """A request that cannot be fulfilled: a 4xx status and the reason in one line."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail

    def as_dict(self) -> dict[str, str]:
        """Return the response's content."""
        return {"detail": self.detail}


class SessionEndedError(ClientError):
    """A request of a session that does not exist, or not any more; status 404."""

    def __init__(self, detail: str) -> None:
        super().__init__(404, detail)

    def as_dict(self) -> dict[str, str]:
        """Return the response's content, by which the page knows that it needs a new session."""
        return {"detail": self.detail, "session": "ended"}
