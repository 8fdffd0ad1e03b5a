"""Starting the server: what it is started on, where it listens, and what it says about that."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from graduel.duel.store.plan_file import PLAN
from graduel.errors import UserError
from graduel.web.middleware import is_local, is_wildcard
from graduel.web.state.app_state import AppState
from graduel.web.state.demo_models import DemoModels
from graduel.web.state.holdout import HoldoutData
from graduel.web.state.load_models import load_duel_state, load_model_state

CLIENTS = 400
"""Connections at a time."""


def home_of(source: str | None, options: dict[str, Any]) -> AppState:
    """Return what a source stands for: nothing for MNIST with ready-trained models.

    Raises
    ------
    UserError
        If it is nothing that can be shown.
    """
    if source is None or source == "mnist":
        if options:
            raise UserError(f"--{next(iter(options))} goes with a table")
        return AppState(ready=DemoModels())
    path = Path(source)
    model, duel = path.suffix == ".safetensors", (path / PLAN).is_file()
    if model or duel:
        if options:
            raise UserError(f"--{next(iter(options))} goes with a table")
        return load_model_state(path) if model else load_duel_state(path)
    from graduel.data.source import open_source

    data = open_source(source, **options).load()
    if not data.columns:
        raise UserError(
            f"{source}: expected a table, a model's file or a finished duel's folder; got images. "
            "Let them duel first: graduel duel, then graduel serve on its folder"
        )
    return AppState(title=data.name, table=HoldoutData.of(data))


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises
    ------
    UserError
        If the address is taken, or none of this machine.
    """
    found = None
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        # The protocol named: asyncio looks at it before it turns Nagle's waiting off (TCP_NODELAY).
        found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        if os.name == "posix":  # elsewhere it would let two servers share one port
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
    except OSError as error:
        if found is not None:
            found.close()
        raise UserError(
            f"cannot listen on {host}, port {port} ({error.strerror or error}). "
            "Choose another with --host or --port"
        ) from None
    found.listen(512)
    return found


def run(
    home: AppState,
    *,
    host: str,
    port: int,
    allowed: Sequence[str] = (),
    say: Any = print,
    opened: Any = None,
) -> None:
    """Serve until stopped.

    Parameters
    ----------
    say : is told where the page is, a line at a time
    opened : is called with the page's address, once it is there
    """
    import uvicorn

    from graduel.web.app import create_app

    with closing(listen(host, port)) as listening:
        port = listening.getsockname()[1]
        shown = "localhost" if is_wildcard(host) else host
        address = f"http://[{shown}]:{port}/" if ":" in shown else f"http://{shown}:{port}/"
        say(f"graduel serves {home.title} at {address}")
        if is_local(host):
            say("Only this machine reaches it. Ctrl-C ends it.")
        else:
            say(
                f"It listens on {host}: every machine that reaches this one can use it, without a "
                "password and unencrypted. Ctrl-C ends it."
            )
        if opened is not None:
            opened(address)
        config = uvicorn.Config(
            create_app(home, host=host, allowed=allowed),
            log_level="warning",
            access_log=False,
            server_header=False,
            limit_concurrency=CLIENTS,
            timeout_graceful_shutdown=2,
            lifespan="on",
        )
        uvicorn.Server(config).run(sockets=[listening])
