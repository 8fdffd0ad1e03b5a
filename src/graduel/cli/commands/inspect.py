"""Declaration of ``graduel inspect``: arguments, options and help."""

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
            help="Model file: written by 'graduel train', or model.safetensors of a duel's cell.",
            show_default=False,
        ),
    ],
    row: Annotated[
        int, typer.Option(help="Example, counted from 0: a test row, or a row of --data.")
    ] = 0,
    data: Annotated[
        str | None,
        typer.Option(
            help="Source of the example: a table, images, or one image file. Default: the model's "
            "training data, if it is a named data set.",
            show_default=False,
        ),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(
            help="True class of the example. Default: its label, else the predicted class.",
            show_default=False,
        ),
    ] = None,
    layer: Annotated[
        int | None,
        typer.Option(help="Layer l (of W_l) whose unit is shown.", show_default=False),
    ] = None,
    unit: Annotated[
        int | None, typer.Option(help="Unit to show, counted from 0.", show_default=False)
    ] = None,
    lr: Annotated[float, typer.Option(help="Learning rate of the gradient step.")] = 0.1,
    top: Annotated[int, typer.Option(help="Number of terms shown of each sum.")] = 8,
    html: Annotated[
        Path | None,
        typer.Option(help="Write an HTML page to this new file.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the forward and backward pass of one example through a model, number by number."""
