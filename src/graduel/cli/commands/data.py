"""Declaration of ``graduel data``: arguments, options and help."""

from __future__ import annotations

from typing import Annotated

import typer

from graduel.cli.options import ALL_BUT_TARGET, Shared, Target, command


@command
def data(
    source: Annotated[
        str | None,
        typer.Argument(
            help="A data set: a name, a file or a folder. Without it, the names are listed."
        ),
    ] = None,
    target: Target = None,
    shared: Shared = ALL_BUT_TARGET,
    rows: Annotated[
        int | None,
        typer.Option(
            help="Number of rows of a table to read: a stratified sample. The table may be larger "
            "than memory.",
            min=2,
            show_default=False,
        ),
    ] = None,
) -> None:
    """List the named data sets, or describe one.

    The description lists columns, classes and warnings. openml:NAME is downloaded if it is not
    cached.
    """
