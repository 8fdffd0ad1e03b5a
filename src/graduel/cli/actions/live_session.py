"""Run a session with live progress; if it stops early, report what is saved."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from graduel.cli.data_source import print_findings
from graduel.cli.views.cluster_progress import ClusterProgress
from graduel.cli.views.progress import show_progress
from graduel.data.finding import Finding
from graduel.data.read.named_data.database_url import without_password
from graduel.duel.result.outcome import Run
from graduel.duel.run.clusters import TLS, open_executor
from graduel.duel.run.executor import Executor
from graduel.duel.run.job import Event
from graduel.duel.run.local import LocalExecutor
from graduel.duel.session import Observer, Session
from graduel.duel.store.store import Store
from graduel.errors import UserError, WorkerError
from graduel.number_format import agree, format_quantity


class LiveObserver(Observer):
    """Observer that shows progress and writes the report of each result.

    Parameters
    ----------
    write : writes the report of a result
    on_cluster : whether the runs are on a cluster, several at the same time

    Attributes
    ----------
    page : the report written last
    store : the folder of the cells that ran last
    """

    def __init__(self, write: Callable[[Run], Path], *, on_cluster: bool = False) -> None:
        self._write, self._on_cluster = write, on_cluster
        self.page = Path()
        self.store: Store | None = None

    def show_findings(self, findings: Sequence[Finding]) -> None:
        """Print the findings of the data checks."""
        print_findings(findings)

    def watch(self, store: Store, events: Iterator[Event]) -> None:
        """Show the progress of the cells of one folder."""
        self.store, console = store, Console(stderr=True)
        if not self._on_cluster:
            show_progress(events, store.protocol, console, store.path)
            return
        with ClusterProgress(console) as progress:
            progress.add(store.protocol)
            for event in events:
                progress.update(store.protocol, event)

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
            f"{done} of {format_quantity(len(cells), 'fit')} {agree(done, 'is', 'are')} "
            f"finished and saved in {self.store.path}; run the same command again to resume"
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
    observer = LiveObserver(write, on_cluster=not isinstance(session.executor, LocalExecutor))
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


@contextmanager
def open_cluster(cluster: dict[str, Any]) -> Iterator[Executor]:
    """Return the executor for the options of a cluster; without any, cells run on this machine."""
    on = cluster.get("on")
    tls = {name: cluster[f"tls_{name}"] for name in TLS if cluster.get(f"tls_{name}")}
    with open_executor(
        on,
        retries=cluster.get("retries", 0),
        dashboard=cluster.get("dashboard", False),
        tls=tls,
        show=lambda message: typer.echo(f"graduel: {message}", err=True),
    ) as executor:
        yield executor


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

    Absolute paths are reduced to their last part, and a URL has no password: both are private.
    """
    words = [_last_name(without_password(word)) for word in sys.argv[1:]]
    command = shlex.join(["graduel", *words])
    return command.encode("utf-8", "backslashreplace").decode()


def _last_name(word: str) -> str:
    option, equals, value = word.partition("=") if word.startswith("--") else ("", "", word)
    return f"{option}{equals}{Path(value).name or value}" if Path(value).is_absolute() else word
