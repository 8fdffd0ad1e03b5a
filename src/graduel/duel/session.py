"""Runs a duel from plan to result: folder, cells, result and training-set sizes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from graduel.cores import choose_threads
from graduel.data.finding import Finding
from graduel.data.source import DataSource
from graduel.duel.plan.protocol import Protocol
from graduel.duel.plan.protocol_builder import build_protocol
from graduel.duel.plan.threads import largest_product
from graduel.duel.plan.user_estimators import UserContender
from graduel.duel.result.dataset_summary import check_once
from graduel.duel.result.outcome import Run
from graduel.duel.result.result_builder import build_result, has_complete_result, load_run
from graduel.duel.run.cell_runs import prepare_folder, run_cells
from graduel.duel.run.executor import Executor
from graduel.duel.run.job import Event
from graduel.duel.run.local import LocalExecutor
from graduel.duel.store.plan_file import Invocation, read_threads, write_invocation
from graduel.duel.store.store import Store, open_store
from graduel.duel.suite.training_sizes import SIZES, parse_sizes, plan_sizes, shared_options
from graduel.errors import UserError


class Observer:
    """Callbacks of a session; this base class does nothing."""

    def show_findings(self, findings: Sequence[Finding]) -> None:
        """Receive the findings of the checks, before any fit."""

    def watch(self, store: Store, events: Iterator[Event]) -> None:
        """Consume the events of one folder's cells; iterating runs the cells."""
        for _ in events:
            pass

    def finish(self, run: Run) -> None:
        """Receive a result that was just built."""

    def is_current(self, run: Run) -> bool:
        """Return whether the result of an earlier command can be returned unchanged."""
        return True


@dataclass(frozen=True, slots=True)
class Session:
    """A duel, its folder and its executor.

    Attributes
    ----------
    protocol : the protocol of the duel
    data : the data set
    folder : the run's folder; a session in the folder of an interrupted run resumes it
    user_contenders : the user's own contenders in the protocol
    sizes : protocols of the smaller duels of a learning curve, by number of training rows
    executor : runs the cells
    command : the user's command, recorded in the result
    show_rows : whether reports may show rows of user data
    """

    protocol: Protocol
    data: DataSource
    folder: Path
    user_contenders: Sequence[UserContender] = ()
    sizes: Mapping[int, Protocol] = field(default_factory=dict)
    executor: Executor = field(default_factory=LocalExecutor)
    command: str = "graduel.run_duel(…)"
    show_rows: bool = False

    def run(self, observer: Observer | None = None, *, reuse_result: bool = False) -> Run:
        """Run all unfinished cells and build the result.

        Parameters
        ----------
        observer : callbacks for events and results
        reuse_result : return an earlier command's result if it is finished and current

        Raises
        ------
        UserError
            If a cell cannot be run, or the folder cannot be written or holds other files.
        WorkerError
            If a worker process dies without reporting an error.
        """
        observer = observer or Observer()
        threads = self._threads()
        with self._open(self.folder, replace(self.protocol, threads=threads), self.data) as store:
            observer.show_findings(check_once(store, self.user_contenders))
            run = self._run_store(store, observer, reuse_result)
            for size, plan in self.sizes.items():
                folder, protocol = self.folder / SIZES / str(size), replace(plan, threads=threads)
                with self._open(folder, protocol, self._saved_data()) as smaller:
                    check_once(smaller, self.user_contenders)
                    self._run_store(smaller, observer, reuse_result)
            if self.sizes:
                run = self._build_result(store, observer)
        return run

    def prepare(self, observer: Observer | None = None) -> None:
        """Write all that cells need (plan, rows of each run, data), and run none of them.

        ``graduel cells`` runs them later, also in several processes and on other machines.

        Raises
        ------
        UserError
            If a contender is an estimator of the user's, or the folder cannot be written.
        """
        if self.user_contenders:
            raise UserError(
                f"expected contenders that other processes can build; got '"
                f"{self.user_contenders[0].name}', an estimator of your own, which graduel never "
                "writes to a file. Run the duel in one command, without --plan-only"
            )
        observer, threads = observer or Observer(), self._threads()
        with self._open(self.folder, replace(self.protocol, threads=threads), self.data) as store:
            observer.show_findings(check_once(store))
            write_invocation(store.path, Invocation(self.command, self.show_rows))
            prepare_folder(store)
            for size, plan in self.sizes.items():
                folder, protocol = self.folder / SIZES / str(size), replace(plan, threads=threads)
                with self._open(folder, protocol, self._saved_data()) as smaller:
                    check_once(smaller)
                    write_invocation(smaller.path, Invocation(self.command, self.show_rows))
                    prepare_folder(smaller)

    def _threads(self) -> int:
        """Return the number of threads: the protocol's, that of a resumed run, or a new choice.

        The choice is made when a run begins and is written into its plan; each worker has one.
        """
        return (
            self.protocol.threads
            or read_threads(self.folder)
            or max(
                self.executor.threads or choose_threads(shape=largest_product(self.protocol)),
                self.protocol.workers,
            )
        )

    def _open(
        self, folder: Path, protocol: Protocol, data: DataSource
    ) -> AbstractContextManager[Store]:
        estimators = {one.name: one.pickled() for one in self.user_contenders}
        return open_store(folder, protocol, data, estimators)

    def _saved_data(self) -> DataSource:
        """Return the data source, or the copy in the main duel's folder of data in memory."""
        data = self.data
        if data.content is None:
            return data
        place = (self.folder / data.spec.file).resolve()
        return replace(data, place=place, content=None)

    def _run_store(self, store: Store, observer: Observer, reuse_result: bool) -> Run:
        is_current = reuse_result and store.all_finished() and has_complete_result(store)
        earlier = load_run(store.path) if is_current else None
        observer.watch(store, run_cells(store, self.executor))
        if earlier is not None and observer.is_current(earlier):
            return earlier
        return self._build_result(store, observer)

    def _build_result(self, store: Store, observer: Observer) -> Run:
        run = build_result(store, self.command, show_rows=self.show_rows)
        observer.finish(run)
        return run


