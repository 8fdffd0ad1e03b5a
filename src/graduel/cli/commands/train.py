"""``graduel train`` as it is typed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graduel.cli.options import (
    ALL_BUT_TARGET,
    AsJson,
    Metric,
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
        typer.Argument(help="What to learn: a name, a table, an NPZ file or a folder of images."),
    ] = "mnist",
    target: Target = None,
    contender: Annotated[
        str,
        typer.Option(
            help="What is trained: net, net-best, net-augmented, net-conv, textbook, xgboost, "
            "xgboost-best, xgboost-augmented, xgboost-td, xgboost-plain; or a contender of an "
            "installed package whose models can be saved."
        ),
    ] = "net",
    net: Annotated[
        str | None,
        typer.Option(
            help="The network and its training, such as 'layers=256,128 activation=gelu "
            "optimizer=adamw lr=1e-3 epochs=20'; docs/parts.md lists every name.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of weights, order, dropout, held-out rows.")] = 0,
    rows: Rows = None,
    quick: Quick = False,
    out: Annotated[
        Path | None,
        typer.Option(
            help="The model's file, a new one. Default: a name of its own in this folder.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
    threads: Threads = None,
    split: Annotated[
        str | None,
        typer.Option(
            help="given or holdout. Default: the data's own; else a fifth is held out.",
            show_default=False,
        ),
    ] = None,
    metric: Metric = None,
    shared: Shared = ALL_BUT_TARGET,
) -> None:
    """Train one model, show how it goes, and save it. Ctrl-C keeps the best epoch so far."""
