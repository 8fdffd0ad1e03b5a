"""Run cells of a planned run while other processes do the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from graduel.duel.plan.protocol import Cell
from graduel.duel.result.result_builder import build_result, has_complete_result
from graduel.duel.run.cell_runs import run_cells
from graduel.duel.run.executor import Executor
from graduel.duel.run.job import Event
from graduel.duel.session import Observer
from graduel.duel.shards.run_folder import PlannedCell, RunFolder, check_contenders
from graduel.duel.shards.shard import Shard
from graduel.duel.store.lock import LOCKS, shared_folder
from graduel.duel.store.lock_file import acquire
from graduel.duel.store.plan_file import read_invocation
from graduel.duel.store.store import Store, share_store
from graduel.errors import UserError, WorkerError

RESULT_LOCK = "result"
COMMAND = "graduel cells"
"""The command in a result whose planning command is unknown."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What one process did, and what is left.

    Attributes
    ----------
    n_run : cells that this process ran
    cells : all cells of its shard
    failures : messages of duels whose cells could not be run
    """

    n_run: int
    cells: Sequence[PlannedCell]
    failures: tuple[UserError | WorkerError, ...]


def run_shard(
    folder: RunFolder,
    shard: Shard,
    observer: Observer | None = None,
    executor: Executor | None = None,
) -> Summary:
    """Run the missing cells of a shard; leave out those that another process runs.

    The process that finds no missing cell left in a duel and its sizes builds their results and
    deletes the data caches. A cell that fails ends the cells of its duel here; those of other duels
    are run.

    Raises
    ------
    UserError
        If a process has locked the folder for itself, it cannot be written, or a contender is an
        estimator of the user's.
    """
    check_contenders(folder)
    observer = observer or Observer()
    before = shard.select(folder.cells())
    n_run = 0
    failures: list[UserError | WorkerError] = []
    with ExitStack() as stack:
        if folder.is_suite:
            stack.enter_context(shared_folder(folder.path))
        for store in folder.stores:
            cells = [one.cell for one in before if one.store is store]
            try:
                n_run += _run_store(store, cells, observer, executor)
            except (UserError, WorkerError) as error:
                failures.append(error)
        for stores in folder.duels():
            if all(store.all_finished() for store in stores):
                build_results(stores)
    return Summary(n_run, shard.select(folder.cells()), tuple(failures))


def _run_store(
    store: Store, cells: Sequence[Cell], observer: Observer, executor: Executor | None
) -> int:
    """Run the missing cells among those of one duel; return their number."""
    missing = [cell for cell in cells if not store.is_finished(cell)]
    if not missing:
        return 0
    n_run = 0

    def count() -> Iterator[Event]:
        nonlocal n_run
        for event in run_cells(shared, executor, missing):
            n_run += event.kind == "finished"
            yield event

    with share_store(store.path) as shared:
        observer.watch(shared, count())
    return n_run


def build_results(stores: Sequence[Store]) -> None:
    """Build the results of a duel and its sizes, the duel last, from the fits that are finished.

    Results that are complete stay. If no cell is missing, the data caches are deleted.
    """
    main = stores[-1]
    is_finished = all(store.all_finished() for store in stores)
    if all(map(has_complete_result, stores)) and is_finished:
        return
    lock = acquire(main.path / LOCKS / RESULT_LOCK)
    if lock is None:  # another process builds them, for example that of a fit finished just now
        return
    try:
        stale = [
            store
            for store in stores
            if not has_complete_result(store)
            and any(map(store.is_finished, store.protocol.cells()))
        ]
        for store in [*(one for one in stale if one is not main), *([main] if stale else [])]:
            invocation = read_invocation(store.path, COMMAND)
            build_result(store, invocation.command, show_rows=invocation.show_rows)
        if is_finished:
            for store in stores:
                store.drop_cache()
    finally:
        lock.release()
