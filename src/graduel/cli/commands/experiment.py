"""Declaration of ``graduel experiment``: arguments, options and help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graduel.cli.options import (
    ALL_BUT_TARGET,
    CLUSTER,
    NET,
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


@command
def experiment(
    dataset: Annotated[
        str,
        typer.Argument(help="Data set: a name, a table, an NPZ file or a folder of images."),
    ] = "mnist",
    target: Target = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            help="Hyperparameter and its values, such as activation=relu,tanh,gelu or "
            "'layers=256|256,128'. All combinations are trained.",
            show_default=False,
        ),
    ] = None,
    net: Annotated[
        list[str] | None,
        typer.Option(
            help="Hyperparameters of all variants, such as 'layers=128 epochs=5'.",
            show_default=False,
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(help="Number of seeds: fits of each variant.")] = 1,
    rows: Rows = None,
    quick: Quick = False,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the experiment. The same command with the same folder resumes it. "
            "Default: a new folder in experiments/.",
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
    plan_only: PlanOnly = False,
    shared: Shared = ALL_BUT_TARGET,
    of_network: Shared = NET,
    on_cluster: Shared = CLUSTER,
) -> None:
    """Train variants of a network and compare them.

    All variants are trained on the same rows with the same seeds. The result is a table and a
    figure.
    """
