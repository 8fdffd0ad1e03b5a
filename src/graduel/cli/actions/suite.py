"""``graduel duel`` on several data sets: a duel on each, and one report."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from graduel.cli.actions.live_session import (
    LiveObserver,
    command_line,
    open_cluster,
    print_json,
    print_next,
)
from graduel.cli.advice import fit_advice
from graduel.cli.data_source import print_findings, training_source
from graduel.cli.views.cluster_progress import ClusterProgress
from graduel.cli.views.suite_table import show
from graduel.data.table_checks import report_decisions
from graduel.duel.plan.protocol import Protocol
from graduel.duel.result.outcome import Run
from graduel.duel.run.job import Event
from graduel.duel.store.store import Store
from graduel.duel.suite.suite_api import default_folder
from graduel.duel.suite.suite_plan import SUITE_RESULT, Member, SuitePlan, plan_suite
from graduel.duel.suite.suite_runner import SuiteObserver, prepare_plan, run_plan
from graduel.report import write_report, write_suite
from graduel.report.page import PAGE


class LiveSuite(LiveObserver, SuiteObserver):
    """Observer that shows the current data set and the progress of its duel.

    On a cluster, `progress` shows all duels together.
    """

    def __init__(
        self, plan: SuitePlan, *, show_rows: bool, progress: ClusterProgress | None = None
    ) -> None:
        super().__init__(write_report, on_cluster=progress is not None)
        self._progress = progress
        self._plan, self._show_rows = plan, show_rows

    def begin(self, member: Member, protocol: Protocol) -> None:
        """Print the name of the next data set and the notes on its reading."""
        number, total = self._plan.members.index(member) + 1, len(self._plan.members)
        Console(stderr=True).out(f"{number} of {total}: {member.name}", highlight=False)
        if self._progress is not None:
            self._progress.add(protocol)
        if not member.data.is_builtin:
            print_findings(report_decisions(member.data.load()))

    def notice(self, store: Store, event: Event) -> None:
        """Show an event of one of the duels that run at the same time."""
        if self._progress is not None:
            self._progress.update(store.protocol, event)

    def is_current(self, run: Run) -> bool:
        """Return whether the report of a duel exists and shows rows as requested."""
        shown = run.result.dataset.show_rows
        return (run.path / PAGE).exists() and shown in (None, self._show_rows)

    def fail(self, member: Member, message: str) -> None:
        """Print that the duel on a data set failed."""
        typer.echo(
            f"graduel: {member.name}: {fit_advice(message)}. The other duels continue.", err=True
        )


def run(
    datasets: list[Any],
    read_options: dict[str, Any],
    *,
    out: Path | None,
    as_json: bool,
    show_rows: bool,
    cluster: dict[str, Any],
    plan_only: bool,
    **options: Any,
) -> None:
    """Run a duel on each data set, write the reports, print the result.

    Exit code 2 means that a duel failed; the others are finished.
    """
    sources = [training_source(str(text), read_options, options) for text in datasets]
    folder = out
    if plan_only:
        plan = plan_suite(sources, **options)
        folder = out if out is not None else default_folder(plan)
        observer = LiveSuite(plan, show_rows=show_rows)
        failures = prepare_plan(folder, plan, observer, command=command_line(), show_rows=show_rows)
        print_next(folder)
        if failures:
            raise typer.Exit(2)
        return
    try:
        with ExitStack() as stack:
            executor = stack.enter_context(open_cluster(cluster))
            progress = None
            if executor.slots > 1:
                progress = stack.enter_context(ClusterProgress(Console(stderr=True)))
            plan = plan_suite(sources, **options)
            folder = out if out is not None else default_folder(plan)
            suite = run_plan(
                folder,
                plan,
                LiveSuite(plan, show_rows=show_rows, progress=progress),
                command=command_line(),
                show_rows=show_rows,
                executor=executor,
            )
    except KeyboardInterrupt:
        typer.echo(
            f"graduel: stopped. Finished fits are saved in {folder}; run the same command again to "
            "resume.",
            err=True,
        )
        raise typer.Exit(130) from None
    page = write_suite(suite)
    if as_json:
        print_json(folder / SUITE_RESULT)
    else:
        show(suite, page, Console())
    if suite.result.failures:
        raise typer.Exit(2)
