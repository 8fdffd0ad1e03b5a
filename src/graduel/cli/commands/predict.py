"""``graduel predict`` as it is typed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graduel.cli.options import TEXT_FORMAT, Shared, command


@command
def predict(
    model: Annotated[
        Path,
        typer.Argument(help="A model that graduel train saved, or a finished duel's folder."),
    ],
    rows: Annotated[
        Path,
        typer.Argument(
            help="What to answer: a table (CSV, Parquet), a folder of images, or an NPZ file."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="A new file, .csv or .parquet. Default: CSV on standard output.",
            show_default=False,
        ),
    ] = None,
    contender: Annotated[
        str | None,
        typer.Option(help="Of a duel's folder: whose model. Default: the winner's."),
    ] = None,
    shared: Shared = TEXT_FORMAT,
) -> None:
    """Answer new rows with a saved model: each row as it came, its class, and probabilities."""
