"""Declaration of ``graduel serve``: arguments, options and help."""

from __future__ import annotations

from typing import Annotated

import typer

from graduel.cli.options import COLUMNS, TEXT_FORMAT, Shared, Target, command


@command
def serve(
    source: Annotated[
        str | None,
        typer.Argument(
            help="Folder of a finished duel, a model file, or a table to train on. Default: "
            "digits, with two small models trained at the first start."
        ),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 for any free port.", min=0, max=65535)] = 8000,
    show: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    allow: Annotated[
        list[str] | None,
        typer.Option(
            help="Further host names that the server accepts, separated by commas.",
            show_default=False,
        ),
    ] = None,
    target: Target = None,
    shared: Shared = (*COLUMNS, *TEXT_FORMAT),
) -> None:
    """Serve the glass box, a page that shows models at work.

    On the page you can draw digits, inspect the models and train networks.
    """
