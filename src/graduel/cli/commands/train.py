"""Declaration of ``graduel train``: arguments, options and help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graduel.cli.options import (
    ALL_BUT_TARGET,
    CLUSTER,
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
from graduel.contenders.registry import BUILT_IN_CONTENDERS


@command
def train(
    dataset: Annotated[
        str | None,
        typer.Argument(
            help="Data set: a name, a table, an NPZ file, a folder of images, or a folder of "
            "Parquet files (or a quoted pattern) that form one table. Default: mnist.",
            show_default=False,
        ),
    ] = None,
    target: Target = None,
    contender: Annotated[
        str | None,
        typer.Option(
            help=f"Contender: {', '.join(BUILT_IN_CONTENDERS)}; a contender of an installed "
            "package whose models can be saved; or your own scikit-learn classifier, "
            "module:function. Default: net, or with --from the duel's best.",
            show_default=False,
        ),
    ] = None,
    refit: Annotated[
        Path | None,
        typer.Option(
            "--from",
            help="Folder of a finished duel: train its best contender, or --contender, again on "
            "all of its rows.",
            show_default=False,
        ),
    ] = None,
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
        int | None,
        typer.Option(
            help="Processes that train one model together, a network or XGBoost; they share the "
            "threads. Default: 1; with --on, the workers of the cluster.",
            show_default=False,
        ),
    ] = None,
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
    on_cluster: Shared = CLUSTER,
) -> None:
    """Train one model with live progress, and save it.

    Ctrl-C saves the best epoch so far.
    """
