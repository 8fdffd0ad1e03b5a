"""``graduel train`` as it is typed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graduel.cli.options import AsJson, Quick, Rows, Threads, stoppable


def train(
    dataset: Annotated[str, typer.Argument(help="What to learn.")] = "mnist",
    net: Annotated[
        str | None,
        typer.Option(
            help="The network and its training, such as 'layers=256,128 activation=gelu "
            "optimizer=adamw lr=1e-3 epochs=20'; docs/parts.md lists every name.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of weights, order, dropout, validation rows.")] = 0,
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
) -> None:
    """Train one network, show how it goes, and save it. Ctrl-C keeps the best epoch so far."""
    with stoppable():
        from graduel.cli.train import run

        run(
            dataset,
            net=net,
            seed=seed,
            rows=rows,
            quick=quick,
            threads=threads,
            out=out,
            as_json=as_json,
        )
