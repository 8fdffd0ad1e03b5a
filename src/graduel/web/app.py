"""The server as an ASGI application: handlers, the static page, errors as one line of JSON."""

from __future__ import annotations

import json
import mimetypes
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from importlib.resources import files
from math import isfinite
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from graduel.errors import UserError
from graduel.web.dependencies import ServerState
from graduel.web.http_error import ClientError
from graduel.web.limits import Limits
from graduel.web.middleware import SecurityMiddleware
from graduel.web.routes import export, inspect, predict, robustness, session, train, upload
from graduel.web.state.app_state import AppState

for ending, kind in ((".js", "text/javascript"), (".css", "text/css"), (".svg", "image/svg+xml")):
    mimetypes.add_type(kind, ending)  # some systems say otherwise, and nosniff believes them


class FiniteJSONResponse(JSONResponse):
    """JSON whose text survives any encoding, and in which what is not finite is null."""

    def render(self, content: Any) -> bytes:
        """Return the bytes."""
        try:
            text = json.dumps(content, separators=(",", ":"), allow_nan=False)
        except ValueError:
            text = json.dumps(finite(content), separators=(",", ":"), allow_nan=False)
        return text.encode("ascii")


def finite(value: Any) -> Any:
    """Return plain data with None for every number that is not finite.

    >>> finite({"a": [1.0, float("nan")]})
    {'a': [1.0, None]}
    """
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, dict):
        return {k: finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [finite(v) for v in value]
    return value


def create_app(
    home: AppState,
    *,
    limits: Limits | None = None,
    host: str = "127.0.0.1",
    allowed: Iterable[str] = (),
) -> SecurityMiddleware:
    """Make the server for a home; the guard stands in front of it.

    Parameters
    ----------
    home : what it is started on
    limits : what it takes on
    host : the address that it listens on
    allowed : further names that it answers to

    Examples
    --------
    >>> guard = create_app(AppState())
    """
    limits = limits if limits is not None else Limits()
    server = ServerState(home, limits)

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        from threadpoolctl import threadpool_limits

        # Many clients share few cores: each prediction computes on one.
        with threadpool_limits(1, user_api="blas"):
            if home.ready is not None and home.ready.contest is None:
                home.ready.begin()
            home.warm()
            server.trainings.begin()
            yield
            server.close()

    app = FastAPI(
        title="graduel",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        default_response_class=FiniteJSONResponse,
        lifespan=life,
    )
    app.state.server = server
    for one in (session, predict, inspect, robustness, train, upload, export):
        app.include_router(one.router, prefix="/api", responses=PROBLEMS)
    _say_problems(app)
    static = files("graduel.web") / "static"
    app.mount("/", StaticFiles(directory=str(static), html=True), name="static")
    return SecurityMiddleware(app, host=host, allowed=allowed, limits=limits)


PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": said}
    for status, said in (
        (400, "Not understood"),
        (403, "Of a foreign origin"),
        (404, "Not there, or no longer"),
        (408, "Too slow"),
        (409, "Not possible as things stand"),
        (413, "Too large"),
        (415, "Of the wrong kind"),
        (421, "Of a foreign name"),
        (422, "Out of bounds"),
        (429, "Too much at a time"),
    )
}


def _say_problems(app: FastAPI) -> None:
    """Answer every mistake of a client with a 4xx status and one line."""

    @app.exception_handler(ClientError)
    async def _(request: Request, problem: ClientError) -> FiniteJSONResponse:
        return FiniteJSONResponse({"detail": problem.detail}, problem.status)

    @app.exception_handler(UserError)
    async def _(request: Request, error: UserError) -> FiniteJSONResponse:
        return FiniteJSONResponse({"detail": " ".join(str(error).split())}, 422)

    @app.exception_handler(HTTPException)
    async def _(request: Request, error: HTTPException) -> FiniteJSONResponse:
        return FiniteJSONResponse({"detail": str(error.detail)}, error.status_code, error.headers)

    @app.exception_handler(RequestValidationError)
    async def _(request: Request, error: RequestValidationError) -> FiniteJSONResponse:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][1:])[:200] or "the request"
        return FiniteJSONResponse({"detail": f"{where}: {first['msg'][:200]}"}, 422)
