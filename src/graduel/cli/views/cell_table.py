"""Terminal output of ``graduel cells``: the fits of a planned run and their states."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from graduel.duel.shards.run_folder import PlannedCell, RunFolder

WIDTH = 100
"""Characters in a line if the output is not a terminal."""


def list_cells(cells: Sequence[PlannedCell]) -> list[dict[str, Any]]:
    """Return the name and state of each cell; of those that run, host, process and start."""
    rows = []
    for one in cells:
        row: dict[str, Any] = {"cell": one.name, "state": one.state}
        holder = one.store.read_cell_holder(one.cell) if row["state"] == "running" else None
        if holder is not None:
            since = datetime.fromtimestamp(holder.since, UTC).isoformat(timespec="seconds")
            row |= {"host": holder.host, "pid": holder.pid, "since": since}
        rows.append(row)
    return rows


def show_cells(cells: Sequence[PlannedCell], folder: Path, console: Console) -> None:
    """Print a table of cells."""
    if not console.is_terminal:
        console.width = WIDTH
    rows = list_cells(cells)
    counts = ", ".join(
        f"{sum(row['state'] == state for row in rows)} {state}"
        for state in ("missing", "running", "finished")
    )
    table = Table("Fit", "State", "Where", "Since (UTC)", title=escape(f"{folder}: {counts}"))
    for row in rows:
        where = f"{row['host']}, process {row['pid']}" if "host" in row else ""
        since = row.get("since", "").replace("T", " ").removesuffix("+00:00")
        table.add_row(escape(row["cell"]), row["state"], escape(where), since)
    console.print(table)


def describe_rest(folder: RunFolder) -> str:
    """Return a sentence on what is left of a run, and the command that comes next."""
    states = [one.state for one in folder.cells()]
    missing, running = states.count("missing"), states.count("running")
    report = f"graduel report {shlex.quote(str(folder.path))}"
    if not missing and not running:
        return f"All {len(states)} are finished; render the report: {report}"
    return (
        f"Of {len(states)}, {missing} are missing and {running} run in other processes. Report of "
        f"those that are finished: {report}"
    )
