"""A duel from its plan to its result: the one orchestration of folder, cells, result and sizes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graduel.data.finding import Finding
from graduel.data.source import DataSource, open_source, sample_if_large, source_from_arrays
from graduel.data.spec import SourceSpec
from graduel.duel.plan.defaults import QUICK_ROWS
from graduel.duel.plan.protocol import Protocol
from graduel.duel.plan.protocol_builder import build_protocol
from graduel.duel.plan.user_estimators import UserContender, parse_contenders
from graduel.duel.result.dataset_summary import check_once
from graduel.duel.result.duel_result import RESULT
from graduel.duel.result.outcome import Run
from graduel.duel.result.result_builder import build_result, load_run
from graduel.duel.run.cell_runs import run_cells
from graduel.duel.run.executor import Executor
from graduel.duel.run.job import Event
from graduel.duel.run.local import LocalExecutor
from graduel.duel.store.store import Store, open_store
from graduel.duel.suite.training_sizes import SIZES, parse_sizes, plan_sizes, shared_options
from graduel.errors import UserError
from graduel.train.recipes import NetRecipe


class Observer:
    """What a session calls while it runs; this one is silent."""

    def show_findings(self, findings: Sequence[Finding]) -> None:
        """Take the findings of the checks, before anything is fitted."""

    def watch(self, store: Store, events: Iterator[Event]) -> None:
        """Consume the events of one folder's cells; they run while this is iterated."""
        for _ in events:
            pass

    def finish(self, run: Run) -> None:
        """Take a result that was just built."""

    def is_current(self, run: Run) -> bool:
        """Return whether the result of an earlier command is all that this one would write."""
        return True


