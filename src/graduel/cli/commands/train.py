"""Declaration of ``graduel train``: arguments, options and help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graduel.cli.options import (
    ALL_BUT_TARGET,
    METRICS,
    NET,
    AsJson,
    Positive,
    Quick,
    Rows,
    Shared,
    Target,
    Threads,
    command,
)


@command
def train(
    dataset: Annotated[
        str,
        typer.Argument(
            help="Data set: a name, a table, an NPZ file, a folder of images, or a folder of "
            "Parquet files (or a quoted pattern) that form one table."
        ),
    ] = "mnist",
    target: Target = None,
    contender: Annotated[
        str,
        typer.Option(
            help="Contender: net, net-best, net-augmented, net-conv, textbook, xgboost, "
            "xgboost-best, xgboost-augmented, xgboost-td, xgboost-plain; or a contender of an "
            "installed package whose models can be saved."
        ),
    ] = "net",
    net: Annotated[
        list[str] | None,
        typer.Option(
            help="Hyperparameters of the network, such as 'layers=256,128 activation=gelu "
            "optimizer=adamw lr=1e-3 epochs=20'; docs/parts.md lists every name.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(help="Seed of initialization, row order, dropout and held-out rows.")
    ] = 0,
    rows: Rows = None,
    quick: Quick = False,
    out: Annotated[
        Path | None,
        typer.Option(
            help="New model file. Default: a name made from the data set, in this folder.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
    threads: Threads = None,
    workers: Annotated[
        int,
        typer.Option(
            help="Processes that train one model together, the network or XGBoost; they share the "
            "threads."
        ),
    ] = 1,
    checkpoint_every: Annotated[
        int,
        typer.Option(
            help="With --workers: steps between checkpoints of a network within an epoch; 0: only "
            "after every epoch. The same command resumes from the last one."
        ),
    ] = 0,
    split: Annotated[
        str | None,
        typer.Option(
            help="Test rows: given (the data set's split) or holdout (20 % of all rows). Default: "
            "given if there is a split, otherwise holdout.",
            show_default=False,
        ),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            help=f"Metric by which the best epoch or round is selected: {METRICS}",
            show_default=False,
        ),
    ] = None,
    positive: Positive = None,
    stream: Annotated[
        bool,
        typer.Option(
            "--stream",
            help="Read the rows of Parquet files from disk in every epoch. Default: if the table "
            "is larger than an eighth of the free memory.",
        ),
    ] = False,
    shared: Shared = ALL_BUT_TARGET,
    of_network: Shared = NET,
) -> None:
    """Train one model with live progress, and save it.

    Ctrl-C saves the best epoch so far.
    """
