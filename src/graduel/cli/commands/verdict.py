"""``graduel verdict`` as it is typed."""

from __future__ import annotations

from typing import Annotated

import typer

from graduel.cli.options import AsJson, command


@command
def verdict(
    a: Annotated[
        str,
        typer.Argument(
            help="Predictions of one: labels (n) or (seeds, n), or probabilities (n, classes) or "
            "(seeds, n, classes), as numpy.save writes them; or a table (CSV, TSV, Parquet) or a "
            "column of one, table.csv:column."
        ),
    ],
    b: Annotated[str, typer.Argument(help="Predictions of the other, of the same rows.")],
    y: Annotated[str, typer.Argument(help="The true labels of these rows.")],
    metric: Annotated[
        str,
        typer.Option(
            help="What decides: error, accuracy, log_loss, brier, auc, balanced_accuracy, or a "
            "scikit-learn scorer."
        ),
    ] = "error",
    rope: Annotated[
        float | None,
        typer.Option(
            help="The largest difference that makes none in practice (0.01 is one point). "
            "Default: by the metric.",
            show_default=False,
        ),
    ] = None,
    names: Annotated[
        str | None,
        typer.Option(
            help="What to call the two, with a comma. Default: the names of their files.",
            show_default=False,
        ),
    ] = None,
    classes: Annotated[
        str | None,
        typer.Option(
            help="All classes, with commas, in the order of the columns of probabilities. Default: "
            "those in the true labels, in ascending order.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say which of two sets of predictions is better, from whatever tools, and why."""
