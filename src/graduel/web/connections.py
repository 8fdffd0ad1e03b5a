"""Connections that send no complete request are closed after a time."""

from __future__ import annotations

import asyncio
from typing import Any


def timed_protocol(seconds: float) -> type[asyncio.Protocol]:
    """Return uvicorn's HTTP protocol, with a limit on the time to send the head of a request.

    The time begins with the connection, and with the first byte of each later request; bytes that
    arrive slowly do not extend it. The middleware limits the time of a body.
    """
    from uvicorn.protocols.http.auto import AutoHTTPProtocol

    base: Any = AutoHTTPProtocol

    class TimedProtocol(base):  # type: ignore[misc]
        """The protocol of one connection."""

        _timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            self._start()

        def data_received(self, data: bytes) -> None:
            if self._is_waiting():
                self._start()
            super().data_received(data)
            if not self._is_waiting():
                self._cancel()

        def connection_lost(self, exc: Exception | None) -> None:
            self._cancel()
            super().connection_lost(exc)

        def _is_waiting(self) -> bool:
            """Return whether no request is in progress."""
            return self.cycle is None or bool(self.cycle.response_complete)

        def _start(self) -> None:
            if self._timer is None:
                self._timer = self.loop.call_later(seconds, self._close_if_waiting)

        def _cancel(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def _close_if_waiting(self) -> None:
            self._timer = None
            if self._is_waiting() and not self.transport.is_closing():
                self.transport.close()

    return TimedProtocol
