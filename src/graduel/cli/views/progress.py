"""Live progress of a duel: a line per contender on a terminal, otherwise plain lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn
from rich.progress import TaskID as Task
from rich.table import Column

from graduel import kernels
from graduel.duel.plan.protocol import Cell, Protocol
from graduel.duel.run.job import Event
from graduel.duel.verdict.types import NOTABLE_CORES
from graduel.metrics.metric import get_metric
from graduel.number_format import agree, format_score, format_seconds

PLAIN_EVERY = 10.0
"""Seconds between two plain lines."""
WIDE = 110
"""Columns of a terminal from which bars are shown; narrower ones need the space for words."""
MOST_NAMED = 4
"""Most fits that a plain line names."""


def describe(event: Event) -> str:
    """Return the state of a fit in words: trial, time left, validation loss so far."""
    if event.progress is None:
        if event.missing_cores > NOTABLE_CORES:
            return "finished; other processes used its cores, so its times are too long"
        return {
            "reused": "finished earlier",
            "started": "starting",
            "compiling": f"{kernels.COMPILING} …",
            "finished": "finished",
            "restarted": event.message,
            "failed": f"failed: {event.message}",
        }[event.kind]
    now = event.progress
    trial = f"trial {now.trial}: " if now.trial is not None else ""
    name, loss = now.selection or ("error", now.valid_error)
    return f"{trial}{describe_loss(name, loss)}{describe_time_left(now.share, now.seconds)}"


def describe_loss(name: str, loss: float, best: float | None = None) -> str:
    """Return the value of a metric on the validation rows, and the best one.

    Parameters
    ----------
    name : the metric
    loss, best : losses of the metric

    Examples
    --------
    >>> describe_loss("error", 0.05, 0.048), describe_loss("auc", 0.0625)
    ('validation error 5.00 % (best 4.80 %)', 'validation AUC 0.9375')
    """
    metric = get_metric(name)
    texts = [format_score(metric.shown(x), metric.unit) for x in (loss, best) if x is not None]
    return f"validation {metric.title} {texts[0]}" + (f" (best {texts[1]})" if texts[1:] else "")


def describe_time_left(share: float, seconds: float) -> str:
    """Return a comma and the time that a fit takes at most from now; empty if it is unknown.

    >>> describe_time_left(0.25, 20.0), describe_time_left(0.0, 1.0)
    (', at most 60 s left', '')
    """
    if not 0 < share < 1:
        return ""
    return f", at most {format_seconds(seconds * (1 - share) / share, 2)} left"


def describe_run(protocol: Protocol, cell: Cell) -> str:
    """Return which of a contender's fits a cell is: its fold, repeat and seed; "" for an only one.

    >>> plan = Protocol("iris", {}, split="5x2", seeds=3, versions={})
    >>> describe_run(plan, Cell("net", 22)), describe_run(plan, Cell("net", 29))
    ('fold 3 of 5, repeat 2 of 2, seed 2 of 3', 'fold 5 of 5, repeat 2 of 2, seed 3 of 3')
    """
    design = protocol.design
    split, seed = divmod(cell.seed, protocol.seeds)
    repeat, fold = divmod(split, design.folds)
    parts = [("seed", seed, protocol.seeds)]
    if design.kind == "folds":
        parts = [("fold", fold, design.folds), ("repeat", repeat, design.repeats), *parts]
    return ", ".join(f"{name} {i + 1} of {n}" for name, i, n in parts if n > 1)


def bar_columns(console: Console) -> list[ProgressColumn]:
    """Return a bar for a wide terminal; no column for a narrow one."""
    return [BarColumn(bar_width=24)] if console.width >= WIDE else []


def fold_column(field: str) -> TextColumn:
    """Return a column of text that continues in the next line where it is too long."""
    column = Column(no_wrap=False, overflow="fold")
    return TextColumn(f"{{{field}}}", table_column=column, markup=False)


def show_progress(
    events: Iterator[Event], protocol: Protocol, console: Console, folder: Path
) -> None:
    """Show the events of a duel as they arrive."""
    what = "Experiment" if protocol.varies else "Duel"
    where = f"{what} on {protocol.dataset}; results are saved in {folder}"
    if console.is_terminal:
        console.print(where, highlight=False, markup=False)
        _show_live(events, protocol, console)
        return
    console.out(where, highlight=False)
    lines = PlainLines(protocol, console)
    for event in events:
        lines.add(event)
    lines.flush()


def _show_live(events: Iterator[Event], protocol: Protocol, console: Console) -> None:
    columns = (
        fold_column("task.description"),
        *bar_columns(console),
        TextColumn("{task.percentage:>3.0f} %"),
        fold_column("task.fields[state]"),
    )
    with Progress(*columns, console=console) as display:
        tasks: dict[str, Task] = {
            name: display.add_task(spec["title"], total=protocol.runs, state="waiting")
            for name, spec in protocol.contenders.items()
        }
        for event in events:
            done = {"reused": 1.0, "finished": 1.0, "failed": 0.0, "started": 0.0}.get(event.kind)
            share = event.progress.share if event.progress else done or 0.0
            run = describe_run(protocol, event.cell)
            if event.kind == "finished" and event.cell.seed == protocol.runs - 1:
                run = ""
            display.update(
                tasks[event.cell.contender],
                completed=event.cell.seed + share,
                state=f"{run}: {describe(event)}" if run else describe(event),
            )


class PlainLines:
    """The progress of a duel where there is no terminal: a line every 10 seconds at most.

    A line has the latest state of each fit that changed since the line before.
    """

    def __init__(self, protocol: Protocol, console: Console) -> None:
        self._protocol, self._console = protocol, console
        self._last, self._states = float("-inf"), dict[Cell, Event]()

    def add(self, event: Event) -> None:
        """Record an event; print a line if the last one is 10 seconds old."""
        self._states.pop(event.cell, None)
        self._states[event.cell] = event
        if monotonic() - self._last >= PLAIN_EVERY:
            self.flush()

    def flush(self) -> None:
        """Print a line about the states since the last one, if there are any."""
        if not self._states:
            return
        events = list(self._states.values())
        named = events[-MOST_NAMED:]
        more = len(events) - len(named)
        parts = [f"{more} more {agree(more, 'fit', 'fits')} finished"] if more else []
        parts += [f"{self._name(event.cell)}: {describe(event)}" for event in named]
        self._console.out("; ".join(parts), highlight=False)
        self._states.clear()
        self._last = monotonic()

    def _name(self, cell: Cell) -> str:
        run = describe_run(self._protocol, cell)
        return f"{cell.key} ({run})" if run else cell.key
