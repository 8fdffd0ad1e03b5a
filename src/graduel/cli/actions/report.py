"""``graduel report``: render the page of a finished duel, experiment or suite again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from graduel.cli.actions.live_session import print_json
from graduel.cli.views import duel_table, suite_table
from graduel.duel.result.duel_result import RESULT
from graduel.duel.result.result_builder import load_run
from graduel.duel.store.plan_file import PLAN
from graduel.duel.suite.suite_plan import SUITE, SUITE_RESULT
from graduel.duel.suite.suite_runner import load_suite
from graduel.errors import UserError
from graduel.report import write_experiment, write_report, write_suite

Show = Callable[[Console], None]
"""Shows the result on the screen."""


def run(folder: Path, *, as_json: bool) -> None:
    """Render the page again, and show the result.

    Raises
    ------
    UserError
        If the folder holds nothing finished, or its files are damaged.
    """
    if not folder.is_dir():
        raise UserError(
            f"expected the folder of a finished duel, experiment or suite; {folder} is "
            f"{'a file' if folder.exists() else 'not there'}"
        )
    is_suite = (folder / SUITE).exists() or (folder / SUITE_RESULT).exists()
    if not is_suite and not (folder / PLAN).exists():
        raise UserError(
            f"expected the folder of a finished duel, experiment or suite; {folder} holds none "
            f"({PLAN} or {SUITE} is not there)"
        )
    result = folder / (SUITE_RESULT if is_suite else RESULT)
    if not result.exists():
        raise UserError(
            f"{folder} is not finished: it has no {result.name}. The same command goes on from "
            "where it stopped"
        )
    try:
        show = _suite(folder) if is_suite else _duel(folder)
    except (KeyError, TypeError, IndexError, AttributeError, StopIteration) as error:
        raise UserError(
            f"{folder}: its result lacks what a report needs ({type(error).__name__}: {error}). "
            "Run the same command again to make it anew"
        ) from None
    if as_json:
        print_json(result)
    else:
        show(Console())


def _duel(folder: Path) -> Show:
    """Render a duel's page, or draw an experiment's picture."""
    duel = load_run(folder)
    if duel.result.protocol.varies:
        picture = write_experiment(duel)
        return lambda console: duel_table.show_experiment(duel, picture, console)
    page = write_report(duel)
    return lambda console: duel_table.show(duel, page, console)


def _suite(folder: Path) -> Show:
    """Render the page of every data set, then the suite's own."""
    suite = load_suite(folder)
    for dataset in suite.result.datasets:
        write_report(load_run(folder / dataset.name))
    page = write_suite(suite)
    return lambda console: suite_table.show(suite, page, console)
