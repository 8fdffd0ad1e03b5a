"""Running the cells of a duel: jobs out of the store, results back into it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

from graduel.contenders.search.trials import require_optuna
from graduel.contenders.search.tuning import count_curve_points
from graduel.data import Dataset
from graduel.duel.plan.protocol import Cell
from graduel.duel.plan.splits import Split
from graduel.duel.run.cell import search_space
from graduel.duel.run.executor import Executor, WorkerError
from graduel.duel.run.job import CellJob, Event
from graduel.duel.run.local import LocalExecutor
from graduel.duel.store.store import Store
from graduel.errors import UserError


def run_cells(store: Store, executor: Executor | None = None) -> Iterator[Event]:
    """Run every cell that is not finished; yield what happens.

    This process alone writes the store: each finished cell, and of a tuning its curve and each
    finished trial. Closing the generator, or an exception in the loop over it (Ctrl-C), ends the
    work that is under way; finished cells stay.

    Parameters
    ----------
    store : the duel's folder
    executor : where cells run; by default in processes of this machine

    Raises
    ------
    UserError
        If a cell cannot be run as planned (a network diverges, the disk is full).
    WorkerError
        If a worker process dies without reporting an error.
    """
    if not store.all_finished():
        store.cache_dataset()
    _write_splits(store)
    cells = list(store.protocol.cells())
    for cell in cells:
        if store.is_finished(cell):
            yield Event(cell, "reused")
    jobs = (make_job(store, cell) for cell in cells if not store.is_finished(cell))
    with closing((executor or LocalExecutor()).run(jobs)) as events:
        for event in events:
            _record_event(store, event)
            if event.kind not in ("curve", "trial"):  # these are for the store alone
                yield event
    store.drop_cache()


def make_job(store: Store, cell: Cell) -> CellJob:
    """Return the job of a cell; a tuning that was interrupted is resumed."""
    estimator = store.estimators.get(cell.contender)
    job = CellJob(
        store.protocol,
        cell,
        store.read_split(cell.seed),
        str(store.path.resolve()),
        estimator,
        () if estimator is None else tuple(os.path.abspath(entry) for entry in sys.path),
    )
    if not store.protocol.is_tuned:
        return job
    require_optuna()  # now, so that its import takes no time from the cores while a fit is timed
    trials = store.trial_log(cell).read(_space(store, cell))
    n_points, curve = count_curve_points(trials), store.read_curve(cell)
    if len(curve) < n_points:
        raise UserError(
            f"{store.tuning}: the curve of {cell.key} does not fit its trials; the files are "
            "damaged. Delete this folder, and the search begins anew"
        )
    return replace(job, curve=curve[:n_points], trials=tuple(trials))


def _record_event(store: Store, event: Event) -> None:
    """Write what an event brings; raise the error that it tells of."""
    cell = event.cell
    try:
        if event.curve is not None:
            store.write_curve(cell, event.curve)
        elif event.trial is not None:
            store.trial_log(cell).add(event.trial, _space(store, cell))
        elif event.result is not None:
            store.write_cell(cell, event.result.files)
    except OSError as error:
        message = f"{error.filename or store.path}: {error.strerror or error}"
        raise UserError(f"{cell.contender}: {message}") from None
    if event.kind == "failed":
        raise (
            WorkerError(event.message)
            if event.died
            else UserError(f"{cell.contender}: {event.message}")
        )


def _space(store: Store, cell: Cell) -> Any:
    return search_space(store.protocol, cell, image=not store.dataset().columns)


def _write_splits(store: Store) -> None:
    """Fix the rows of every run that has none yet."""
    protocol = store.protocol
    missing = [run for run in range(protocol.runs) if not store.has_split(run)]
    if not missing:
        return
    dataset = store.dataset()
    for run in missing:
        rows = protocol.split_rows(dataset, run)
        store.write_split(run, rows, **_test_labels(store, dataset, rows))


def _test_labels(store: Store, dataset: Dataset, rows: Split) -> dict[str, Any]:
    """Return what is saved beside the row numbers of user data, so that they can be scored."""
    if store.protocol.source is None:
        return {}
    table = dataset.inferred_table
    return {
        "truth": dataset.y[rows.test],
        "valid_truth": dataset.y[rows.valid],
        "places": None if table is None else table.rows[rows.test],
    }
