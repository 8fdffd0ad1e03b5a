"""``graduel report`` as it is typed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graduel.cli.options import AsJson, command


@command
def report(
    folder: Annotated[
        Path, typer.Argument(help="The folder of a finished duel, experiment or suite.")
    ],
    as_json: AsJson = False,
) -> None:
    """Draw the page of a finished duel, experiment or suite again; nothing is trained."""
