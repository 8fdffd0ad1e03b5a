"""``graduel duel`` on several data sets: a duel on each, and one page over all."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from graduel.cli.actions.duel import split_names
from graduel.cli.actions.run_cells import command_line
from graduel.cli.data_source import parse_source, print_warnings, resolve_source
from graduel.cli.views.progress import show_progress
from graduel.cli.views.suite_table import show
from graduel.data.source import DataSource
from graduel.duel.plan.user_estimators import UserContender, estimator_warnings
from graduel.duel.result.build import build_result
from graduel.duel.result.outcome import Run
from graduel.duel.run.executor import run_cells
from graduel.duel.store.store import Store
from graduel.duel.suite.api import default_folder
from graduel.duel.suite.plan_suite import SUITE_RESULT, Member, plan_suite
from graduel.duel.suite.run_suite import load_if_finished, run_plan
from graduel.report import write_report, write_suite
from graduel.report.page import PAGE


def run(
    datasets: list[Any],
    described: dict[str, Any],
    *,
    mine: list[UserContender],
    out: Path | None,
    as_json: bool,
    show_rows: bool,
    contenders: str | None,
    net: str | None,
    **options: Any,
) -> None:
    """Duel on every data set, write the pages, show the result.

    Exit code 2 says that a data set could not be duelled on; the others are finished all the same.
    """
    plan = plan_suite(
        [resolve_source(parse_source(str(text), described), options) for text in datasets],
        contenders=split_names(contenders),
        net=net,
        mine=mine,
        **options,
    )
    folder = out if out is not None else default_folder(plan)
    console = Console(stderr=True)
    total, number = len(plan.members), {m.name: i for i, m in enumerate(plan.members, 1)}

    def fight(member: Member, store: Store) -> Run:
        console.out(f"{number[member.name]} of {total}: {member.name}", highlight=False)
        if isinstance(member.data, DataSource):
            print_warnings(member.data, store.protocol, console)
        for line in estimator_warnings(mine, store.protocol):
            console.out(f"warning: {line}", highlight=False)
        before = load_if_finished(store)
        show_progress(run_cells(store), store.protocol, console, store.path)
        if before is not None and _same_page(before, show_rows):
            return before
        finished = build_result(store, command_line(), show_rows=show_rows)
        write_report(finished)
        return finished

    def failed(member: Member, message: str) -> None:
        typer.echo(f"graduel: {member.name}: {message}. The others go on.", err=True)

    try:
        suite = run_plan(folder, plan, fight=fight, failed=failed, command=command_line())
    except KeyboardInterrupt:
        typer.echo(
            f"graduel: stopped. What is finished is kept in {folder}; the same command goes on "
            "from there.",
            err=True,
        )
        raise typer.Exit(130) from None
    page = write_suite(suite)
    if as_json:
        sys.stdout.write((folder / SUITE_RESULT).read_text(encoding="utf-8"))
    else:
        show(suite, page, Console())
    if suite.result.failures:
        raise typer.Exit(2)


def _same_page(before: Run, show_rows: bool) -> bool:
    """Tell whether an earlier command left the page that this one would write."""
    shown = before.result.dataset.show_rows
    return (before.path / PAGE).exists() and shown in (None, show_rows)
