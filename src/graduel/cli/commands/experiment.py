"""``graduel experiment`` as it is typed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graduel.cli.options import (
    AsJson,
    Bins,
    Categorical,
    Decimal,
    Drop,
    Encoding,
    Group,
    Metric,
    Numeric,
    Quick,
    Rows,
    Separator,
    Size,
    Target,
    Threads,
    Time,
    handle_interrupt,
    source_options,
)


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
    categorical: Categorical = None,
    numeric: Numeric = None,
    drop: Drop = None,
    bins: Bins = None,
    group: Group = None,
    time: Time = None,
    separator: Separator = None,
    decimal: Decimal = None,
    encoding: Encoding = None,
    size: Size = None,
) -> None:
    """Train variants of one network on the same rows and seeds; draw and compare them."""
    with handle_interrupt():
        from graduel.cli.actions.experiment import run

        run(
            dataset,
            source_options(
                target=target,
                categorical=categorical,
                numeric=numeric,
                drop=drop,
                bins=bins,
                group=group,
                time=time,
                separator=separator,
                decimal=decimal,
                encoding=encoding,
                size=size,
            ),
            vary=vary or [],
            net=net,
            seeds=seeds,
            rows=rows,
            quick=quick,
            threads=threads,
            out=out,
            as_json=as_json,
        )
