"""Declaration of ``graduel verdict``: arguments, options and help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graduel.cli.options import TABLES, TEXT_FORMAT, AsJson, Positive, Shared, command


@command
def verdict(
    a: Annotated[
        str | None,
        typer.Argument(
            help="Predictions of the first model: a .npy file of labels, shape (n) or (seeds, n), "
            "or of probabilities, shape (n, classes) or (seeds, n, classes); or a table "
            f"({TABLES}) or one of its columns, table.csv:column."
        ),
    ] = None,
    b: Annotated[
        str | None, typer.Argument(help="Predictions of the second model on the same rows.")
    ] = None,
    y: Annotated[str | None, typer.Argument(help="True labels of these rows.")] = None,
    scores: Annotated[
        str | None,
        typer.Option(
            help="Instead of predictions: a table of scores of a cross-validation, with a row for "
            "each fold and a column for each model.",
            show_default=False,
        ),
    ] = None,
    rows: Annotated[
        int | None,
        typer.Option(
            help="With --scores: number of rows that were split into folds.", show_default=False
        ),
    ] = None,
    repeats: Annotated[
        int | None,
        typer.Option(
            help="With --scores: number of repeats. Default: those of the column repeat, or 1.",
            show_default=False,
        ),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            help="Metric: error, accuracy, log_loss, brier, auc, balanced_accuracy, or a "
            "scikit-learn scorer. Default: error; with --scores it must be given.",
            show_default=False,
        ),
    ] = None,
    positive: Positive = None,
    rope: Annotated[
        float | None,
        typer.Option(
            help="Region of practical equivalence: the largest difference without practical "
            "relevance (0.01 is 1 point). Default for error: 0.01.",
            show_default=False,
        ),
    ] = None,
    names: Annotated[
        list[str] | None,
        typer.Option(
            help="Names of the two models, separated by a comma. Default: their file names.",
            show_default=False,
        ),
    ] = None,
    classes: Annotated[
        list[str] | None,
        typer.Option(
            help="All classes, separated by commas, in the order of the probability columns. "
            "Default: the classes of the true labels, ascending.",
            show_default=False,
        ),
    ] = None,
    fail_unless: Annotated[
        str | None,
        typer.Option(
            help="Exit with code 1 unless this is the verdict on the first model: better, equal, "
            "undecided or worse, several joined by 'or', such as 'better or equal'.",
            show_default=False,
        ),
    ] = None,
    junit: Annotated[
        Path | None,
        typer.Option(help="File for the verdict as JUnit XML.", show_default=False),
    ] = None,
    shared: Shared = tuple(name for name in TEXT_FORMAT if name != "names"),  # the models' names
    as_json: AsJson = False,
) -> None:
    """Test which of two sets of predictions is better.

    The predictions, or the scores of a cross-validation, can come from any tool.
    """
