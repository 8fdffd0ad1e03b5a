"""Options that several commands share, and what is done with them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

Rows = Annotated[
    int | None,
    typer.Option(help="Train on a stratified part of the training rows.", show_default=False),
]
Quick = Annotated[
    bool, typer.Option("--quick", help="A first look: 10,000 training rows, small budgets.")
]
AsJson = Annotated[
    bool,
    typer.Option("--json", help="Write the result to standard output, and nothing else there."),
]
Threads = Annotated[
    int | None, typer.Option(help="Threads for each fit. Default: all cores.", show_default=False)
]


Metric = Annotated[
    str | None,
    typer.Option(
        help="What decides: error, log_loss, balanced_accuracy, auc, or a scikit-learn scorer. "
        "Default: error; log_loss where one class has over 90 % of the rows.",
        show_default=False,
    ),
]
Target = Annotated[
    str | None, typer.Option(help="The column that is predicted.", show_default=False)
]
Categorical = Annotated[
    str | None,
    typer.Option(help="Columns that are categories, with commas between them.", show_default=False),
]
Numeric = Annotated[str | None, typer.Option(help="Columns that are numbers.", show_default=False)]
Drop = Annotated[str | None, typer.Option(help="Columns to leave out.", show_default=False)]
Bins = Annotated[
    int | None,
    typer.Option(help="Cut a target of numbers into so many classes.", show_default=False),
]
Separator = Annotated[
    str | None, typer.Option(help="Field separator of a text file.", show_default=False)
]
Decimal = Annotated[str | None, typer.Option(help="Its decimal separator.", show_default=False)]
Encoding = Annotated[str | None, typer.Option(help="Its encoding.", show_default=False)]
Group = Annotated[
    str | None,
    typer.Option(
        help="A column, no feature: rows of one value stay on one side of every split.",
        show_default=False,
    ),
]
Time = Annotated[
    str | None,
    typer.Option(help="A column: the later rows are the test rows.", show_default=False),
]
Size = Annotated[
    str | None,
    typer.Option(help="HEIGHTxWIDTH that images are brought to.", show_default=False),
]


@contextmanager
def handle_interrupt() -> Iterator[None]:
    """Print that Ctrl-C stopped the command, outside the fits; typer would print nothing."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo("graduel: stopped.", err=True)
        raise typer.Exit(130) from None


def split_names(text: str | None) -> list[str] | None:
    """Return the names in a text with commas between them."""
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def _column_names(text: str | None) -> tuple[str, ...]:
    """Return the names in a text with commas between them; a name with commas stands in quotes."""
    import csv

    if not text:
        return ()
    return tuple(name.strip() for name in next(csv.reader([text], skipinitialspace=True)) if name)


def source_options(**options: Any) -> dict[str, Any]:
    """Return the options of a source that the user gave."""
    for name in ("categorical", "numeric", "drop"):
        options[name] = _column_names(options[name])
    return {name: value for name, value in options.items() if value not in (None, ())}
