"""The commands, and how mistakes are told: one line, exit code 2."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    name="graduel",
    help="A neural network written by hand in NumPy against XGBoost: who wins, by how much, "
    "how sure one can be, and at what cost.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


# What several commands take.
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


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"graduel {version('graduel')}")
        raise typer.Exit


@contextmanager
def _stoppable() -> Iterator[None]:
    """Say that Ctrl-C stopped the command, outside the fits; typer would say nothing."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo("graduel: stopped.", err=True)
        raise typer.Exit(130) from None


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    pass


def _listed(text: str | None) -> tuple[str, ...]:
    """Read names with commas between them; a name that has commas itself stands in quotes."""
    import csv

    if not text:
        return ()
    return tuple(name.strip() for name in next(csv.reader([text], skipinitialspace=True)) if name)


def _described(**options: Any) -> dict[str, Any]:
    """Return the options of a source that were given."""
    for name in ("categorical", "numeric", "drop"):
        options[name] = _listed(options[name])
    return {name: value for name, value in options.items() if value not in (None, ())}


Target = Annotated[
    str | None, typer.Option(help="The column that is to be predicted.", show_default=False)
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
    str | None, typer.Option(help="What parts the cells of a text file.", show_default=False)
]
Decimal = Annotated[str | None, typer.Option(help="Its decimal sign.", show_default=False)]
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


@app.command()
def duel(
    dataset: Annotated[
        str,
        typer.Argument(
            help="What to duel on: a name (graduel data lists them), a table (CSV, Parquet), an "
            "NPZ file, or a folder of images."
        ),
    ] = "mnist",
    target: Target = None,
    contenders: Annotated[
        str | None,
        typer.Option(
            help="Who duels, with commas between them: textbook, net, xgboost, xgboost-best. "
            "Default: textbook,net,xgboost.",
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
            help="given, holdout, or cross-validation: folds and repeats such as 5x2. Default: "
            "the data's own; else 5x2 below 5,000 rows, holdout from there on.",
            show_default=False,
        ),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            help="What decides: error, log_loss, balanced_accuracy, auc, or a scikit-learn "
            "scorer. Default: error; log_loss where one class has over 90 % of the rows.",
            show_default=False,
        ),
    ] = None,
    rope: Annotated[
        float | None,
        typer.Option(
            help="The largest difference that makes no difference in practice; 0.01 is a point.",
            show_default=False,
        ),
    ] = None,
    show_rows: Annotated[
        bool,
        typer.Option(
            "--show-rows", help="Let the report show images of your own; of tables it shows no row."
        ),
    ] = False,
    categorical: Categorical = None,
    numeric: Numeric = None,
    drop: Drop = None,
    bins: Bins = None,
    group: Group = None,
    time: Time = None,
    separator: Separator = None,
    decimal: Decimal = None,
    encoding: Encoding = None,
    size: Size = None,
) -> None:
    """Train every contender on the same rows and say who wins."""
    with _stoppable():
        from graduel.cli.duel import run

        run(
            dataset,
            _described(
                target=target,
                categorical=categorical,
                numeric=numeric,
                drop=drop,
                bins=bins,
                group=group,
                time=time,
                separator=separator,
                decimal=decimal,
                encoding=encoding,
                size=size,
            ),
            split=split,
            metric=metric,
            rope=rope,
            show_rows=show_rows,
            contenders=contenders,
            net=net,
            seeds=seeds,
            rows=rows,
            quick=quick,
            out=out,
            as_json=as_json,
            threads=threads,
        )


@app.command()
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
) -> None:
    """List the data sets known by name, or show what is in one: columns, classes, warnings."""
    with _stoppable():
        from graduel.cli.data import listing, show

        if source is None:
            listing()
            return
        show(
            source,
            _described(
                target=target,
                categorical=categorical,
                numeric=numeric,
                drop=drop,
                bins=bins,
                separator=separator,
                decimal=decimal,
                encoding=encoding,
                size=size,
            ),
        )


@app.command()
def train(
    dataset: Annotated[str, typer.Argument(help="What to learn.")] = "mnist",
    net: Annotated[
        str | None,
        typer.Option(
            help="The network and its training, such as 'layers=256,128 activation=gelu "
            "optimizer=adamw lr=1e-3 epochs=20'; docs/parts.md lists every name.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of weights, order, dropout, validation rows.")] = 0,
    rows: Rows = None,
    quick: Quick = False,
    out: Annotated[
        Path | None,
        typer.Option(
            help="The model's file, a new one. Default: a name of its own in this folder.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
    threads: Threads = None,
) -> None:
    """Train one network, show how it goes, and save it. Ctrl-C keeps the best epoch so far."""
    with _stoppable():
        from graduel.cli.train import run

        run(
            dataset,
            net=net,
            seed=seed,
            rows=rows,
            quick=quick,
            threads=threads,
            out=out,
            as_json=as_json,
        )


@app.command()
def experiment(
    dataset: Annotated[str, typer.Argument(help="What to learn.")] = "mnist",
    vary: Annotated[
        list[str] | None,
        typer.Option(
            help="What to vary, such as activation=relu,tanh,gelu or 'layers=256|256,128'; more "
            "than one --vary makes every combination.",
            show_default=False,
        ),
    ] = None,
    net: Annotated[
        str | None,
        typer.Option(
            help="What all variants share, such as 'layers=128 epochs=5'.", show_default=False
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(help="How often each variant is trained.")] = 1,
    rows: Rows = None,
    quick: Quick = False,
    out: Annotated[
        Path | None,
        typer.Option(
            help="The experiment's folder. The same command with the same folder takes up where "
            "it stopped. Default: a folder of its own under experiments/.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
    threads: Threads = None,
) -> None:
    """Train variants of one network on the same rows and seeds; draw and compare them."""
    with _stoppable():
        from graduel.cli.experiment import run

        run(
            dataset,
            vary=vary or [],
            net=net,
            seeds=seeds,
            rows=rows,
            quick=quick,
            threads=threads,
            out=out,
            as_json=as_json,
        )


def main(args: list[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    from graduel.errors import UserError

    for stream in (sys.stdout, sys.stderr):
        # A character that the terminal's encoding lacks must not cost a finished duel.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        code = app(args, standalone_mode=False)
    except typer.TyperException as error:
        return _complain(_wording(error), 2)
    except UserError as error:
        return _complain(str(error), 2)
    except (typer.Abort, KeyboardInterrupt):  # while the options were read
        return _complain("stopped", 130)
    except BrokenPipeError:  # the reader of standard output has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        return _complain(f"{error.filename or 'the file system'}: {error.strerror or error}", 1)
    return int(code or 0)


def _wording(error: typer.TyperException) -> str:
    """Return the parser's message, with the name of the option where it gives one."""
    format_message = getattr(error, "format_message", None)
    return str(format_message() if format_message else error)


def _complain(message: str, code: int) -> int:
    typer.echo("graduel: " + " ".join(message.split()), err=True)
    return code