@dataclass(frozen=True, slots=True)
class Session:
    """A duel and where it runs.

    Attributes
    ----------
    protocol : the duel
    data : its data set
    folder : the run's folder; a session on the folder of an interrupted one resumes it
    user_contenders : the user's own contenders among the protocol's
    sizes : by training rows, the smaller duels of a learning curve
    executor : where cells run
    command : how the user called it, for the result
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
        """Run every cell that is not finished, and build the result.

        Parameters
        ----------
        observer : called with events and results
        reuse_result : return the result of an earlier command where it is finished and current

        Raises
        ------
        UserError
            If a cell cannot be run, or the folder cannot be written or holds something else.
        WorkerError
            If a worker process dies without reporting an error.
        """
        observer = observer or Observer()
        with self._open(self.folder, self.protocol, self.data) as store:
            observer.show_findings(check_once(store, self.user_contenders))
            run = self._run_store(store, observer, reuse_result)
            for size, protocol in self.sizes.items():
                folder = self.folder / SIZES / str(size)
                with self._open(folder, protocol, self._saved_data()) as smaller:
                    check_once(smaller, self.user_contenders)
                    self._run_store(smaller, observer, reuse_result)
            if self.sizes:
                run = self._build_result(store, observer)
        return run

    def _open(
        self, folder: Path, protocol: Protocol, data: DataSource
    ) -> AbstractContextManager[Store]:
        estimators = {one.name: one.pickled() for one in self.user_contenders}
        return open_store(folder, protocol, data, estimators)

    def _saved_data(self) -> DataSource:
        """Return the data, or where the main duel's folder has saved them."""
        data = self.data
        if data.content is None:
            return data
        return DataSource(data.spec, (self.folder / data.spec.file).resolve())

    def _run_store(self, store: Store, observer: Observer, reuse_result: bool) -> Run:
        is_finished = store.all_finished() and (store.path / RESULT).exists()
        earlier = load_run(store.path) if reuse_result and is_finished else None
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
    """Plan a duel, and a smaller one for each of `sizes`.

    Parameters
    ----------
    data : the data set
    out : the folder; by default one that is named for the protocol
    sizes : numbers of training rows such as ``500,2000``, or ``auto``
    user_contenders : the user's own contenders
    command, show_rows, executor : see :class:`Session`
    options : as :func:`~graduel.duel.plan.protocol_builder.build_protocol` takes them

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
    """Return the folder of a duel without ``--out``; the same command finds it again."""
    quick = "-quick" if protocol.quick else ""
    name = re.sub(r"[^\w.-]+", "-", protocol.dataset).strip("-.")[:60] or "data"
    kind = "experiments" if protocol.varies else "duels"
    return Path(kind) / f"{name}{quick}-{protocol.digest}"


def run_duel(
    dataset: Any = "mnist",
    y: Any = None,
    *,
    contenders: Sequence[str] | Mapping[str, Any] | None = None,
    net: NetRecipe | str | None = None,
    seeds: int = 1,
    rows: int | None = None,
    quick: bool = False,
    threads: int | None = None,
    out: str | Path | None = None,
    split: str | None = None,
    metric: str | None = None,
    rope: float | None = None,
    probes: bool = True,
    budget: str | float | None = None,
    trials: int | None = None,
    show_rows: bool = False,
    sizes: Sequence[int] | str | None = None,
    **source: Any,
) -> Run:
    """Run a duel and return its result: ``graduel duel`` from Python.

    Parameters
    ----------
    dataset : the name of a data set; a file or a folder; a table of Polars or pandas with its
        target, or features with `y`
    y : the labels, where `dataset` are the features
    contenders : names; by default 'textbook', 'net' and 'xgboost'. Or classifiers of your own by
        name, ``{"mine": estimator}`` or ``{"mine": (estimator, space)}``, beside the default ones
        or beside those that the mapping names with None
    net : a recipe for the contender 'net', or changes to its default such as ``"layers=64"``
    seeds : the number of fits of each contender, with other validation rows and random numbers
    rows : train on a stratified part of the training rows
    quick : 10,000 rows and small budgets
    threads : for each contender; by default all cores
    out : the run's folder; the same call with the same folder resumes where it stopped
    split : ``given``, ``shuffle``, or folds and repeats such as ``5x2``; by default what suits
    metric : the metric that is compared and that fits are stopped by; by default the error, or log
        loss where one class has nearly all rows
    rope : the largest difference in that metric that makes no difference in practice
    probes : probe every fitted model with perturbed test rows, and compute its importances
    budget : seconds of tuning and fitting that each contender has in each run, such as ``"2m"``;
        by default each is fitted once, with its default recipe
    trials : the number of trials of a tuning instead, the default recipe the first
    show_rows : let the report show rows of your own data
    sizes : numbers of training rows for a learning curve, or ``auto``; a duel more for each, on the
        same test rows
    source : ``target``, ``categorical``, ``numeric``, ``drop``, ``bins``, ``group``, ``time``,
        ``separator``, ``decimal``, ``encoding``, ``size`` of your own data

    Raises
    ------
    UserError
        If a name is unknown, a number out of range, or the duel cannot be run.
    """
    data = resolve_source(dataset, y, source)
    data = sample_if_large(data, rows or (QUICK_ROWS if quick else None))
    names, user_contenders = parse_contenders(contenders)
    if sizes is not None and not isinstance(sizes, str):
        sizes = ",".join(map(str, sizes))
    name = repr(data.name) if data.is_builtin else "…"
    session = plan_session(
        data,
        out=out,
        sizes=sizes,
        user_contenders=user_contenders,
        command=f"graduel.run_duel({name}, …)",
        show_rows=show_rows,
        contenders=names,
        net=net,
        seeds=seeds,
        rows=rows,
        quick=quick,
        threads=threads,
        split=split,
        metric=metric,
        rope=rope,
        budget=budget,
        trials=trials,
        probes=probes,
    )
    return session.run()


def resolve_source(dataset: Any, y: Any, source: dict[str, Any]) -> DataSource:
    """Return the source of a data set that is given by name or file, or that a program holds."""
    unknown = sorted(set(source) - set(SourceSpec.__dataclass_fields__))
    if unknown:
        raise TypeError(f"run_duel() got an unexpected keyword argument {unknown[0]!r}")
    options = {
        key: tuple([value] if isinstance(value, str) else value)
        if key in ("categorical", "numeric", "drop")
        else value
        for key, value in source.items()
    }
    if not isinstance(dataset, str | Path):
        return source_from_arrays(dataset, y, **options)
    if y is not None:
        raise UserError("labels y go with features that a program holds, not with a file's name")
    return open_source(dataset, **options)
