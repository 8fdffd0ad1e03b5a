"""The ASGI application: handlers, static files, errors as one line of JSON."""

from __future__ import annotations

import json
import mimetypes
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from graduel.errors import UserError
from graduel.glassbox.plain_data import to_plain
from graduel.web.dependencies import ServerState
from graduel.web.http_error import ClientError
from graduel.web.limits import Limits
from graduel.web.middleware import SecurityMiddleware
from graduel.web.routes import (
    client_session,
    export,
    glass_box,
    perturb,
    prediction,
    trained_models,
    trainings,
    upload,
)
from graduel.web.state.app_state import AppState

for suffix, media_type in (
    (".js", "text/javascript"),
    (".css", "text/css"),
    (".svg", "image/svg+xml"),
):
    mimetypes.add_type(media_type, suffix)  # system tables differ, and nosniff forbids guessing


class FiniteJSONResponse(JSONResponse):
    """A JSON response in ASCII, with null for non-finite numbers."""

    def render(self, content: Any) -> bytes:
        """Return the encoded body."""
        try:
            text = json.dumps(content, separators=(",", ":"), allow_nan=False)
        except ValueError:
            text = json.dumps(to_plain(content), separators=(",", ":"), allow_nan=False)
        return text.encode("ascii")


def create_app(
    state: AppState,
    *,
    limits: Limits | None = None,
    host: str = "127.0.0.1",
    allowed: Iterable[str] = (),
) -> SecurityMiddleware:
    """Return the application, wrapped in its security middleware.

    Parameters
    ----------
    state : the models and data of the server
    limits : limits on clients, sizes and times
    host : the address to listen on
    allowed : additional host names to accept in the Host header

    Examples
    --------
    >>> app = create_app(AppState())
    """
    limits = limits if limits is not None else Limits()
    server = ServerState(state, limits)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        from threadpoolctl import threadpool_limits

        # Many clients share few cores: each prediction uses one.
        with threadpool_limits(1, user_api="blas"):
            if state.demo is not None and state.demo.models is None:
                state.demo.start()
            state.warm_up()
            server.trainings.start()
            yield
            server.close()

    app = FastAPI(
        title="graduel",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        default_response_class=FiniteJSONResponse,
        lifespan=lifespan,
    )
    app.state.server = server
    for module in (
        client_session,
        prediction,
        glass_box,
        perturb,
        trainings,
        trained_models,
        upload,
        export,
    ):
        app.include_router(module.router, prefix="/api", responses=ERRORS)
    _add_error_handlers(app)
    static = files("graduel.web") / "static"
    app.mount("/", StaticFiles(directory=str(static), html=True), name="static")
    return SecurityMiddleware(app, host=host, allowed=allowed, limits=limits)


ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"description": description}
    for status, description in (
        (400, "Malformed request"),
        (403, "Request from another origin"),
        (404, "Not found, or expired"),
        (408, "Request timeout"),
        (409, "Not possible in the current state"),
        (413, "Body too large"),
        (415, "Unsupported media type"),
        (421, "Unrecognized Host header"),
        (422, "Invalid value"),
        (429, "Too many requests, or memory limit exceeded"),
    )
}


def _add_error_handlers(app: FastAPI) -> None:
    """Respond to every client error with a 4xx status and one line."""

    @app.exception_handler(ClientError)
    async def _(request: Request, error: ClientError) -> FiniteJSONResponse:
        return FiniteJSONResponse(error.as_dict(), error.status)

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
