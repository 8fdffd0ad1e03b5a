"""Declaration of ``graduel verdict``: arguments, options and help."""

from __future__ import annotations

from typing import Annotated

import typer

from graduel.cli.options import TABLES, AsJson, command


@command
def verdict(
    a: Annotated[
        str,
        typer.Argument(
            help="Predictions of the first model: a .npy file of labels, shape (n) or (seeds, n), "
            "or of probabilities, shape (n, classes) or (seeds, n, classes); or a table "
            f"({TABLES}) or one of its columns, table.csv:column."
        ),
    ],
    b: Annotated[str, typer.Argument(help="Predictions of the second model on the same rows.")],
    y: Annotated[str, typer.Argument(help="True labels of these rows.")],
    metric: Annotated[
        str,
        typer.Option(
            help="Metric: error, accuracy, log_loss, brier, auc, balanced_accuracy, or a "
            "scikit-learn scorer."
        ),
    ] = "error",
    rope: Annotated[
        float | None,
        typer.Option(
            help="Region of practical equivalence: the largest difference without practical "
            "relevance (0.01 is 1 point). Default for error: 0.01.",
            show_default=False,
        ),
    ] = None,
    names: Annotated[
        str | None,
        typer.Option(
            help="Names of the two models, separated by a comma. Default: their file names.",
            show_default=False,
        ),
    ] = None,
    classes: Annotated[
        str | None,
        typer.Option(
            help="All classes, separated by commas, in the order of the probability columns. "
            "Default: the classes of the true labels, ascending.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Test which of two sets of predictions is better.

    The predictions can come from any tool.
    """
