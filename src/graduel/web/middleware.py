"""Security middleware: checks of host, origin and body size; security headers.

Any page in a browser can send requests to a server on the same machine. Three checks prevent
abuse: the Host header must name this server (DNS rebinding), a request that changes
something must not come from another origin (CSRF), and a strict Content-Security-Policy keeps the
page from fetching or running anything of another origin.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
from collections.abc import Iterable
from contextlib import nullcontext
from typing import Any
from urllib.parse import urlsplit

from graduel.web.limits import Limits

Scope = dict[str, Any]

SAFE = ("GET", "HEAD", "OPTIONS")
LOCAL = ("localhost", "127.0.0.1", "::1")
HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        b"connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; "
        b"frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
)


class SecurityMiddleware:
    """An ASGI middleware around `app`; parameters as in :func:`.create_app`."""

    def __init__(self, app: Any, *, host: str, allowed: Iterable[str] = (), limits: Limits) -> None:
        self._app, self._limits = app, limits
        self._names = {*LOCAL, host.lower(), *(name.lower() for name in allowed)}
        self._any_address = is_wildcard(host)
        self._uploads = asyncio.Semaphore(limits.uploads)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Reject the request with an error, or pass it on."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        send = _with_headers(send, scope["path"])
        headers: dict[str, str] = {}
        for name, value in scope["headers"]:
            key = name.decode("latin-1").lower()
            if key == "host" and "host" in headers:
                await _refuse(send, 400, "expected one Host header; got several")
                return
            headers[key] = value.decode("latin-1")
        if not self._is_known_host(headers.get("host", "")):
            name = headers.get("host", "")[:80]
            await _refuse(
                send,
                421,
                f"unknown host {name!r}; use the server's own address, or start it with --allow "
                "NAME",
            )
            return
        if scope["method"] in SAFE:
            await self._app(scope, receive, send)
            return
        if not _same_origin(headers):
            await _refuse(
                send,
                403,
                "expected a request from this server's own page; got one from another origin",
            )
            return
        await self._with_body(scope, receive, send, headers)

    def _is_known_host(self, host: str) -> bool:
        """Return whether a Host header names this server.

        A server on all addresses accepts any IP address: unlike a name, it cannot be rebound.
        """
        try:
            name = (urlsplit(f"//{host}").hostname or "").lower()
        except ValueError:
            return False
        return name in self._names or (self._any_address and _parse_address(name) is not None)

    async def _with_body(
        self, scope: Scope, receive: Any, send: Any, headers: dict[str, str]
    ) -> None:
        """Receive the complete body within its limits, then call the handler."""
        limits = self._limits
        is_upload = scope["path"].endswith(UPLOADS)
        max_bytes = limits.upload_bytes if is_upload else limits.json_bytes
        length = headers.get("content-length", "0")
        if not length.isdigit() or len(length) > 12:
            await _refuse(send, 400, "expected a number as Content-Length")
            return
        if int(length) > max_bytes:
            await _refuse(send, 413, f"expected at most {max_bytes:,} bytes; got {int(length):,}")
            return
        if is_upload and self._uploads.locked():
            await _refuse(send, 429, "too many concurrent uploads; try again in a moment")
            return
        try:
            async with self._uploads if is_upload else nullcontext():
                body = await self._receive_body(receive, max_bytes)
        except TimeoutError:
            seconds = limits.body_seconds
            await _refuse(send, 408, f"expected the complete body within {seconds:g} seconds")
            return
        except _DisconnectedError:
            return
        if body is None:
            await _refuse(send, 413, f"expected at most {max_bytes:,} bytes; got more")
            return
        is_sent = False

        async def replay() -> dict[str, Any]:
            nonlocal is_sent
            if is_sent:
                message: dict[str, Any] = await receive()
                return message
            is_sent = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, replay, send)

    async def _receive_body(self, receive: Any, max_bytes: int) -> bytes | None:
        """Return the body; None if it exceeds `max_bytes`."""
        chunks, size, more = [], 0, True
        async with asyncio.timeout(self._limits.body_seconds):
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise _DisconnectedError
                chunks.append(message.get("body", b""))
                size += len(chunks[-1])
                if size > max_bytes:
                    return None
                more = message.get("more_body", False)
        return b"".join(chunks)


UPLOADS = ("/image", "/table", "/trained")
"""Suffixes of the paths that accept files."""


class _DisconnectedError(Exception):
    """The client disconnected before sending the complete body."""


def is_wildcard(host: str) -> bool:
    """Return whether an address means all addresses of the machine.

    >>> is_wildcard("0.0.0.0"), is_wildcard("127.0.0.1"), is_wildcard("localhost")
    (True, False, False)
    """
    address = _parse_address(host)
    return address is not None and address.is_unspecified


def is_local(host: str) -> bool:
    """Return whether an address is reachable from this machine only.

    >>> is_local("127.0.0.1"), is_local("localhost"), is_local("0.0.0.0")
    (True, True, False)
    """
    address = _parse_address(host)
    return host.lower() == "localhost" if address is None else address.is_loopback


def _parse_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _same_origin(headers: dict[str, str]) -> bool:
    """Return whether a request comes from this server's page, or not from a page.

    Browsers send Origin with every request except GET; other programs do not.
    """
    origin = headers.get("origin")
    if origin is None:
        return headers.get("sec-fetch-site", "none") in ("same-origin", "none")
    try:
        return urlsplit(origin).netloc.lower() == headers.get("host", "").lower()
    except ValueError:
        return False


def _with_headers(send: Any, path: str) -> Any:
    async def send_with_headers(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            headers = [pair for pair in message["headers"] if pair[0].lower() != b"server"]
            names = {name.lower() for name, _ in headers}
            headers += [pair for pair in HEADERS if pair[0] not in names]
            if b"cache-control" not in names:
                headers.append((b"cache-control", b"no-store" if "/api/" in path else b"no-cache"))
            message = message | {"headers": headers}
        await send(message)

    return send_with_headers


async def _refuse(send: Any, status: int, detail: str) -> None:
    body = json.dumps({"detail": detail}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
