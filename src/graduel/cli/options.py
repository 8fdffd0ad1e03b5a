"""Options that several commands share, and what is done with them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from importlib import import_module
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
    str | None,
    typer.Option(
        metavar="NUMBER|auto",
        help="Threads for each fit. Default: auto, the cores that are idle when the run begins.",
        show_default=False,
    ),
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


def _text(meaning: str) -> Any:
    """Return the type of an optional text option."""
    return Annotated[str | None, typer.Option(help=meaning, show_default=False)]


READ_OPTIONS: dict[str, Any] = {
    "target": Target,
    "categorical": _text("Columns that are categories, with commas between them."),
    "numeric": _text("Columns that are numbers."),
    "drop": _text("Columns to leave out."),
    "bins": Annotated[
        int | None,
        typer.Option(help="Cut a target of numbers into so many classes.", show_default=False),
    ],
    "group": _text("A column, no feature: rows of one value stay on one side of every split."),
    "time": _text("A column: the later rows are the test rows."),
    "separator": _text("Field separator of a text file."),
    "decimal": _text("Its decimal separator."),
    "encoding": _text("Its encoding."),
    "size": _text("HEIGHTxWIDTH that images are brought to."),
}
"""How user data are read. An action gets those that the user set as one dict, `read_options`."""
COLUMNS = ("categorical", "numeric", "drop")
TEXT_FORMAT = ("separator", "decimal", "encoding")
ALL_BUT_TARGET = (*COLUMNS, "bins", "group", "time", *TEXT_FORMAT, "size")
Shared = tuple[str, ...]
"""Type of a parameter in whose place the options of :data:`READ_OPTIONS` stand that it names."""


def command(declaration: Callable[..., None]) -> Callable[..., None]:
    """Return the command of a declaration: its options, its help, and the action of its name.

    The action is ``run`` of the module of that name in :mod:`graduel.cli.actions`, imported when
    the command runs. It gets every option by name, those of :data:`READ_OPTIONS` as one dict.
    """
    parameters = list(_parameters(declaration))
    columns_and_format = READ_OPTIONS.keys() & {parameter.name for parameter in parameters}

    def run(**options: Any) -> None:
        if columns_and_format:
            read_options = {name: options.pop(name) for name in columns_and_format}
            options["read_options"] = _parse_read_options(read_options)
        try:
            import_module(f"graduel.cli.actions.{declaration.__name__}").run(**options)
        except KeyboardInterrupt:  # outside the fits; typer would print nothing
            typer.echo("graduel: stopped.", err=True)
            raise typer.Exit(130) from None

    run.__name__, run.__doc__ = declaration.__name__, declaration.__doc__
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return run


def _parameters(declaration: Callable[..., None]) -> Iterator[inspect.Parameter]:
    """Yield the parameters of a declaration, the shared options in place of their names."""
    for parameter in inspect.signature(declaration, eval_str=True).parameters.values():
        if parameter.annotation != Shared:
            yield parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            continue
        for name in parameter.default:
            yield parameter.replace(
                name=name,
                kind=inspect.Parameter.KEYWORD_ONLY,
                default=None,
                annotation=READ_OPTIONS[name],
            )


def _parse_read_options(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options that the user set, in the order of the list, with names split."""
    for name in options.keys() & set(COLUMNS):
        options[name] = split_names(options[name])
    return {name: options[name] for name in READ_OPTIONS if options.get(name) not in (None, ())}


def split_names(text: str | None) -> tuple[str, ...]:
    """Return the names in a text with commas between them; a name with commas stands in quotes."""
    import csv

    if not text:
        return ()
    return tuple(name.strip() for name in next(csv.reader([text], skipinitialspace=True)) if name)
