"""``graduel duel`` as it is typed."""

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
    Numeric,
    Quick,
    Rows,
    Separator,
    Size,
    Target,
    Threads,
    Time,
    described,
    stoppable,
)


def duel(
    dataset: Annotated[
        str,
        typer.Argument(
            help="What to duel on: a name (graduel data lists them), a table (CSV, Parquet), an "
            "NPZ file, or a folder of images."
        ),
    ] = "mnist",
    target: Target = None,
    contenders: Annotated[
        str | None,
        typer.Option(
            help="Who duels, with commas between them: textbook, net, xgboost, xgboost-best. "
            "Default: textbook,net,xgboost.",
            show_default=False,
        ),
    ] = None,
    net: Annotated[
        str | None,
        typer.Option(
            help="A network of your own for the contender 'net', such as 'layers=256,128 "
            "activation=relu optimizer=adamw lr=1e-3 dropout=0.2 epochs=20'.",
            show_default=False,
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(help="How often each contender is fitted.")] = 1,
    rows: Rows = None,
    quick: Quick = False,
    out: Annotated[
        Path | None,
        typer.Option(
            help="The run's folder. The same command with the same folder takes up where it "
            "stopped. Default: a folder of its own under duels/.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
    threads: Threads = None,
    split: Annotated[
        str | None,
        typer.Option(
            help="given, holdout, or cross-validation: folds and repeats such as 5x2. Default: "
            "the data's own; else 5x2 below 5,000 rows, holdout from there on.",
            show_default=False,
        ),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            help="What decides: error, log_loss, balanced_accuracy, auc, or a scikit-learn "
            "scorer. Default: error; log_loss where one class has over 90 % of the rows.",
            show_default=False,
        ),
    ] = None,
    rope: Annotated[
        float | None,
        typer.Option(
            help="The largest difference that makes no difference in practice; 0.01 is a point.",
            show_default=False,
        ),
    ] = None,
    no_probes: Annotated[
        bool,
        typer.Option(
            "--no-probes",
            help="Leave out what disturbed test rows do to each model, and what it looks at.",
        ),
    ] = False,
    show_rows: Annotated[
        bool,
        typer.Option(
            "--show-rows",
            help="Let the report show images of your own, and the cells of a few rows of tables.",
        ),
    ] = False,
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
    """Train every contender on the same rows and say who wins."""
    with stoppable():
        from graduel.cli.duel import run

        run(
            dataset,
            described(
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
            split=split,
            metric=metric,
            rope=rope,
            probes=not no_probes,
            show_rows=show_rows,
            contenders=contenders,
            net=net,
            seeds=seeds,
            rows=rows,
            quick=quick,
            out=out,
            as_json=as_json,
            threads=threads,
        )
