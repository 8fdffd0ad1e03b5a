"""``graduel help`` and ``graduel version``."""

from __future__ import annotations

from typing import Any

import typer

from graduel.errors import unknown


def show_help(context: Any, command: str | None) -> None:
    """Print the help of a command, or the list of commands.

    Raises
    ------
    UserError
        If there is no such command.
    """
    parent = context.parent
    if command is None:
        typer.echo(parent.get_help())
        return
    names = parent.command.list_commands(parent)
    if command not in names:
        raise unknown("command", command, names)
    subcommand = parent.command.get_command(parent, command)
    typer.echo(subcommand.get_help(typer.Context(subcommand, info_name=command, parent=parent)))


def show_version() -> None:
    """Print the version and the kernels."""
    from importlib.metadata import version

    from graduel import kernels

    typer.echo(f"graduel {version('graduel')} ({kernels.describe()} kernels)")
