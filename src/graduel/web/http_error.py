"""Client errors, as an HTTP status with a one-line message."""

from __future__ import annotations


class ClientError(Exception):
    """A request that cannot be fulfilled: a 4xx status and the reason in one line."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail
