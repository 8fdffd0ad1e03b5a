"""``graduel experiment``: variants of a network, their curves on one picture, and a table."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from graduel.cli.actions.run_cells import run_live
from graduel.cli.data_source import parse_source, print_warnings, resolve_source
from graduel.cli.views.duel_table import WIDTH
from graduel.data.source import DataSource
from graduel.duel.plan.experiment import plan_experiment
from graduel.duel.plan.protocol import Protocol
from graduel.duel.result.outcome import Run
from graduel.duel.session import default_folder as duel_folder
from graduel.duel.store.store import open_store
from graduel.report import write_experiment
from graduel.report.sections import tables


def run(
    dataset: str,
    described: dict[str, Any],
    *,
    out: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Run an experiment, draw its picture, show its table."""
    data = resolve_source(parse_source(dataset, described), options)
    protocol = plan_experiment(data, **options)
    mine = data if isinstance(data, DataSource) else None
    if mine is not None:
        print_warnings(mine, protocol, Console(stderr=True))
    folder = out if out is not None else default_folder(protocol)
    with open_store(folder, protocol, mine) as store:
        finished, picture = run_live(store, protocol, folder, write_experiment)
    if as_json:
        sys.stdout.write((folder / "result.json").read_text(encoding="utf-8"))
    else:
        show(finished, picture, Console())


def default_folder(protocol: Protocol) -> Path:
    """Return the folder of an experiment that was given none."""
    return Path("experiments") / duel_folder(protocol).name


def show(run: Run, picture: Path, console: Console) -> None:
    """Print the table, and where the picture is."""
    if not console.is_terminal:
        console.width = WIDTH
    result, found = run.result, tables.experiment(run)
    seeds = result.protocol.seeds
    many = f"{seeds} seeds" if seeds > 1 else "one seed: what differs may be chance"
    table = Table(title=f"{result.dataset.name}: {len(found.rows)} variants, {many}")
    for i, heading in enumerate(found.head):
        table.add_column(escape(heading), justify="right" if i else "left")
    for i, row in enumerate(found.rows):
        cells = [escape(text) for text in row]
        table.add_row(
            *(f"[bold]{t}[/]" if (i, j) in found.best else t for j, t in enumerate(cells))
        )
    console.print(table)
    for scope in sorted({one.scope for one in result.comparisons}):
        console.print(scope, highlight=False, markup=False)
    where = f"The picture: {picture}"
    console.print(where, highlight=False, markup=False, soft_wrap=True)
