"""Start of the server: state from a source, socket, startup messages."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graduel.duel.store.plan_file import PLAN
from graduel.errors import UserError
from graduel.web.connections import timed_protocol
from graduel.web.limits import Limits
from graduel.web.middleware import is_local, is_wildcard
from graduel.web.state.app_state import AppState
from graduel.web.state.demo_models import DemoModels
from graduel.web.state.holdout import HoldoutData
from graduel.web.state.model_loading import load_duel_state, load_model_state

if TYPE_CHECKING:
    import uvicorn

MAX_CONNECTIONS = 400


def load_state(source: str | None, options: dict[str, Any]) -> AppState:
    """Return the server state for a source; None or ``mnist`` selects the MNIST demo models.

    UserError if the source is not a table, a model file or the folder of a finished duel.
    """
    path = Path(source or "mnist")
    demo, model = source in (None, "mnist"), path.suffix == ".safetensors"
    if options and (demo or model or (path / PLAN).is_file()):
        raise UserError(f"--{next(iter(options))} applies to tables only; got {path}")
    if source is None or demo:
        return AppState(demo=DemoModels())
    if model:
        return load_model_state(path)
    if (path / PLAN).is_file():
        return load_duel_state(path)
    from graduel.data.source import open_source

    data = open_source(source, **options).load()
    if not data.classes:
        raise UserError(
            f"graduel serve: expected a target of classes; that of {data.name} is a number. Choose "
            "another --target"
        )
    if not data.columns:
        raise UserError(
            f"{source}: expected a table, a model file or the folder of a finished duel; got "
            "images. Run graduel duel on them, then graduel serve on the duel's folder"
        )
    return AppState(title=data.name, table=HoldoutData.of(data))


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; UserError if the address is in use or not local."""
    listener = None
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        # asyncio sets TCP_NODELAY only if the protocol is given explicitly.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        if os.name == "posix":  # elsewhere it lets two servers share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        if listener is not None:
            listener.close()
        raise UserError(
            f"cannot listen on {host}, port {port} ({error.strerror or error}). "
            "Choose another with --host or --port"
        ) from None
    listener.listen(512)
    return listener


def run(
    state: AppState,
    *,
    host: str,
    port: int,
    allowed: Sequence[str] = (),
    log: Callable[[str], Any] = print,
    on_start: Callable[[str], Any] | None = None,
) -> None:
    """Serve until interrupted.

    Parameters
    ----------
    state : the models and data of the server
    host, port : the address to listen on; port 0 for any free port
    allowed : additional host names to accept in the Host header
    log : called with each startup message, one line each
    on_start : called with the page's URL once the socket is listening
    """
    import uvicorn

    from graduel.web.asgi_app import create_app

    if state.demo is not None:
        state.demo.log = log
    with closing(listen(host, port)) as listener:
        port = listener.getsockname()[1]
        name = "localhost" if is_wildcard(host) else host
        address = f"http://[{name}]:{port}/" if ":" in name else f"http://{name}:{port}/"
        log(f"graduel is serving {state.title} at {address}")
        if is_local(host):
            log("Only this machine can connect. Press Ctrl-C to stop.")
        else:
            log(
                f"Listening on {host}: any machine that can reach this one can use the server, "
                "without password or encryption. Press Ctrl-C to stop."
            )
        if on_start is not None:
            on_start(address)
        limits = Limits()
        app = create_app(state, limits=limits, host=host, allowed=allowed)
        config = configure(app, limits, limit_concurrency=MAX_CONNECTIONS)
        uvicorn.Server(config).run(sockets=[listener])


def configure(app: Any, limits: Limits, **options: Any) -> uvicorn.Config:
    """Return the configuration of a server of an application of :func:`.create_app`."""
    import uvicorn

    return uvicorn.Config(
        app,
        http=timed_protocol(limits.head_seconds),
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
        lifespan="on",
        **options,
    )
