"""Run the cells of a duel: create jobs from the store and write their results to it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

from graduel.contenders.search.trials import require_optuna
from graduel.contenders.search.tuning import count_curve_points
from graduel.data import Dataset
from graduel.duel.plan.protocol import Cell
from graduel.duel.plan.splits import Split
from graduel.duel.run.cell import search_space
from graduel.duel.run.executor import Executor
from graduel.duel.run.job import CellJob, Event
from graduel.duel.run.local import LocalExecutor
from graduel.duel.store.lock_file import STALE_SECONDS, LockFile
from graduel.duel.store.store import Store
from graduel.errors import UserError, WorkerError


def run_cells(
    store: Store, executor: Executor | None = None, cells: Sequence[Cell] | None = None
) -> Iterator[Event]:
    """Run all unfinished cells, or those of `cells`, and yield their events.

    Only this process writes to the store: each finished cell and, in a hyperparameter search, each
    finished trial and the curve. In a shared folder it writes those of cells whose lock it holds,
    and leaves out cells that other processes run. If a contender fails, the others are run, and the
    store records why it is missing; the next run tries again. Closing the generator, or an
    exception in the loop over it (Ctrl-C), stops the running work; finished cells stay stored.

    Parameters
    ----------
    store : the duel's folder
    executor : runs the cells; by default in processes on this machine
    cells : the cells to run; by default all cells of the duel

    Raises
    ------
    UserError
        If a cell cannot be run as planned (a network diverges, the disk is full): in a shared
        folder at once, otherwise if fewer than two contenders are left.
    WorkerError
        If a worker process dies without reporting an error.
    """
    if not store.is_shared:
        prepare_folder(store)
    cells = list(store.protocol.cells()) if cells is None else cells
    for cell in cells:
        if store.is_finished(cell):
            yield Event(cell, "reused")
    locks: dict[Cell, LockFile] = {}
    failures: dict[str, str] = {}
    jobs = (
        make_job(store, cell)
        for cell in cells
        if cell.contender not in failures and _can_start(store, cell, locks)
    )
    try:
        with closing((executor or LocalExecutor()).run(jobs)) as events:
            for event in events:
                if event.kind == "failed" and not (event.died or store.is_shared):
                    failures.setdefault(event.cell.contender, event.message)
                    yield event
                    continue
                _record_event(store, event, locks)
                if event.kind not in ("curve", "trial"):  # those are only for the store
                    yield event
    finally:
        for lock in locks.values():
            lock.release()
    if store.is_shared:
        return
    store.write_failures(failures)
    if failures and len({cell.contender for cell in cells} - failures.keys()) < 2:
        name, message = next(iter(failures.items()))
        raise UserError(f"{name}: {message}")
    store.drop_cache()


def prepare_folder(store: Store) -> None:
    """Write the data cache and the rows of each run, which jobs need."""
    if not store.all_finished():
        store.cache_dataset()
    _write_splits(store)


def _can_start(store: Store, cell: Cell, locks: dict[Cell, LockFile]) -> bool:
    """Return whether a cell is to be run here; in a shared folder, lock it first."""
    if store.is_finished(cell) or not store.is_shared:
        return not store.is_finished(cell)
    lock = store.lock_cell(cell)
    if lock is None:
        return False
    if store.is_finished(cell):  # since it was last looked at
        lock.release()
        return False
    locks[cell] = lock
    return True


def make_job(store: Store, cell: Cell) -> CellJob:
    """Return the job of a cell, with the state of an interrupted hyperparameter search."""
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
    require_optuna()  # imports it now, not during a timed fit
    trials = store.trial_log(cell).read(_space(store, cell))
    n_points, curve = count_curve_points(trials), store.read_curve(cell)
    if len(curve) < n_points:
        raise UserError(
            f"{store.tuning}: the curve of {cell.key} has {len(curve)} points, its trials need "
            f"{n_points}; the files are damaged. Delete this folder to restart the search"
        )
    return replace(job, curve=curve[:n_points], trials=tuple(trials))


def _record_event(store: Store, event: Event, locks: dict[Cell, LockFile]) -> None:
    """Write an event's content to the store; raise the error of a failure."""
    cell = event.cell
    if store.is_shared and not locks[cell].is_held():
        raise UserError(
            f"{cell.key}: expected to hold its lock; another process has taken it over, because "
            f"this one did not refresh it for {STALE_SECONDS / 60:.0f} minutes. Run the command "
            "again for the cells that are missing"
        )
    try:
        if event.curve is not None:
            store.write_curve(cell, event.curve)
        elif event.trial is not None:
            store.trial_log(cell).add(event.trial, _space(store, cell))
        elif event.result is not None:
            store.write_cell(cell, event.result.files)
            if store.is_shared:
                locks.pop(cell).release()
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
    """Write the rows of each run that has no split yet."""
    protocol = store.protocol
    missing = [run for run in range(protocol.runs) if not store.has_split(run)]
    if not missing:
        return
    dataset = store.dataset()
    for run in missing:
        rows = protocol.split_rows(dataset, run)
        store.write_split(run, rows, **_test_labels(store, dataset, rows))


def _test_labels(store: Store, dataset: Dataset, rows: Split) -> dict[str, Any]:
    """Return the labels to save with the split of user data; evaluation then needs no data file."""
    if store.protocol.source is None:
        return {}
    table = dataset.inferred_table
    return {
        "truth": dataset.y[rows.test],
        "valid_truth": dataset.y[rows.valid],
        "places": None if table is None else table.rows[rows.test],
    }
