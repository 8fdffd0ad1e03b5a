"""Live progress of duels on a cluster: what runs where, and how much is done."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from graduel.cli.views.progress import PLAIN_EVERY, describe
from graduel.duel.plan.protocol import Protocol
from graduel.duel.run.job import Event
from graduel.number_format import format_count, format_seconds

STRAGGLER = 3.0
"""A run that takes longer than the median finished run by this factor is marked."""
TOLD = ("started", "retried", "restarted", "finished", "failed", "compiling")


@dataclass(slots=True)
class _Running:
    """A run on a worker."""

    title: str
    worker: str
    since: float
    state: str = "starting"


@dataclass(slots=True)
class ClusterProgress:
    """A table of all runs on a cluster; a line for each event where there is no terminal.

    Use it as a context manager, and call :meth:`add` for each duel before its events.
    """

    console: Console
    _live: Live | None = None
    _total: int = 0
    _done: int = 0
    _retried: int = 0
    _failed: int = 0
    _seconds: list[float] = field(default_factory=list)
    _running: dict[tuple[str, str], _Running] = field(default_factory=dict)
    _told: float = 0.0

    def __enter__(self) -> ClusterProgress:
        if self.console.is_terminal:
            self._live = Live(get_renderable=self._draw, console=self.console, refresh_per_second=4)
            self._live.start()
        return self

    def __exit__(self, *_: Any) -> None:
        if self._live is not None:
            self._live.stop()

    def add(self, protocol: Protocol) -> None:
        """Count the runs of a duel."""
        self._total += len(list(protocol.cells()))

    def update(self, protocol: Protocol, event: Event) -> None:
        """Show an event of a duel."""
        key, now = (protocol.dataset, event.cell.key), monotonic()
        if event.kind == "started":
            title = f"{protocol.dataset}: {event.cell.key}"
            self._running[key] = _Running(title, event.worker, now)
        elif event.kind in ("finished", "reused"):
            self._done += 1
        elif event.kind == "retried":
            self._retried += 1
        elif event.kind == "failed":
            self._failed += 1
        ended = event.kind in ("finished", "failed", "retried")
        running = self._running.pop(key, None) if ended else self._running.get(key)
        if running is not None and event.kind == "finished":
            self._seconds.append(now - running.since)
        if running is not None and event.kind in ("progress", "compiling", "restarted"):
            running.state = describe(event)
        if self._live is None and self._is_told(event, now):
            self._told = now
            where = f" on worker {running.worker}" if running and running.worker else ""
            what = event.message or describe(event)
            self.console.out(
                f"{protocol.dataset}: {event.cell.key}{where}: {what}", highlight=False
            )

    def _is_told(self, event: Event, now: float) -> bool:
        return event.kind in TOLD or (event.kind == "progress" and now - self._told > PLAIN_EVERY)

    def _draw(self) -> Group:
        """Return the summary, and a row for each run that is on a worker."""
        table = Table(box=None, pad_edge=False, show_header=bool(self._running))
        for heading in ("Run", "Worker", "Since", "State"):
            table.add_column(heading, overflow="fold")
        now, usual = monotonic(), self._median()
        for one in list(self._running.values()):
            seconds = now - one.since
            slow = " (slow)" if usual and seconds > STRAGGLER * usual and seconds > 10 else ""
            since = format_seconds(seconds, 2) + slow
            table.add_row(*map(Text, (one.title, one.worker, since, one.state)))
        return Group(Text(self._summary()), table)

    def _median(self) -> float | None:
        return sorted(self._seconds)[len(self._seconds) // 2] if self._seconds else None

    def _summary(self) -> str:
        parts = [f"{self._done} of {format_count(self._total)} runs done"]
        parts += [f"{len(self._running)} running"] if self._running else []
        parts += [f"{self._retried} started again"] if self._retried else []
        parts += [f"{self._failed} failed"] if self._failed else []
        left = self._total - self._done - self._failed
        if self._seconds and left and self._running:
            mean = sum(self._seconds) / len(self._seconds)
            parts.append(f"about {format_seconds(mean * left / len(self._running), 2)} left")
        return ", ".join(parts)
