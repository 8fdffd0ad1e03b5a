"""``graduel experiment``: train variants of a network, plot their curves, print a table."""

from __future__ import annotations

from pathlib import Path
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
from graduel.cli.views.duel_table import show_experiment
from graduel.duel.plan.experiment import plan_experiment
from graduel.duel.result.duel_result import RESULT
from graduel.duel.session import Session, default_folder
from graduel.report import write_experiment


def run(
    dataset: str,
    read_options: dict[str, Any],
    *,
    vary: str | None,
    out: Path | None,
    as_json: bool,
    cluster: dict[str, Any],
    plan_only: bool,
    **options: Any,
) -> None:
    """Run an experiment, write its figure, print its table."""
    data = training_source(dataset, read_options, options)
    with open_cluster({} if plan_only else cluster) as executor:
        protocol = plan_experiment(data, vary=vary or [], **options)
        session = Session(
            protocol,
            data,
            out or default_folder(protocol),
            executor=executor,
            command=command_line(),
        )
        if plan_only:
            prepare(session)
            return
        result, picture = run_live(session, write_experiment)
    if as_json:
        print_json(session.folder / RESULT)
    else:
        show_experiment(result, picture, Console())
