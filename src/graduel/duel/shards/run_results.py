"""Bring the results of a planned run up to date with the fits that are finished."""

from __future__ import annotations

from graduel.duel.result.duel_result import RESULT, read_result
from graduel.duel.result.suite_result import Failure
from graduel.duel.shards.run_folder import RunFolder
from graduel.duel.shards.shared_run import COMMAND, build_results
from graduel.duel.store.plan_file import read_invocation
from graduel.duel.suite.suite_plan import FAILURES, SUITE_RESULT, read_suite_plan
from graduel.duel.suite.suite_runner import build_suite_result, load_suite
from graduel.errors import UserError
from graduel.number_format import agree, format_quantity
from graduel.serialize import from_plain, read_json, write_json


def update_results(folder: RunFolder) -> None:
    """Build the results that are missing or unfinished; finished ones stay.

    Raises
    ------
    UserError
        If no fit is finished, or in a suite those of no data set.
    """
    has_result = folder.is_suite and (folder.path / SUITE_RESULT).exists()
    if has_result and not load_suite(folder.path).result.unfinished:
        return
    cells = folder.cells()
    mains = [stores[-1] for stores in folder.duels()]
    if not folder.is_suite and not any(map(mains[0].is_finished, mains[0].protocol.cells())):
        raise UserError(
            f"expected a finished fit in {folder.path}; got none of {len(cells)}. Run graduel "
            f"cells {folder.path}, or repeat the command of the run"
        )
    for stores in folder.duels():
        if any(map(stores[-1].is_finished, stores[-1].protocol.cells())):
            build_results(stores)
    if folder.is_suite:
        _build_suite_result(folder)


def _build_suite_result(folder: RunFolder) -> None:
    """Write the comparison across the finished data sets of a suite."""
    results, unfinished = {}, []
    for stores in folder.duels():
        name, path = stores[-1].path.name, stores[-1].path
        result = read_result(path) if (path / RESULT).exists() else None
        if result is not None and result.missing is None:
            results[name] = result
        else:
            cells = list(stores[-1].protocol.cells())
            missing = sum(not stores[-1].is_finished(cell) for cell in cells)
            fits = format_quantity(len(cells), "fit")
            message = f"{missing} of {fits} {agree(missing, 'is', 'are')} missing"
            unfinished.append(Failure(name=name, message=message))
    if not results:
        raise UserError(
            f"expected a data set in {folder.path} with all fits finished; got none of "
            f"{len(unfinished) + len(folder.unplanned)}. Run graduel cells {folder.path}, or give "
            "the folder of one data set"
        )
    command = read_invocation(folder.path, COMMAND).command
    plan = read_suite_plan(folder.path)
    suite = build_suite_result(plan, results, _read_failures(folder), command, unfinished)
    write_json(folder.path / SUITE_RESULT, suite)


def _read_failures(folder: RunFolder) -> list[Failure]:
    """Return the data sets without a plan, with the reasons that ``--plan-only`` recorded."""
    path = folder.path / FAILURES
    known = from_plain(list[Failure], read_json(path), str(path)) if path.exists() else []
    reasons = {one.name: one.message for one in known}
    return [
        Failure(name=name, message=reasons.get(name, "it has no plan")) for name in folder.unplanned
    ]
