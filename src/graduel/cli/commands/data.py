"""``graduel data`` as it is typed."""

from __future__ import annotations

from typing import Annotated

import typer

from graduel.cli.options import COLUMNS, TEXT_FORMAT, Shared, Target, command


@command
def data(
    source: Annotated[
        str | None,
        typer.Argument(help="A name, a file or a folder; without it, what is known by name."),
    ] = None,
    target: Target = None,
    shared: Shared = (*COLUMNS, "bins", *TEXT_FORMAT, "size"),
    rows: Annotated[
        int | None,
        typer.Option(
            help="Look at so many rows of a table, each class by its share; it may be larger than "
            "memory.",
            min=2,
            show_default=False,
        ),
    ] = None,
) -> None:
    """List the data sets known by name, or show what is in one: columns, classes, warnings.

    openml:NAME is fetched first, if it was not yet.
    """
