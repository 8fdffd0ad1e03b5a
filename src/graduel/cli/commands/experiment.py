"""``graduel experiment`` as it is typed."""

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
def experiment(
    dataset: Annotated[
        str,
        typer.Argument(help="What to learn: a name, a table, an NPZ file or a folder of images."),
    ] = "mnist",
    target: Target = None,
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
    split: Annotated[
        str | None,
        typer.Option(
            help="given, holdout, or folds and repeats such as 5x2. Default: the data's own; else "
            "5x2 below 5,000 rows, holdout from there on.",
            show_default=False,
        ),
    ] = None,
    metric: Metric = None,
    shared: Shared = ALL_BUT_TARGET,
) -> None:
    """Train variants of one network on the same rows and seeds; draw and compare them."""
