"""``graduel inspect`` as it is typed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graduel.cli.options import AsJson, command


@command
def inspect(
    model: Annotated[
        Path,
        typer.Argument(
            help="A model's file: from 'graduel train', or model.safetensors of a duel's cell.",
            show_default=False,
        ),
    ],
    row: Annotated[
        int, typer.Option(help="Which example, counted from 0: a test row, or a row of --data.")
    ] = 0,
    data: Annotated[
        str | None,
        typer.Option(
            help="Where the example is: a table, images, or one image file. Default: what the "
            "model learned from, where graduel knows it by name.",
            show_default=False,
        ),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(help="The class that is taken as true.", show_default=False),
    ] = None,
    layer: Annotated[
        int | None,
        typer.Option(help="The l of a W_l whose unit is written out.", show_default=False),
    ] = None,
    unit: Annotated[
        int | None, typer.Option(help="The unit, counted from 0.", show_default=False)
    ] = None,
    lr: Annotated[float, typer.Option(help="The rate of the one gradient step.")] = 0.1,
    top: Annotated[int, typer.Option(help="So many terms of each sum.")] = 8,
    html: Annotated[
        Path | None,
        typer.Option(help="Write all of it into one HTML file, a new one.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Look inside: one example forward and back through a model, number by number."""
