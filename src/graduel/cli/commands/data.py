"""``graduel data`` as it is typed."""

from __future__ import annotations

from typing import Annotated

import typer

from graduel.cli.options import (
    Bins,
    Categorical,
    Decimal,
    Drop,
    Encoding,
    Numeric,
    Separator,
    Size,
    Target,
    handle_interrupt,
    source_options,
)


def data(
    source: Annotated[
        str | None,
        typer.Argument(help="A name, a file or a folder; without it, what is known by name."),
    ] = None,
    target: Target = None,
    categorical: Categorical = None,
    numeric: Numeric = None,
    drop: Drop = None,
    bins: Bins = None,
    separator: Separator = None,
    decimal: Decimal = None,
    encoding: Encoding = None,
    size: Size = None,
    rows: Annotated[
        int | None,
        typer.Option(
            help="Look at so many rows of a table, each class by its share; it may be larger than "
            "memory.",
            min=2,
            show_default=False,
        ),
    ] = None,
) -> None:
    """List the data sets known by name, or show what is in one: columns, classes, warnings.

    openml:NAME is fetched first, if it was not yet.
    """
    with handle_interrupt():
        from graduel.cli.actions.data import list_datasets, show_dataset

        if source is None:
            list_datasets()
            return
        show_dataset(
            source,
            source_options(
                target=target,
                categorical=categorical,
                numeric=numeric,
                drop=drop,
                bins=bins,
                separator=separator,
                decimal=decimal,
                encoding=encoding,
                size=size,
                sample=rows,
            ),
        )
