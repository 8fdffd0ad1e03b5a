"""A real server in a thread, for tests."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from graduel.web.asgi_app import create_app
from graduel.web.limits import Limits
from graduel.web.server import configure, listen
from graduel.web.state.app_state import AppState


@contextmanager
def serve(state: AppState, port: int = 0, **options: Any) -> Iterator[str]:
    """Serve a state, by default on a free port; yield the address without trailing slash."""
    listener = listen("127.0.0.1", port)
    limits = options.pop("limits", None) or Limits()
    config = configure(create_app(state, limits=limits, **options), limits)
    server = uvicorn.Server(config)
    errors: list[BaseException] = []

    def work() -> None:
        try:
            asyncio.run(server.serve(sockets=[listener]))
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=work, name="uvicorn", daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(15)
        listener.close()
        assert not errors, errors
        assert not thread.is_alive()
