"""``graduel duel``: run a duel or a suite, write its report, print the result."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from graduel.cli.actions.live_session import (
    command_line,
    open_cluster,
    prepare,
    print_json,
    run_live,
)
from graduel.cli.data_source import training_source
from graduel.cli.table_roles import check_roles, concat_tables
from graduel.cli.views.duel_table import show
from graduel.duel.plan.user_estimators import load_contender
from graduel.duel.result.duel_result import RESULT
from graduel.duel.session import plan_session
from graduel.duel.suite.suite_api import expand_datasets
from graduel.errors import UserError
from graduel.report import write_report


def run(
    datasets: list[str] | None,
    read_options: dict[str, Any],
    *,
    contenders: tuple[str, ...] | None,
    contender: tuple[str, ...] | None,
    no_probes: bool,
    as_json: bool,
    sizes: tuple[str, ...] | None,
    cluster: dict[str, Any],
    plan_only: bool,
    suite: bool,
    concat: bool,
    **options: Any,
) -> None:
    """Run a duel, write its report, print the result; with several data sets, run a suite."""
    datasets = datasets or ["mnist"]
    options |= {
        "contenders": None if contenders is None else list(contenders),
        "user_contenders": [load_contender(text) for text in contender or ()],
        "probes": not no_probes,
    }
    if not (suite or concat):
        check_roles(datasets, read_options)
    every = datasets[:1] if concat else expand_datasets(datasets)
    if suite or len(every) > 1 or every != datasets[:1]:
        if "test" in read_options:
            raise UserError(
                f"--test: expected one data set; got {len(every)}. Give one, or leave --test out"
            )
        if sizes is not None:
            raise UserError(
                f"--sizes: expected one data set; got {len(every)}. Give one, or leave --sizes out"
            )
        from graduel.cli.actions.suite import run as run_suite

        run_suite(
            every, read_options, as_json=as_json, plan_only=plan_only, cluster=cluster, **options
        )
        return
    if concat:
        data = concat_tables(datasets, read_options)
    else:
        data = training_source(datasets[0], read_options, options)
    with open_cluster({} if plan_only else cluster) as executor:
        session = plan_session(
            data,
            sizes=None if sizes is None else ",".join(sizes),
            command=command_line(),
            executor=executor,
            **options,
        )
        if plan_only:
            prepare(session)
            return
        result, page = run_live(session, write_report)
    if as_json:
        print_json(session.folder / RESULT)
    else:
        show(result, page, Console())
