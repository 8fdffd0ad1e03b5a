"""``graduel cells``: run or list the missing fits of a planned run."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

import typer
from rich.console import Console

from graduel.cli.actions.live_session import LiveObserver
from graduel.cli.views.cell_table import describe_rest, list_cells, show_cells
from graduel.duel.shards.run_folder import read_run_folder
from graduel.duel.shards.shard import Shard
from graduel.duel.shards.shared_run import run_shard
from graduel.errors import WorkerError
from graduel.number_format import format_quantity


def run(folder: Path, *, shard: str | None, only_list: bool, as_json: bool) -> None:
    """Run the missing fits of a shard, or list all of its fits.

    Exit code 2 means that a fit failed, 1 that a worker process died.
    """
    part = Shard() if shard is None else Shard.parse(shard)
    planned = read_run_folder(folder)
    if only_list:
        cells = part.select(planned.cells())
        if not as_json:
            show_cells(cells, folder, Console())
    else:
        earlier = signal.signal(signal.SIGTERM, _stop)
        try:
            summary = run_shard(planned, part, LiveObserver(lambda run: run.path))
        except KeyboardInterrupt:
            typer.echo(
                f"graduel: stopped. Finished fits are saved in {folder}; run the same command "
                "again for the others.",
                err=True,
            )
            raise typer.Exit(130) from None
        finally:
            signal.signal(signal.SIGTERM, earlier)
        for error in summary.failures:
            typer.echo(f"graduel: {error}", err=True)
        if summary.failures:
            died = any(isinstance(error, WorkerError) for error in summary.failures)
            raise typer.Exit(1 if died else 2)
        cells = summary.cells
        if not as_json:
            typer.echo(
                f"{format_quantity(summary.n_run, 'fit')} run here. {describe_rest(planned)}"
            )
    if as_json:
        sys.stdout.write(json.dumps(list_cells(cells), indent=2) + "\n")


def _stop(*_: Any) -> NoReturn:
    """End as batch systems ask for, but release the locks and stop the worker first."""
    raise SystemExit(143)
