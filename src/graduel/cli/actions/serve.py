"""``graduel serve``: serve the glass box."""

from __future__ import annotations

import threading
import webbrowser
from importlib.util import find_spec
from typing import Any

import typer

from graduel.errors import UserError


def run(
    source: str | None,
    read_options: dict[str, Any],
    *,
    host: str,
    port: int,
    show: bool,
    allow: tuple[str, ...] | None,
) -> None:
    """Serve until Ctrl-C."""
    if missing := [name for name in ("fastapi", "uvicorn") if find_spec(name) is None]:
        raise UserError(
            f"graduel serve needs {' and '.join(missing)}, not installed; run "
            'python -m pip install "graduel[web]"'
        )
    from graduel.web.server import load_state
    from graduel.web.server import run as serve

    serve(
        load_state(source, read_options),
        host=host,
        port=port,
        allowed=list(allow or ()),
        log=typer.echo,
        on_start=_open_browser_later if show else None,
    )


def _open_browser_later(address: str) -> None:
    """Open the page after the server has started."""
    timer = threading.Timer(0.7, webbrowser.open, [address])
    timer.daemon = True
    timer.start()
