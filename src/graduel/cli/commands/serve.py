"""``graduel serve`` as it is typed."""

from __future__ import annotations

from typing import Annotated

import typer

from graduel.cli.options import COLUMNS, Shared, Target, command


@command
def serve(
    source: Annotated[
        str | None,
        typer.Argument(
            help="A finished duel's folder, a model's file, or a table to train on. Without it, "
            "digits with two small models that are trained at the first start."
        ),
    ] = None,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port; 0 for any.", min=0, max=65535)] = 8000,
    show: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    allow: Annotated[
        list[str] | None,
        typer.Option(help="A further name that this server answers to.", show_default=False),
    ] = None,
    target: Target = None,
    shared: Shared = COLUMNS,
) -> None:
    """Serve the glass box: a page to draw digits, look inside both contenders, and train."""
