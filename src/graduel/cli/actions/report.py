"""``graduel report``: render the report of a duel, experiment or suite, finished or not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from graduel.cli.actions.live_session import print_json
from graduel.cli.views import duel_table, suite_table
from graduel.duel.result.duel_result import RESULT
from graduel.duel.result.result_builder import load_run
from graduel.duel.shards.run_folder import read_run_folder
from graduel.duel.shards.run_results import update_results
from graduel.duel.store.plan_file import PLAN
from graduel.duel.suite.suite_plan import SUITE, SUITE_RESULT
from graduel.duel.suite.suite_runner import load_suite
from graduel.errors import UserError
from graduel.report import write_experiment, write_report, write_suite

Show = Callable[[Console], None]
"""Prints a result."""


def run(folder: Path, *, as_json: bool) -> None:
    """Render the report again, and print the result.

    Raises
    ------
    UserError
        If the folder has no finished fit, or its files are damaged.
    """
    if not folder.is_dir():
        raise UserError(
            f"expected the folder of a finished duel, experiment or suite; {folder} "
            f"{'is a file' if folder.exists() else 'does not exist'}"
        )
    is_suite = (folder / SUITE).exists() or (folder / SUITE_RESULT).exists()
    if not is_suite and not (folder / PLAN).exists():
        raise UserError(
            f"expected the folder of a finished duel, experiment or suite; {folder} has no {PLAN} "
            f"or {SUITE}"
        )
    result = folder / (SUITE_RESULT if is_suite else RESULT)
    if (folder / (SUITE if is_suite else PLAN)).exists():
        try:
            planned = read_run_folder(folder)
        except UserError as error:
            if result.exists():
                raise
            raise UserError(
                f"{folder} is not finished: it has no {result.name}, and {error}"
            ) from None
        update_results(planned)
    try:
        show = _suite(folder) if is_suite else _duel(folder)
    except (KeyError, TypeError, IndexError, AttributeError, StopIteration) as error:
        raise UserError(
            f"{folder}: its result is incomplete ({type(error).__name__}: {error}). Run its "
            "command again"
        ) from None
    if as_json:
        print_json(result)
    else:
        show(Console())


def _duel(folder: Path) -> Show:
    """Write the report of a duel or an experiment."""
    duel = load_run(folder)
    if duel.result.protocol.varies:
        picture = write_experiment(duel)
        return lambda console: duel_table.show_experiment(duel, picture, console)
    page = write_report(duel)
    return lambda console: duel_table.show(duel, page, console)


def _suite(folder: Path) -> Show:
    """Write the report of each data set, then that of the suite."""
    suite = load_suite(folder)
    names = [one.name for one in suite.result.datasets]
    names += [one.name for one in suite.result.unfinished]
    for name in names:
        if (folder / name / RESULT).exists():
            write_report(load_run(folder / name))
    page = write_suite(suite)
    return lambda console: suite_table.show(suite, page, console)
