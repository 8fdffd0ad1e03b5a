"""The command-line application. An error of the user is one line on stderr and exit code 2."""

from __future__ import annotations

import codecs
import io
import os
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.main import get_command

from graduel.cli.advice import fit_advice, set_lookup
from graduel.cli.commands.cells import cells
from graduel.cli.commands.data import data
from graduel.cli.commands.duel import duel
from graduel.cli.commands.experiment import experiment
from graduel.cli.commands.export_page import export_page
from graduel.cli.commands.inspect import inspect
from graduel.cli.commands.predict import predict
from graduel.cli.commands.reference import (
    contenders,
    doctor,
    metrics,
    parts,
    recipes,
    show_help,
    show_version,
)
from graduel.cli.commands.report import report
from graduel.cli.commands.serve import serve
from graduel.cli.commands.train import train
from graduel.cli.commands.verdict import verdict
from graduel.cli.help_format import Group
from graduel.cli.option_check import Command
from graduel.cli.usage_errors import describe_usage_error
from graduel.number_format import MINUS, NONE

GROUPS = {
    "Compare models": (duel, experiment, verdict, report, cells),
    "Train and use one model": (train, predict, inspect, serve, export_page),
    "Look up names": (data, contenders, metrics, recipes, parts),
    "About graduel": (doctor, show_version, show_help),
}
"""The commands by task, in the order of the help."""
app = typer.Typer(
    name="graduel",
    cls=Group,
    help="Compare a neural network written by hand in NumPy with XGBoost on your data: test error, "
    "confidence intervals, verdict, time and memory.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def command_name(declaration: Callable[..., None]) -> str:
    """Return the name by which a command is called."""
    return declaration.__name__.removeprefix("show_").replace("_", "-")


def _register() -> None:
    for title, commands in GROUPS.items():
        for command in commands:
            app.command(command_name(command), cls=Command, rich_help_panel=title)(command)


_register()


def _print_version(is_set: bool) -> None:
    if is_set:
        from graduel.cli.actions.reference.help_page import show_version

        show_version()
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


def list_options(command: str) -> frozenset[str] | None:
    """Return the options of a command, or None if there is no such command."""
    group: Any = get_command(app)
    subcommand = group.commands.get(command)
    if subcommand is None:
        return None
    params = subcommand.get_params(typer.Context(subcommand))
    return frozenset(text for one in params for text in one.opts)


set_lookup(list_options)


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
        code = app(args, prog_name="graduel", standalone_mode=False)
    except typer.TyperException as error:
        return _print_error(describe_usage_error(error, sys.argv[1:] if args is None else args), 2)
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


def _print_error(message: str, code: int) -> int:
    """Print an error in one line; return the exit code."""
    typer.echo("graduel: " + fit_advice(" ".join(message.split())), err=True)
    return code
