"""What stands before every handler: who may ask, how much may come in, what a browser may do.

A server on one's own machine is reached by any page that one's browser shows. Against that stand
three checks: the Host header must name this server (DNS rebinding), a request that changes
something must not come from another origin (CSRF), and a strict Content-Security-Policy keeps the
page from fetching or running anything that is not its own.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
from collections.abc import Iterable
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
    """An ASGI application in front of another.

    Parameters
    ----------
    app : what is guarded
    host : the address that the server listens on
    allowed : further names that a Host header may hold
    limits : sizes and times of a body
    """

    def __init__(self, app: Any, *, host: str, allowed: Iterable[str] = (), limits: Limits) -> None:
        self._app, self._limits = app, limits
        self._names = {*LOCAL, host.lower(), *(name.lower() for name in allowed)}
        self._anywhere = is_wildcard(host)
        self._uploads = asyncio.Semaphore(limits.uploads)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Answer with an error, or hand the request on."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        send = _with_headers(send, scope["path"])
        headers: dict[str, str] = {}
        for name, value in scope["headers"]:
            key = name.decode("latin-1").lower()
            if key == "host" and "host" in headers:
                await _refuse(send, 400, "expected one Host header; got two")
                return
            headers[key] = value.decode("latin-1")
        if not self._known(headers.get("host", "")):
            told = f"this server does not answer to the name {headers.get('host', '')[:80]!r}"
            await _refuse(send, 421, f"{told}. Use its own address, or start it with --allow NAME")
            return
        if scope["method"] in SAFE:
            await self._app(scope, receive, send)
            return
        if not _same_origin(headers):
            await _refuse(send, 403, "expected a request from this server's own page")
            return
        await self._with_body(scope, receive, send, headers)

    def _known(self, host: str) -> bool:
        """Tell whether a Host header names this server.

        Bound to every address, a server is reached by any of them: an address is no name, and so
        cannot be bent to point elsewhere.
        """
        try:
            name = (urlsplit(f"//{host}").hostname or "").lower()
        except ValueError:
            return False
        if name in self._names:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return self._anywhere

    async def _with_body(
        self, scope: Scope, receive: Any, send: Any, headers: dict[str, str]
    ) -> None:
        """Take the whole body, within its limits, before a handler is troubled."""
        limits = self._limits
        json_like = not scope["path"].endswith(UPLOADS)
        most = limits.json_bytes if json_like else limits.upload_bytes
        told = headers.get("content-length", "0")
        if not told.isdigit() or len(told) > 12:
            await _refuse(send, 400, "expected a Content-Length that is a number")
            return
        if int(told) > most:
            await _refuse(send, 413, f"expected at most {most:,} bytes; got {int(told):,}")
            return
        if not json_like and self._uploads.locked():
            await _refuse(send, 429, "too many uploads at a time; try again in a moment")
            return
        try:
            if json_like:
                body = await self._body(receive, most)
            else:
                async with self._uploads:
                    body = await self._body(receive, most)
        except TimeoutError:
            seconds = limits.body_seconds
            await _refuse(send, 408, f"expected the whole body within {seconds:g} seconds")
            return
        except _Gone:
            return
        if body is None:
            await _refuse(send, 413, f"expected at most {most:,} bytes; more came")
            return
        given = False

        async def replay() -> dict[str, Any]:
            nonlocal given
            if given:
                message: dict[str, Any] = await receive()
                return message
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, replay, send)

    async def _body(self, receive: Any, most: int) -> bytes | None:
        found, size, more = [], 0, True
        async with asyncio.timeout(self._limits.body_seconds):
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise _Gone
                found.append(message.get("body", b""))
                size += len(found[-1])
                if size > most:
                    return None
                more = message.get("more_body", False)
        return b"".join(found)


UPLOADS = ("/image", "/table")
"""The paths that take files end so."""


class _Gone(Exception):  # noqa: N818 - no error: the client hung up
    """The client has gone before its body was whole."""


def is_wildcard(host: str) -> bool:
    """Tell an address that stands for every one of the machine.

    >>> is_wildcard("0.0.0.0"), is_wildcard("127.0.0.1"), is_wildcard("localhost")
    (True, False, False)
    """
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def is_local(host: str) -> bool:
    """Tell an address that only this machine reaches.

    >>> is_local("127.0.0.1"), is_local("localhost"), is_local("0.0.0.0")
    (True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _same_origin(headers: dict[str, str]) -> bool:
    """Tell a request that a foreign page's script or form has sent from all others.

    Browsers send Origin with whatever is no GET; programs that are no browsers send none.
    """
    origin = headers.get("origin")
    if origin is None:
        return headers.get("sec-fetch-site", "none") in ("same-origin", "none")
    try:
        return urlsplit(origin).netloc.lower() == headers.get("host", "").lower()
    except ValueError:
        return False


def _with_headers(send: Any, path: str) -> Any:
    async def sending(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            kept = [pair for pair in message["headers"] if pair[0].lower() != b"server"]
            names = {name.lower() for name, _ in kept}
            kept += [pair for pair in HEADERS if pair[0] not in names]
            if b"cache-control" not in names:
                kept.append((b"cache-control", b"no-store" if "/api/" in path else b"no-cache"))
            message = message | {"headers": kept}
        await send(message)

    return sending


async def _refuse(send: Any, status: int, detail: str) -> None:
    body = json.dumps({"detail": detail}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
