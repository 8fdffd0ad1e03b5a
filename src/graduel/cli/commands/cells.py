"""Declaration of ``graduel cells``: arguments, options and help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graduel.cli.options import command


@command
def cells(
    folder: Annotated[
        Path,
        typer.Argument(help="Folder of a duel, experiment or suite, planned with --plan-only."),
    ],
    shard: Annotated[
        str | None,
        typer.Option(
            help="Run one of N parts of the fits, such as 3/40: a part per job. Default: all fits.",
            show_default=False,
        ),
    ] = None,
    only_list: Annotated[
        bool,
        typer.Option("--list", help="Train nothing; list which fits are missing."),
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Write the list as JSON to standard output."),
    ] = False,
) -> None:
    """Run the missing fits of a planned run; other processes may do the same at the same time.

    The folder may be on a file system that several machines share. graduel report renders the
    report, also while fits are missing.
    """
