"""Declaration of ``graduel inspect``: arguments, options and help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graduel.cli.options import TEXT_FORMAT, AsJson, Shared, command


@command
def inspect(
    model: Annotated[
        Path,
        typer.Argument(
            help="Model file: written by 'graduel train', or model.safetensors of a fit of a duel "
            "(DUEL/cells/FIT).",
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
            help="True class of the example. Default: its label, or the predicted class if it has "
            "none.",
            show_default=False,
        ),
    ] = None,
    layer: Annotated[
        int | None,
        typer.Option(
            help="Layer whose unit is shown, counted from 1 (the l of W_l).", show_default=False
        ),
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
    shared: Shared = TEXT_FORMAT,
    as_json: AsJson = False,
) -> None:
    """Show a model's computation on one example, number by number.

    Of a network these are the forward and the backward pass, of XGBoost the leaves of its trees.
    """
