"""``graduel experiment`` as it is typed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graduel.cli.options import AsJson, Quick, Rows, Threads, stoppable


def experiment(
    dataset: Annotated[str, typer.Argument(help="What to learn.")] = "mnist",
    vary: Annotated[
        list[str] | None,
        typer.Option(
            help="What to vary, such as activation=relu,tanh,gelu or 'layers=256|256,128'; more "
            "than one --vary makes every combination.",
            show_default=False,
        ),
    ] = None,
    net: Annotated[
        str | None,
        typer.Option(
            help="What all variants share, such as 'layers=128 epochs=5'.", show_default=False
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(help="How often each variant is trained.")] = 1,
    rows: Rows = None,
    quick: Quick = False,
    out: Annotated[
        Path | None,
        typer.Option(
            help="The experiment's folder. The same command with the same folder takes up where "
            "it stopped. Default: a folder of its own under experiments/.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
    threads: Threads = None,
) -> None:
    """Train variants of one network on the same rows and seeds; draw and compare them."""
    with stoppable():
        from graduel.cli.experiment import run

        run(
            dataset,
            vary=vary or [],
            net=net,
            seeds=seeds,
            rows=rows,
            quick=quick,
            threads=threads,
            out=out,
            as_json=as_json,
        )
