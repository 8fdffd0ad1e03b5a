"""``graduel duel``: from the options to the verdict on the screen."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from graduel.cli.progress import watch
from graduel.cli.table import show
from graduel.duel.api import default_folder
from graduel.duel.finish import finish
from graduel.duel.netspec import parse_net
from graduel.duel.protocol import Protocol, plan
from graduel.duel.results import Run
from graduel.duel.runner import run_cells
from graduel.duel.store import open_store
from graduel.errors import UserError
from graduel.recipes import CONTENDERS, NetRecipe


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
    finished = _fight(protocol, folder)
    from graduel.report import write_report

    report = write_report(finished)
    if as_json:
        sys.stdout.write((folder / "result.json").read_text(encoding="utf-8"))
    else:
        show(finished.result, report, Console())


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _fight(protocol: Protocol, folder: Path) -> Run:
    """Run every cell under a live display; on Ctrl-C say what was kept."""
    console = Console(stderr=True)
    with open_store(folder, protocol) as store:
        cells = list(protocol.cells())
        try:
            watch(run_cells(store), protocol, console, folder)
            return finish(store, _command())
        except KeyboardInterrupt:
            kept = sum(store.finished(cell) for cell in cells)
            console.print(
                f"graduel: stopped. {kept} of {len(cells)} fits are finished and kept in "
                f"{folder}; the same command goes on from there.",
                soft_wrap=True,
                highlight=False,
            )
            raise typer.Exit(130) from None
        except UserError as error:
            kept = sum(store.finished(cell) for cell in cells)
            if kept:
                raise UserError(f"{error}. Finished fits are kept in {folder}") from None
            raise


def _command() -> str:
    """Return the command line as it can be typed again."""
    return shlex.join(["graduel", *sys.argv[1:]])
