"""Live progress of a duel: a line per contender on a terminal, otherwise plain lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.progress import TaskID as Task

from graduel import kernels
from graduel.duel.plan.protocol import Protocol
from graduel.duel.run.job import Event
from graduel.duel.verdict.types import NOTABLE_CORES
from graduel.number_format import format_percent, format_seconds

PLAIN_EVERY = 10.0
"""Seconds between two plain lines of a fit."""


def describe(event: Event) -> str:
    """Return the state of a fit in words: time elapsed, time left, validation error."""
    if event.progress is None:
        if event.missing_cores > NOTABLE_CORES:
            return "finished; other processes used its cores, so its times are too long"
        return {
            "reused": "finished earlier",
            "started": "starting",
            "compiling": f"{kernels.COMPILING} …",
            "finished": "finished",
        }[event.kind]
    now = event.progress
    trial = f"trial {now.trial}: " if now.trial is not None else ""
    left = now.seconds * (1 - now.share) / now.share if now.share > 0 else 0.0
    return (
        f"{trial}{format_seconds(now.seconds, 2)} elapsed, at most {format_seconds(left, 2)} left, "
        f"validation error {format_percent(now.valid_error)}"
    )


def show_progress(
    events: Iterator[Event], protocol: Protocol, console: Console, folder: Path
) -> None:
    """Show the events of a duel as they arrive."""
    show = _show_live if console.is_terminal else _show_plain
    show(events, protocol, console, folder)


def _name_run(protocol: Protocol) -> str:
    return "Experiment" if protocol.varies else "Duel"


def _show_live(events: Iterator[Event], protocol: Protocol, console: Console, folder: Path) -> None:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[state]}"),
    )
    where = f"{_name_run(protocol)} on {protocol.dataset}; results are saved in {folder}"
    console.print(where, highlight=False, markup=False)
    with Progress(*columns, console=console) as display:
        tasks: dict[str, Task] = {
            name: display.add_task(spec["title"], total=protocol.runs, state="waiting")
            for name, spec in protocol.contenders.items()
        }
        for event in events:
            done = {"reused": 1.0, "finished": 1.0, "started": 0.0}.get(event.kind)
            share = event.progress.share if event.progress else done or 0.0
            kind = "fit" if protocol.splits > 1 else "seed"
            seed = f"{kind} {event.cell.seed}: " if protocol.runs > 1 else ""
            if event.kind == "finished" and event.cell.seed == protocol.runs - 1:
                seed = ""
            display.update(
                tasks[event.cell.contender],
                completed=event.cell.seed + share,
                state=seed + describe(event),
            )


def _show_plain(
    events: Iterator[Event], protocol: Protocol, console: Console, folder: Path
) -> None:
    last_time = 0.0
    console.out(
        f"{_name_run(protocol)} on {protocol.dataset}; results are saved in {folder}",
        highlight=False,
    )
    for event in events:
        if event.kind == "progress" and monotonic() - last_time < PLAIN_EVERY:
            continue
        last_time = monotonic()
        console.out(f"{event.cell.key}: {describe(event)}", highlight=False)
