"""``graduel duel``: from the options to the verdict on the screen."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from graduel.cli.progress import watch
from graduel.cli.table import show
from graduel.duel.api import default_folder
from graduel.duel.finish import finish
from graduel.duel.protocol import Protocol, plan
from graduel.duel.results import Run
from graduel.duel.runner import WorkerError, run_cells
from graduel.duel.store import Store, open_store
from graduel.errors import UserError
from graduel.recipes import CONTENDERS, NetRecipe
from graduel.report import write_report
from graduel.train.netspec import parse_net


def run(
    dataset: str,
    *,
    contenders: str | None,
    net: str | None,
    out: Path | None,
    as_json: bool,
    quick: bool,
    **options: Any,
) -> None:
    """Run a duel, write its report, show the result."""
    entry = CONTENDERS["net"]
    base = entry.quick if quick else entry.full
    assert isinstance(base, NetRecipe)
    protocol = plan(
        dataset,
        contenders=None if contenders is None else _names(contenders),
        net=None if net is None else parse_net(net, base),
        quick=quick,
        **options,
    )
    folder = out if out is not None else default_folder(protocol)
    with open_store(folder, protocol) as store:
        finished, report = fight(store, protocol, folder, write_report)
    if as_json:
        sys.stdout.write((folder / "result.json").read_text(encoding="utf-8"))
    else:
        show(finished, report, Console())


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def fight(
    store: Store, protocol: Protocol, folder: Path, write: Callable[[Run], Path]
) -> tuple[Run, Path]:
    """Run every cell under a live display and write what is shown; always say what was kept."""
    console = Console(stderr=True)

    def kept() -> str:
        cells = list(protocol.cells())
        done = sum(store.finished(cell) for cell in cells)
        return (
            f"{done} of {len(cells)} fits are finished and kept in {folder}; "
            "the same command goes on from there"
        )

    try:
        watch(run_cells(store), protocol, console, folder)
        finished = finish(store, command())
        return finished, write(finished)
    except KeyboardInterrupt:
        typer.echo(f"graduel: stopped. {kept()}.", err=True)
        raise typer.Exit(130) from None
    except WorkerError as error:
        typer.echo(f"graduel: {error}. {kept()}.", err=True)
        raise typer.Exit(1) from None
    except UserError as error:
        if any(store.finished(cell) for cell in protocol.cells()):
            raise UserError(f"{error}. {kept()}") from None
        raise


def command() -> str:
    """Return the command line as it can be typed again; bytes that are no text are escaped."""
    command = shlex.join(["graduel", *sys.argv[1:]])
    return command.encode("utf-8", "backslashreplace").decode()