def plan_session(
    data: DataSource,
    *,
    out: str | Path | None = None,
    sizes: str | None = None,
    user_contenders: Sequence[UserContender] = (),
    command: str = "",
    show_rows: bool = False,
    executor: Executor | None = None,
    **options: Any,
) -> Session:
    """Plan a duel, and a smaller duel for each of `sizes`.

    Parameters
    ----------
    data : the data set
    out : the run's folder; by default a folder named after the protocol
    sizes : numbers of training rows such as ``500,2000``, or ``auto``
    user_contenders : the user's own contenders
    command, show_rows, executor : see :class:`Session`
    options : see :func:`~graduel.duel.plan.protocol_builder.build_protocol`

    Raises
    ------
    UserError
        If a name is unknown or a number out of range.
    """
    row_counts = None if sizes is None else parse_sizes(sizes)
    options["user_contenders"] = user_contenders
    protocol = build_protocol(data, **options)
    smaller = {}
    if sizes is not None:
        shared = options | shared_options(protocol)
        smaller = plan_sizes(
            row_counts,
            protocol,
            data.load(),
            lambda size: build_protocol(data, **shared | {"rows": size}),
        )
    return Session(
        protocol,
        data,
        default_folder(protocol) if out is None else Path(out),
        user_contenders,
        smaller,
        executor or LocalExecutor(),
        command,
        show_rows,
    )


def default_folder(protocol: Protocol) -> Path:
    """Return the default folder of a duel; the same command gives the same folder."""
    quick = "-quick" if protocol.quick else ""
    name = re.sub(r"[^\w.-]+", "-", protocol.dataset).strip("-.")[:60] or "data"
    kind = "experiments" if protocol.varies else "duels"
    return Path(kind) / f"{name}{quick}-{protocol.digest}"
