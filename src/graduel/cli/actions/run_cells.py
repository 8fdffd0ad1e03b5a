"""Running the cells of a duel or an experiment: live, and with a word on what is kept."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import typer
from rich.console import Console

from graduel.cli.views.progress import show_progress
from graduel.duel.plan.protocol import Protocol
from graduel.duel.result.build import build_result
from graduel.duel.result.outcome import Run
from graduel.duel.run.cell_runs import run_cells
from graduel.duel.run.executor import WorkerError
from graduel.duel.store.store import Store
from graduel.errors import UserError


def run_live(
    store: Store,
    protocol: Protocol,
    folder: Path,
    write: Callable[[Run], Path],
    *,
    show_rows: bool = False,
) -> tuple[Run, Path]:
    """Run every cell under a live display and write what is shown; always say what was kept."""
    console = Console(stderr=True)

    def kept() -> str:
        cells = list(protocol.cells())
        done = sum(store.is_finished(cell) for cell in cells)
        return (
            f"{done} of {len(cells)} fits are finished and kept in {folder}; "
            "the same command goes on from there"
        )

    try:
        show_progress(run_cells(store), protocol, console, folder)
        finished = build_result(store, command_line(), show_rows=show_rows)
        return finished, write(finished)
    except KeyboardInterrupt:
        typer.echo(f"graduel: stopped. {kept()}.", err=True)
        raise typer.Exit(130) from None
    except WorkerError as error:
        typer.echo(f"graduel: {error}. {kept()}.", err=True)
        raise typer.Exit(1) from None
    except UserError as error:
        if any(store.is_finished(cell) for cell in protocol.cells()):
            raise UserError(f"{error}. {kept()}") from None
        raise


def command_line() -> str:
    """Return the command line as it can be typed again; bytes that are no text are escaped.

    Of absolute paths only the last name is told: where files lie is the user's own business.
    """
    words = [_last_name(word) for word in sys.argv[1:]]
    command = shlex.join(["graduel", *words])
    return command.encode("utf-8", "backslashreplace").decode()


def _last_name(word: str) -> str:
    option, equals, value = word.partition("=") if word.startswith("--") else ("", "", word)
    return f"{option}{equals}{Path(value).name or value}" if Path(value).is_absolute() else word
