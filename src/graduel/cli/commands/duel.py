"""``graduel duel`` as it is typed."""

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
from graduel.contenders.registry import BUILT_IN_CONTENDERS


@command
def duel(
    datasets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[DATASET]...",
            help="What to duel on: a name (graduel data lists them), a table (CSV, Parquet), an "
            "NPZ file, or a folder of images. More than one, or a folder of tables, make a suite: "
            "a duel on each, and one page. Default: mnist.",
            show_default=False,
        ),
    ] = None,
    target: Target = None,
    contenders: Annotated[
        str | None,
        typer.Option(
            help=f"Who duels, with commas between them: {', '.join(BUILT_IN_CONTENDERS)}; or a "
            "contender of an installed package. Default: textbook,net,xgboost.",
            show_default=False,
        ),
    ] = None,
    contender: Annotated[
        list[str] | None,
        typer.Option(
            help="A scikit-learn classifier of your own beside them: module:function, or "
            "name=module:function, imported from the current folder. May be given again.",
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
    budget: Annotated[
        str | None,
        typer.Option(
            help="Time of tuning and fitting for each contender in each run, such as 90s or 2m. "
            "Default: none, the default recipes.",
            show_default=False,
        ),
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option(
            help="Tune each contender with so many settings, the default recipe first.",
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
            help="given, shuffle (a fifth of all rows is held out), or cross-validation: folds "
            "and repeats such as 5x2. Default: the data's own; else 5x2 below 5,000 rows, shuffle "
            "from there on.",
            show_default=False,
        ),
    ] = None,
    metric: Metric = None,
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
    sizes: Annotated[
        str | None,
        typer.Option(
            help="A learning curve: the same duel with fewer training rows as well, such as "
            "500,2000,8000, or auto.",
            show_default=False,
        ),
    ] = None,
    show_rows: Annotated[
        bool,
        typer.Option(
            "--show-rows",
            help="Let the report show images of your own, and the cells of a few rows of tables.",
        ),
    ] = False,
    shared: Shared = ALL_BUT_TARGET,
) -> None:
    """Train every contender on the same rows and say who wins."""
