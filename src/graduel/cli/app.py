"""The command-line application. An error of the user is one line on stderr and exit code 2."""

from __future__ import annotations

import codecs
import io
import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperArgument, TyperCommand

from graduel.cli.commands.cells import cells
from graduel.cli.commands.data import data
from graduel.cli.commands.duel import duel
from graduel.cli.commands.experiment import experiment
from graduel.cli.commands.inspect import inspect
from graduel.cli.commands.predict import predict
from graduel.cli.commands.report import report
from graduel.cli.commands.serve import serve
from graduel.cli.commands.train import train
from graduel.cli.commands.verdict import verdict
from graduel.number_format import MINUS, NONE

app = typer.Typer(
    name="graduel",
    help="Compare a neural network written by hand in NumPy with XGBoost on your data: test error, "
    "confidence intervals, verdict, time and memory.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class _Command(TyperCommand):
    """A command whose help lists arguments without the names of Python types."""

    def get_params(self, *args: Any, **options: Any) -> list[Any]:
        """Return the parameters."""
        parameters = list(super().get_params(*args, **options))
        for parameter in parameters:
            if isinstance(parameter, TyperArgument):
                vars(parameter)["display_type_rich"] = lambda ctx: ""
        return parameters


for command in (
    duel,
    data,
    train,
    predict,
    inspect,
    serve,
    experiment,
    cells,
    verdict,
    report,
):
    app.command(cls=_Command)(command)


def _print_version(is_set: bool) -> None:
    if is_set:
        from importlib.metadata import version

        from graduel import kernels

        typer.echo(f"graduel {version('graduel')} ({kernels.describe()} kernels)")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    pass


_SUBSTITUTE = "graduel.substitute"
_DASHES = (MINUS, NONE)


def main(args: list[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    from graduel.errors import UserError

    codecs.register_error(_SUBSTITUTE, _substitute)
    for stream in (sys.stdout, sys.stderr):
        # A character that the terminal's encoding lacks must not end a finished duel.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_SUBSTITUTE)
    try:
        code = app(args, standalone_mode=False)
    except typer.TyperException as error:
        return _print_error(_get_message(error), 2)
    except UserError as error:
        return _print_error(str(error), 2)
    except (typer.Abort, KeyboardInterrupt):  # while options are parsed
        return _print_error("stopped", 130)
    except BrokenPipeError:  # the reader of stdout has closed it, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        return _print_error(f"{error.filename or 'the file system'}: {error.strerror or error}", 1)
    return int(code or 0)


def _substitute(error: UnicodeError) -> tuple[str, int]:
    """Return ASCII characters for those that an encoding lacks: "-" for a minus sign, or "?"."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join("-" if letter in _DASHES else "?" for letter in lacking), error.end


def _get_message(error: typer.TyperException) -> str:
    """Return the parser's message, with the name of the option where it gives one."""
    format_message = getattr(error, "format_message", None)
    return str(format_message() if format_message else error)


def _print_error(message: str, code: int) -> int:
    """Print an error in one line; return the exit code."""
    typer.echo("graduel: " + " ".join(message.split()), err=True)
    return code
