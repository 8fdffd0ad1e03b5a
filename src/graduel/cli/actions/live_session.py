"""Run a session with live progress; if it stops early, report what is saved."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import typer
from rich.console import Console

from graduel.cli.data_source import print_findings
from graduel.cli.views.progress import show_progress
from graduel.data.finding import Finding
from graduel.duel.result.outcome import Run
from graduel.duel.run.executor import WorkerError
from graduel.duel.run.job import Event
from graduel.duel.session import Observer, Session
from graduel.duel.store.store import Store
from graduel.errors import UserError


class LiveObserver(Observer):
    """Observer that shows progress and writes the report of each result.

    Attributes
    ----------
    page : the report written last
    store : the folder of the cells that ran last
    """

    def __init__(self, write: Callable[[Run], Path]) -> None:
        self._write = write
        self.page = Path()
        self.store: Store | None = None

    def show_findings(self, findings: Sequence[Finding]) -> None:
        """Print the findings of the data checks."""
        print_findings(findings)

    def watch(self, store: Store, events: Iterator[Event]) -> None:
        """Show the progress of the cells of one folder."""
        self.store = store
        show_progress(events, store.protocol, Console(stderr=True), store.path)

    def finish(self, run: Run) -> None:
        """Write the report of a result."""
        self.page = self._write(run)

    def saved(self) -> tuple[int, str]:
        """Return the number of saved fits, and a sentence about them."""
        if self.store is None:
            return 0, ""
        cells = list(self.store.protocol.cells())
        done = sum(map(self.store.is_finished, cells))
        return done, (
            f"{done} of {len(cells)} fits are finished and saved in {self.store.path}; "
            "run the same command again to resume"
        )


def run_live(session: Session, write: Callable[[Run], Path]) -> tuple[Run, Path]:
    """Run a session with live progress; return its result and the path of its report.

    Raises
    ------
    typer.Exit
        If Ctrl-C or the death of a worker process stops it; stderr reports what is saved.
    UserError
        If it cannot be run.
    """
    observer = LiveObserver(write)
    try:
        return session.run(observer), observer.page
    except KeyboardInterrupt:
        if observer.store is None:
            raise
        typer.echo(f"graduel: stopped. {observer.saved()[1]}.", err=True)
        raise typer.Exit(130) from None
    except WorkerError as error:
        typer.echo(f"graduel: {error}. {observer.saved()[1]}.", err=True)
        raise typer.Exit(1) from None
    except UserError as error:
        done, saved = observer.saved()
        if done:
            raise UserError(f"{error}. {saved}") from None
        raise


def prepare(session: Session) -> None:
    """Write the plan and the data of a session, and print the command that comes next."""
    session.prepare(LiveObserver(lambda run: run.path))
    print_next(session.folder)


def print_next(folder: Path) -> None:
    """Print the folder of a plan and the command that runs its cells."""
    place = shlex.quote(str(folder))
    typer.echo(f"Planned in {folder}. Run the fits: graduel cells {place} --shard 1/N")


def print_json(path: Path) -> None:
    """Write a result file to standard output."""
    sys.stdout.write(path.read_text(encoding="utf-8"))


def command_line() -> str:
    """Return the command line, quoted for a shell; bytes that are not text are escaped.

    Absolute paths are reduced to their last part: the location of files is private.
    """
    words = [_last_name(word) for word in sys.argv[1:]]
    command = shlex.join(["graduel", *words])
    return command.encode("utf-8", "backslashreplace").decode()


def _last_name(word: str) -> str:
    option, equals, value = word.partition("=") if word.startswith("--") else ("", "", word)
    return f"{option}{equals}{Path(value).name or value}" if Path(value).is_absolute() else word
