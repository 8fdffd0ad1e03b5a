"""Declarations of the commands that explain graduel itself: names, versions and help."""

from __future__ import annotations

from typing import Annotated

import typer

from graduel.cli.options import AsJson, command_of

Name = Annotated[
    str | None, typer.Argument(help="Explain one of them. Default: list all.", show_default=False)
]


@command_of("reference.named_things", "contenders")
def contenders(name: Name = None, as_json: AsJson = False) -> None:
    """List the contenders, or explain one: its model, data, packages and recipe."""


@command_of("reference.named_things", "metrics")
def metrics(name: Name = None, as_json: AsJson = False) -> None:
    """List the metrics, or explain one."""


@command_of("reference.named_things", "recipes")
def recipes(name: Name = None, as_json: AsJson = False) -> None:
    """List the named recipes of networks for --net recipe=NAME, or all fields of one."""


@command_of("reference.named_things", "parts")
def parts(name: Name = None, as_json: AsJson = False) -> None:
    """List the parts and fields of networks for --net, or explain one."""


@command_of("reference.doctor")
def doctor(as_json: AsJson = False) -> None:
    """Show what runs on this machine use: versions, BLAS, kernels, threads, extras and cache."""


@command_of("reference.help_page", "show_help")
def show_help(
    context: typer.Context,
    command: Annotated[
        str | None, typer.Argument(help="Name of a command. Default: list all.", show_default=False)
    ] = None,
) -> None:
    """Show the help of a command."""


@command_of("reference.help_page", "show_version")
def show_version() -> None:
    """Show the version and the kernels in use."""
