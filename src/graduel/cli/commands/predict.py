"""Declaration of ``graduel predict``: arguments, options and help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graduel.cli.options import TABLES, TEXT_FORMAT, Shared, command


@command
def predict(
    model: Annotated[
        Path,
        typer.Argument(help="Saved model of graduel train, or the folder of a finished duel."),
    ],
    rows: Annotated[
        str,
        typer.Argument(
            help=f"Rows to predict: a table ({TABLES}), a folder of images, an NPZ file, or a "
            "folder of Parquet files (or a quoted pattern)."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="New file, by its ending CSV, Parquet, JSON Lines (.jsonl), Arrow or Excel; for "
            "several files, a new folder. Default: CSV on "
            "standard output.",
            show_default=False,
        ),
    ] = None,
    contender: Annotated[
        str | None,
        typer.Option(
            help="Contender of the duel to predict with. Default: the best by the duel's metric, "
            "of those with a saved model."
        ),
    ] = None,
    intervals: Annotated[
        float | None,
        typer.Option(
            metavar="LEVEL",
            help="Add an interval that contains the true number, or the set of classes that "
            "contains the true one, with this probability, such as 0.9.",
            show_default=False,
        ),
    ] = None,
    shared: Shared = TEXT_FORMAT,
) -> None:
    """Predict new rows with a saved model.

    Each row is written with its predicted class and the probability of each class, or with its
    predicted number.
    """
