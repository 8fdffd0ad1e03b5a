"""Progress of a duel that is run from Python: a line on a terminal, or a bar in a notebook."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from html import escape
from time import monotonic
from typing import Any, Literal, get_args

from graduel.duel.run.job import Event
from graduel.duel.session import Observer
from graduel.duel.store.store import Store
from graduel.errors import unknown
from graduel.number_format import format_quantity, format_seconds

ProgressKind = Literal["auto", "terminal", "notebook", "none"]
UPDATE_SECONDS = 0.2
"""Least time between two updates of a fit."""


def make_observer(progress: str) -> Observer:
    """Return the observer that shows progress in that place.

    Raises
    ------
    UserError
        If `progress` is not a :data:`ProgressKind`.
    """
    if progress not in get_args(ProgressKind):
        raise unknown("progress", str(progress), get_args(ProgressKind))
    if progress == "auto":
        progress = _detect()
    if progress == "notebook":
        return NotebookProgress()
    return TerminalProgress() if progress == "terminal" else Observer()


def _detect() -> str:
    """Return where this process shows text to a person: a notebook, a terminal or nowhere."""
    ipython = sys.modules.get("IPython")
    if ipython is not None and hasattr(ipython.get_ipython(), "kernel"):
        return "notebook"
    return "terminal" if sys.stderr is not None and sys.stderr.isatty() else "none"


class ProgressObserver(Observer):
    """The number of finished fits, and the share and time of the one that is running."""

    def watch(self, store: Store, events: Iterator[Event]) -> None:
        """Consume the events, and show each as a share of all fits and a sentence."""
        protocol, started, last = store.protocol, monotonic(), 0.0
        titles = {name: spec["title"] for name, spec in protocol.contenders.items()}
        total, done = len(titles) * protocol.runs, 0
        try:
            for event in events:
                done += event.kind in ("finished", "reused")
                if event.kind == "progress" and monotonic() - last < UPDATE_SECONDS:
                    continue
                last = monotonic()
                share = event.progress.share if event.progress else 0.0
                title, number = titles[event.cell.contender], min(done + 1, total)
                text = f"{protocol.dataset}, fit {number} of {total}: {title}"
                if event.progress is not None:
                    text += f", {100 * share:.0f} % after {format_seconds(event.progress.seconds)}"
                self.show((done + share) / total, text)
            fits = ("" if done == total else f"{done} of ") + format_quantity(total, "fit")
            self.show(1.0, f"{protocol.dataset}: {fits} in {format_seconds(monotonic() - started)}")
        finally:
            self.end()

    def show(self, share: float, text: str) -> None:
        """Show the share of all fits, 0 to 1, and a sentence."""
        raise NotImplementedError

    def end(self) -> None:
        """Receive the end of the fits, or their failure."""


class TerminalProgress(ProgressObserver):
    """One line on standard error, rewritten in place."""

    def show(self, share: float, text: str) -> None:
        """Replace the line."""
        width = shutil.get_terminal_size().columns - 1
        line = f"{100 * share:3.0f} %  {text}"
        print(f"\r{line[:width]:<{width}}", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Begin a new line."""
        print(file=sys.stderr)


class NotebookProgress(ProgressObserver):
    """A bar and a sentence below the cell, replaced in place."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, share: float, text: str) -> None:
        """Replace bar and sentence."""
        from IPython.display import HTML, display

        bar = f'<progress value="{share:.3f}" max="1" aria-label="finished fits"></progress> '
        html = HTML(bar + escape(text))
        if self._handle is None:
            self._handle = display(html, display_id=True)
        else:
            self._handle.update(html)

    def end(self) -> None:
        """Leave the last state in place; the next duel has a display of its own."""
        self._handle = None
