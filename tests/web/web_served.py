"""A real server in a thread, as tests ask it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from graduel.web.asgi_app import create_app
from graduel.web.server import listen
from graduel.web.state.app_state import AppState


@contextmanager
def served(home: AppState, **options: Any) -> Iterator[str]:
    """Serve a home on a free port; yield the address without the last slash."""
    listening = listen("127.0.0.1", 0)
    config = uvicorn.Config(
        create_app(home, **options),
        log_level="warning",
        access_log=False,
        lifespan="on",
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    failed: list[BaseException] = []

    def work() -> None:
        try:
            asyncio.run(server.serve(sockets=[listening]))
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=work, name="uvicorn", daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(15)
        listening.close()
        assert not failed, failed
        assert not thread.is_alive()
