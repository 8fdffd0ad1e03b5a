"""The command line: its commands, and how mistakes are told: one line, exit code 2."""

from __future__ import annotations

import io
import os
import sys
from typing import Annotated

import typer

from graduel.cli.commands.data import data
from graduel.cli.commands.duel import duel
from graduel.cli.commands.experiment import experiment
from graduel.cli.commands.inspect import inspect
from graduel.cli.commands.predict import predict
from graduel.cli.commands.report import report
from graduel.cli.commands.serve import serve
from graduel.cli.commands.train import train
from graduel.cli.commands.verdict import verdict

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


for command in (
    duel,
    data,
    train,
    predict,
    inspect,
    serve,
    experiment,
    verdict,
    report,
):
    app.command()(command)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        from graduel import kernels

        typer.echo(f"graduel {version('graduel')} ({kernels.describe()} kernels)")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    pass


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
