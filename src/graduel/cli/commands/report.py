"""Declaration of ``graduel report``: arguments, options and help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graduel.cli.options import AsJson, command


@command
def report(
    folder: Annotated[Path, typer.Argument(help="Folder of a duel, experiment or suite.")],
    as_json: AsJson = False,
) -> None:
    """Render the report of a run, without training; name the fits that are missing."""
