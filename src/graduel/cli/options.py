"""Options shared by several commands, and the decorator that makes a command."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import typer
from typer.models import ArgumentInfo

TABLES = "CSV, Parquet, ARFF, Excel, JSON, Arrow, SQLite, DuckDB, SVMlight, MATLAB/HDF5"
"""The titles of the table formats, here as text because importing their registry imports NumPy."""
Rows = Annotated[
    int | None,
    typer.Option(
        help="Number of training rows: a stratified sample of that size.", show_default=False
    ),
]
Quick = Annotated[
    bool,
    typer.Option("--quick", help="A first look: at most 10,000 training rows and small budgets."),
]
AsJson = Annotated[
    bool,
    typer.Option("--json", help="Write the result as JSON to standard output."),
]
PlanOnly = Annotated[
    bool,
    typer.Option(
        "--plan-only",
        help="Write the plan, the rows of each run and the data to the folder, and train nothing; "
        "graduel cells runs the fits.",
    ),
]
Threads = Annotated[
    str | None,
    typer.Option(
        help="Threads for each fit. Default: auto, the cores that are idle when the run begins.",
        show_default=False,
    ),
]


METRICS = (
    "error, log_loss, balanced_accuracy, auc, or a scikit-learn scorer. Default: error, or "
    "log_loss if one class has over 90 % of the rows."
)
Metric = Annotated[
    str | None, typer.Option(help=f"Metric of the verdicts: {METRICS}", show_default=False)
]
Positive = Annotated[
    str | None,
    typer.Option(
        help="The positive class of metrics such as f1, precision, recall and average_precision. "
        "Default: the rarer of the two classes.",
        show_default=False,
    ),
]
Target = Annotated[str | None, typer.Option(help="The target column.", show_default=False)]


def _text(meaning: str) -> Any:
    """Return the type of an optional text option."""
    return Annotated[str | None, typer.Option(help=meaning, show_default=False)]


def _list(meaning: str, metavar: str | None = None) -> Any:
    """Return the type of an optional list option, which adds up if it is repeated."""
    option = typer.Option(help=meaning, metavar=metavar, show_default=False)
    return Annotated[list[str] | None, option]


NET_OPTIONS: dict[str, Any] = {
    "layers": _list("Units of each hidden layer, separated by commas."),
    "activation": _text("Activation: relu, gelu, tanh, …"),
    "norm": _text("Normalization: batch, layer or none."),
    "dropout": _text("Share of units that dropout sets to zero."),
    "optimizer": _text("Optimizer: adamw, adam, sgd, momentum, muon, …"),
    "lr": _text("Learning rate."),
    "schedule": _text("Learning-rate schedule: cosine, constant, linear, …"),
    "weight_decay": _text("Weight decay."),
    "batch_size": _text("Rows of a mini-batch."),
    "epochs": _text("Epochs: passes over the training rows."),
}
"""The usual fields of a network as options of their own; they are added to `net`."""
READ_OPTIONS: dict[str, Any] = {
    "target": Target,
    "categorical": _list("Categorical columns, separated by commas."),
    "numeric": _list("Numeric columns, separated by commas."),
    "drop": _list("Columns to ignore, separated by commas."),
    "bins": Annotated[
        int | None,
        typer.Option(
            help="Number of classes into which a numeric target is binned.", show_default=False
        ),
    ],
    "task": Annotated[
        Literal["classification", "regression"] | None,
        typer.Option(
            help="Whether the target is a class or a number. Default: by its values.",
            show_default=False,
        ),
    ],
    "log_target": Annotated[
        bool | None,
        typer.Option(
            "--log-target",
            help="Predict the logarithm of a positive target; errors are those of the target.",
            show_default=False,
        ),
    ],
    "group": _text(
        "A column that is not a feature: rows with the same value stay on the same side of every "
        "split."
    ),
    "time": _text("A time column: the latest rows are the test rows."),
    "test": _text("A table with the test rows. Default: test rows are split off."),
    "missing": _list(
        "Further cells that mean a missing value, separated by commas, such as unknown,n/k."
    ),
    "date_order": _text(
        "The order of day and month in dates that do not show it: dmy or mdy. Default: inferred "
        "from all dates of the table."
    ),
    "separator": _text("Field separator of a text file. Default: inferred."),
    "decimal": _text("Decimal separator of a text file. Default: inferred."),
    "encoding": _text("Encoding of a text file. Default: inferred."),
    "header": _text(
        "Whether a text file has a line of column names: yes, no, or the number of that line. "
        "Default: inferred."
    ),
    "names": _list("Names of all columns of a text file, separated by commas."),
    "quote": _text(
        'Quote of a text file: ", \', \\" (after a backslash), or none. Default: inferred.'
    ),
    "size": _text("HEIGHTxWIDTH to which images are resized."),
}
"""Options for reading user data. An action gets those that are set as the dict `read_options`."""
CLUSTER_OPTIONS: dict[str, Any] = {
    "on": _text(
        "Run on a Dask cluster: the address of its scheduler, such as tcp://host:8786, or local:N "
        "for N workers on this machine."
    ),
    "retries": Annotated[
        int,
        typer.Option(help="How often a run is started again if a worker is lost."),
    ],
    "dashboard": Annotated[
        bool, typer.Option("--dashboard", help="With --on: print the address of Dask's dashboard.")
    ],
    "tls_ca": _text("With --on tls://…: the file of the certificate authority."),
    "tls_cert": _text("With --on tls://…: the file of this machine's certificate."),
    "tls_key": _text("With --on tls://…: the file of its key."),
}
"""Options for running on a cluster. An action gets them as the dict `cluster`."""
CLUSTER_DEFAULTS = {"retries": 2, "dashboard": False}
SHARED_OPTIONS = READ_OPTIONS | CLUSTER_OPTIONS | NET_OPTIONS
METAVARS = {
    "target": "COLUMN",
    "categorical": "COLUMNS",
    "numeric": "COLUMNS",
    "drop": "COLUMNS",
    "group": "COLUMN",
    "time": "COLUMN",
    "test": "FILE",
    "missing": "CELLS",
    "date_order": "dmy|mdy",
    "separator": "CHARACTER",
    "decimal": "CHARACTER",
    "encoding": "NAME",
    "header": "yes|no|N",
    "quote": "CHARACTER",
    "size": "HEIGHTxWIDTH",
    "contenders": "NAMES",
    "net": "SETTINGS",
    "vary": "KEY=VALUES",
    "positive": "LABEL",
    "budget": "TIME",
    "threads": "N|auto",
    "split": "SPLIT",
    "metric": "METRIC",
    "rope": "NUMBER",
    "sizes": "NUMBERS",
    "data": "PATH",
    "label": "CLASS",
    "layers": "UNITS",
    "activation": "NAME",
    "norm": "NAME",
    "dropout": "SHARE",
    "optimizer": "NAME",
    "lr": "RATE",
    "schedule": "NAME",
    "weight_decay": "NUMBER",
    "host": "HOST",
    "allow": "HOST",
    "names": "NAMES",
    "classes": "NAMES",
    "contender": "NAME",
    "on": "ADDRESS",
    "tls_ca": "PATH",
    "tls_cert": "PATH",
    "tls_key": "PATH",
    "shard": "I/N",
    "scores": "PATH",
    "fail_unless": "CONDITION",
}
"""The placeholder of an option's value in the help; others are PATH or N, by type."""
COLUMNS = ("categorical", "numeric", "drop")
CELLS = ("missing", "date_order")
TEXT_FORMAT = ("separator", "decimal", "encoding", "header", "names", "quote")
ALL_BUT_TARGET = (
    *COLUMNS,
    "bins",
    "task",
    "log_target",
    "group",
    "time",
    "test",
    *CELLS,
    *TEXT_FORMAT,
    "size",
)
CLUSTER = tuple(CLUSTER_OPTIONS)
NET = tuple(NET_OPTIONS)
SPACED = ("net", "vary")
"""List options of key=value pairs, which are separated by spaces; others are by commas."""
Shared = tuple[str, ...]
"""Type of a parameter that is replaced by the options of :data:`SHARED_OPTIONS` that it names."""


