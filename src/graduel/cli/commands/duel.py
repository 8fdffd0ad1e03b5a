"""Declaration of ``graduel duel``: arguments, options and help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graduel.cli.options import (
    ALL_BUT_TARGET,
    CLUSTER,
    NET,
    TABLES,
    AsJson,
    Metric,
    PlanOnly,
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
def duel(
    datasets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="DATASET",
            help=f"Data set: a name (graduel data lists them), a table ({TABLES}), an NPZ file, "
            "or a folder of images. Several data sets or a folder of tables are a suite: a duel on "
            "each, and one report. Default: mnist.",
            show_default=False,
        ),
    ] = None,
    target: Target = None,
    contenders: Annotated[
        list[str] | None,
        typer.Option(
            help=f"Contenders, separated by commas: {', '.join(BUILT_IN_CONTENDERS)}; or a "
            "contender of an installed package. Default: textbook,net,xgboost.",
            show_default=False,
        ),
    ] = None,
    contender: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODULE:FUNCTION",
            help="Your own scikit-learn classifier as a further contender: module:function or "
            "name=module:function, imported from the current folder.",
            show_default=False,
        ),
    ] = None,
    net: Annotated[
        list[str] | None,
        typer.Option(
            help="Hyperparameters of the contender 'net', such as 'layers=256,128 "
            "activation=relu optimizer=adamw lr=1e-3 dropout=0.2 epochs=20'.",
            show_default=False,
        ),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(
            help="Time for hyperparameter search and fitting, for each contender in each run, such "
            "as 90s or 2m. Default: no search, the default recipes.",
            show_default=False,
        ),
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option(
            help="Trials of hyperparameter search for each contender; the first is the default "
            "recipe.",
            show_default=False,
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(help="Number of seeds: fits of each contender.")] = 1,
    rows: Rows = None,
    quick: Quick = False,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the run. The same command with the same folder resumes it. Default: a "
            "new folder in duels/.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
    threads: Threads = None,
    split: Annotated[
        str | None,
        typer.Option(
            help="Test rows: given (the data set's split), holdout (20 % of all rows), or "
            "cross-validation with k folds and r repeats, such as 5x2. Default: given if there is "
            "a split; otherwise 5x2 below 5,000 rows, holdout with more.",
            show_default=False,
        ),
    ] = None,
    metric: Metric = None,
    positive: Positive = None,
    rope: Annotated[
        float | None,
        typer.Option(
            help="Region of practical equivalence: the largest difference without practical "
            "relevance (0.01 is 1 point). Default for error: 0.01, or 0.0025 on MNIST.",
            show_default=False,
        ),
    ] = None,
    no_probes: Annotated[
        bool,
        typer.Option(
            "--no-probes",
            help="Skip robustness and feature importance.",
        ),
    ] = False,
    workers: Annotated[
        int,
        typer.Option(
            help="Processes that train each model together, and share its threads: networks and "
            "XGBoost; others train in one process."
        ),
    ] = 1,
    sizes: Annotated[
        list[str] | None,
        typer.Option(
            help="Learning curve: numbers of training rows at which the duel is run, such as "
            "500,2000,8000, or auto.",
            show_default=False,
        ),
    ] = None,
    show_rows: Annotated[
        bool,
        typer.Option(
            "--show-rows",
            help="Let the report show some of your images, or some rows of your table.",
        ),
    ] = False,
    suite: Annotated[
        bool,
        typer.Option(
            "--suite", help="A duel on each of several tables, even if they have the same columns."
        ),
    ] = False,
    concat: Annotated[
        bool,
        typer.Option(
            "--concat",
            help="One duel on the rows of several tables with the same columns, or of a folder.",
        ),
    ] = False,
    plan_only: PlanOnly = False,
    shared: Shared = ALL_BUT_TARGET,
    of_network: Shared = NET,
    on_cluster: Shared = CLUSTER,
) -> None:
    """Train all contenders on the same rows and compare them.

    They are compared on the same test rows. A report is written to the folder of the run.
    """
