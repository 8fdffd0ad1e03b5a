"""Declaration of ``graduel export-page``: options and help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graduel.cli.options import command


@command
def export_page(
    out: Annotated[Path, typer.Option(help="The page, a new file.")] = Path("demo.html"),
    seed: Annotated[
        int, typer.Option(help="Seed of the two models; equal seeds give equal pages.", min=0)
    ] = 0,
) -> None:
    """Write one HTML file to play with, which needs no server and no installation.

    In it you can draw digits, follow a network's forward and backward pass step by step, look into
    XGBoost's trees, and watch both train on points in the plane. It trains two small models on
    MNIST first, in about ten seconds.
    """