def command(declaration: Callable[..., None]) -> Callable[..., None]:
    """Return the command for a declaration, which has its name, options and help.

    It calls ``run`` of the module of the same name in :mod:`graduel.cli.actions`, imported when the
    command runs, with each option by name, lists as tuples; those of :data:`READ_OPTIONS` as one
    dict, those of :data:`CLUSTER_OPTIONS` as another, and those of :data:`NET_OPTIONS` in `net`.
    """
    return command_of(declaration.__name__)(declaration)


def command_of(
    module: str, function: str = "run"
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return the decorator of a command that calls a function of a module of the actions."""
    return partial(_build, module=module, function=function)


def _build(declaration: Callable[..., None], *, module: str, function: str) -> Callable[..., None]:
    parameters = list(_parameters(declaration))
    names = {parameter.name for parameter in parameters}
    declared = inspect.signature(declaration, eval_str=True).parameters.values()
    own = {one.name for one in declared if one.annotation not in (Shared, Target)}
    columns_and_format = READ_OPTIONS.keys() & names - own
    lists = [one.name for one in parameters if is_list(one)]

    def run(**options: Any) -> None:
        for name in lists:
            options[name] = merge_list(name, options[name])
        if columns_and_format:
            read_options = {name: options.pop(name) for name in columns_and_format}
            if read_options.get("header") is not None:
                read_options["header"] = _parse_header(read_options["header"])
            options["read_options"] = {
                name: read_options[name]
                for name in READ_OPTIONS
                if read_options.get(name) not in (None, ())
            }
        fields = tuple(name for name in NET_OPTIONS if options.get(name) is not None)
        if names >= NET_OPTIONS.keys():
            options["net"] = _merge_net(options)
        if names >= CLUSTER_OPTIONS.keys():
            options["cluster"] = {name: options.pop(name) for name in CLUSTER_OPTIONS}
        try:
            with _naming_options(fields):
                getattr(import_module(f"graduel.cli.actions.{module}"), function)(**options)
        except KeyboardInterrupt:  # outside of fits; typer would print nothing
            typer.echo("graduel: stopped.", err=True)
            raise typer.Exit(130) from None

    run.action = f"{module}:{function}"  # type: ignore[attr-defined]
    run.__name__, run.__doc__ = declaration.__name__, declaration.__doc__
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return run


def _parameters(declaration: Callable[..., None]) -> Iterator[inspect.Parameter]:
    """Yield the parameters of a declaration, with the shared options inserted."""
    for parameter in inspect.signature(declaration, eval_str=True).parameters.values():
        if parameter.annotation is typer.Context:
            yield parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            continue
        shared = parameter.annotation == Shared
        for name in parameter.default if shared else (parameter.name,):
            yield parameter.replace(
                name=name,
                kind=inspect.Parameter.KEYWORD_ONLY,
                default=CLUSTER_DEFAULTS.get(name) if shared else parameter.default,
                annotation=_with_metavar(
                    name, SHARED_OPTIONS[name] if shared else parameter.annotation
                ),
            )


def _with_metavar(name: str, annotation: Any) -> Any:
    """Return the annotation with a placeholder for the value, unless it has one or is a flag."""
    kind, info = get_args(annotation)
    types = set(get_args(kind)) or {kind}
    if info.metavar is not None or bool in types:
        return annotation
    info = copy(info)
    if isinstance(info, ArgumentInfo):
        info.metavar = name.upper()
    else:
        info.metavar = METAVARS.get(name) or ("PATH" if Path in types else "N")
    return Annotated[kind, info]


def is_list(parameter: inspect.Parameter) -> bool:
    """Return whether a parameter is an option that takes a list."""
    kind, info = get_args(parameter.annotation) or (None, None)
    return list[str] in get_args(kind) and not isinstance(info, ArgumentInfo)


def merge_list(name: str, texts: Sequence[str] | None) -> Any:
    """Return all values of a list option, which may be repeated.

    They are a tuple of names; of the options in :data:`SPACED`, one text of ``key=value`` pairs.
    None if the option is not given.

    >>> merge_list("drop", ["a,b", "c"]), merge_list("net", ["lr=1 epochs=2", "dropout=0"])
    (('a', 'b', 'c'), 'lr=1 epochs=2 dropout=0')
    """
    if not texts:
        return None
    if name in SPACED:
        return " ".join(texts)
    return tuple(value for text in texts for value in split_names(text))


def _merge_net(options: dict[str, Any]) -> str | None:
    """Remove the fields of a network from the options; return them with the text of ``--net``."""
    fields = {name: options.pop(name) for name in NET_OPTIONS}
    pairs = [] if options["net"] is None else [options["net"]]
    for name, value in fields.items():
        if value is not None:
            pairs.append(f"{name}={value if isinstance(value, str) else ','.join(value)}")
    return " ".join(pairs) if pairs else None


@contextmanager
def _naming_options(fields: Sequence[str]) -> Iterator[None]:
    """Name fields of a network in an error as they were typed: ``--lr`` for "lr in --net"."""
    try:
        yield
    except ValueError as error:  # a UserError, without importing its module
        for name in fields:
            text = str(error.args[0]).replace(f"{name} in --net ", f"--{name.replace('_', '-')} ")
            error.args = (text,)
        raise


def _parse_header(text: str) -> bool | int:
    """Return whether there is a header, or the number of its line."""
    from graduel.errors import UserError

    answers = {"yes": True, "no": False}
    if text.lower() in answers:
        return answers[text.lower()]
    if text.isdecimal() and int(text):
        return int(text)
    raise UserError(f"--header: expected yes, no or the number of a line, from 1; got '{text}'")


def split_names(text: str) -> tuple[str, ...]:
    """Return the names in a comma-separated text; a name with commas is quoted."""
    import csv

    if not text:
        return ()
    return tuple(name.strip() for name in next(csv.reader([text], skipinitialspace=True)) if name)
