"""Run a suite, data set by data set, and build its result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from statistics import mean
from threading import Lock

from graduel.cores import choose_threads
from graduel.data.finding import Finding
from graduel.duel.plan.protocol import Protocol
from graduel.duel.result.duel_result import (
    ContenderResult,
    MetricSummary,
    Result,
    metric_fields,
)
from graduel.duel.result.environment import describe_environment
from graduel.duel.result.outcome import Run, Suite
from graduel.duel.result.suite_result import (
    Failure,
    LogLossVerdict,
    SuiteContender,
    SuiteDataset,
    SuiteEntry,
    SuiteProtocol,
    SuiteResult,
)
from graduel.duel.run.cluster_view import LostClusterError
from graduel.duel.run.executor import Executor
from graduel.duel.run.job import Event
from graduel.duel.run.local import LocalExecutor
from graduel.duel.session import Observer, Session
from graduel.duel.store.plan_file import Invocation, read_threads, write_invocation
from graduel.duel.store.store import Store
from graduel.duel.suite.suite_plan import (
    FAILURES,
    SUITE,
    SUITE_RESULT,
    Member,
    SuitePlan,
    open_suite,
)
from graduel.duel.verdict.datasets import compare_datasets
from graduel.errors import UserError, WorkerError
from graduel.metrics.metric import Metric, default_rope, get_metric
from graduel.serialize import from_plain, read_json, write_json

SECOND_METRIC = "log_loss"
"""Compared in addition to another metric, because errors do not measure the probabilities."""


class SuiteObserver(Observer):
    """Callbacks of a suite and its sessions; this base class does nothing.

    On a cluster several duels run at the same time. Their events then go to ``notice`` instead of
    ``watch``. The callbacks are called from several threads, but never two at once.
    """

    def notice(self, store: Store, event: Event) -> None:
        """Receive an event of one of several duels that run at the same time."""

    def begin(self, member: Member, protocol: Protocol) -> None:
        """Receive the data set whose duel starts next."""

    def fail(self, member: Member, message: str) -> None:
        """Receive a data set whose duel failed."""


def run_plan(
    path: Path,
    plan: SuitePlan,
    observer: SuiteObserver | None = None,
    *,
    command: str = "graduel.run_suite([…], …)",
    show_rows: bool = False,
    executor: Executor | None = None,
) -> Suite:
    """Run the duel on each data set and write ``suite-result.json``.

    A data set whose duel fails is listed in the result's failures and does not stop the others.

    Raises
    ------
    UserError
        If the folder cannot be written or holds other files, or the cluster is lost. Finished runs
        are saved then, and the same call resumes.
    """
    observer, executor = observer or SuiteObserver(), executor or LocalExecutor()
    plan = _with_threads(path, plan, executor.threads)
    together = executor.slots > 1
    shared = (
        _SharedObserver(observer, getattr(executor, "close", lambda: None))
        if together
        else observer
    )

    def run_member(member: Member) -> Result | Failure:
        try:
            session = Session(
                plan.protocol(member),
                member.data,
                path / member.name,
                plan.user_contenders,
                executor=executor,
                command=command,
                show_rows=show_rows,
            )
            shared.begin(member, session.protocol)
            return session.run(shared, reuse_result=True).result
        except LostClusterError:  # every duel would fail with it
            raise
        except (UserError, WorkerError) as error:
            message = _plain(str(error), path, member)
            shared.fail(member, message)
            return Failure(name=member.name, message=message)

    with open_suite(path, plan):
        if isinstance(shared, _SharedObserver):
            # One more than there are workers, so that they have work while data are read.
            outcomes = shared.map(run_member, plan.members, executor.slots + 1)
        else:
            outcomes = [run_member(member) for member in plan.members]
        pairs = list(zip(plan.members, outcomes, strict=True))
        results = {member.name: one for member, one in pairs if isinstance(one, Result)}
        failures = [one for one in outcomes if isinstance(one, Failure)]
        result = build_suite_result(plan, results, failures, command)
        write_json(path / SUITE_RESULT, result)
    return Suite(path, result)


class _SharedObserver(SuiteObserver):
    """Passes the callbacks of several duels at the same time to one observer, one after another."""

    def __init__(self, observer: SuiteObserver, stop: Callable[[], object]) -> None:
        self._observer, self._stop, self._lock = observer, stop, Lock()

    def map(
        self, run: Callable[[Member], Result | Failure], members: Sequence[Member], threads: int
    ) -> list[Result | Failure]:
        """Call `run` on each member in several threads; stop all at the first exception."""
        with ThreadPoolExecutor(threads) as pool:
            futures = [pool.submit(run, member) for member in members]
            try:
                return [future.result() for future in futures]
            except BaseException:
                for future in futures:
                    future.cancel()
                self._stop()  # ends the duels that are running
                raise

    def watch(self, store: Store, events: Iterator[Event]) -> None:
        for event in events:
            with self._lock:
                self._observer.notice(store, event)

    def show_findings(self, findings: Sequence[Finding]) -> None:
        with self._lock:
            self._observer.show_findings(findings)

    def begin(self, member: Member, protocol: Protocol) -> None:
        with self._lock:
            self._observer.begin(member, protocol)

    def fail(self, member: Member, message: str) -> None:
        with self._lock:
            self._observer.fail(member, message)

    def finish(self, run: Run) -> None:
        with self._lock:
            self._observer.finish(run)

    def is_current(self, run: Run) -> bool:
        with self._lock:
            return self._observer.is_current(run)


def prepare_plan(
    path: Path,
    plan: SuitePlan,
    observer: SuiteObserver | None = None,
    *,
    command: str = "graduel.run_suite([…], …)",
    show_rows: bool = False,
) -> list[Failure]:
    """Write the plan and the data of each duel, and run no cell; return what cannot be planned.

    Raises
    ------
    UserError
        If the folder cannot be written or holds other files.
    """
    observer, plan = observer or SuiteObserver(), _with_threads(path, plan)
    failures = []
    with open_suite(path, plan):
        write_invocation(path, Invocation(command, show_rows))
        for member in plan.members:
            try:
                protocol, own = plan.protocol(member), plan.user_contenders
                session = Session(protocol, member.data, path / member.name, own)
                session = replace(session, command=command, show_rows=show_rows)
                observer.begin(member, session.protocol)
                session.prepare(observer)
            except UserError as error:
                message = _plain(str(error), path, member)
                failures.append(Failure(name=member.name, message=message))
                observer.fail(member, message)
        write_json(path / FAILURES, failures)
    return failures


def _with_threads(path: Path, plan: SuitePlan, usual: int | None = None) -> SuitePlan:
    """Return the plan with the number of threads that an earlier command or this one chose.

    `usual` is an executor's number if the user gives none.
    """
    if plan.options["threads"] != "auto":
        return plan
    workers = plan.options.get("workers", 1)
    threads = read_threads(path, file=SUITE) or max(usual or choose_threads(), workers)
    return replace(plan, options={**plan.options, "threads": threads})


def _plain(message: str, path: Path, member: Member) -> str:
    """Return a message as one line, without the folders of this machine."""
    places = [path.resolve(), path]
    if member.data.place is not None:
        places = [member.data.place, member.data.place.parent, *places]
    for place in places:
        if place.name:
            message = message.replace(str(place), place.name)
    return " ".join(message.split())


def build_suite_result(
    plan: SuitePlan,
    results: Mapping[str, Result],
    failures: Sequence[Failure],
    command: str,
    unfinished: Sequence[Failure] = (),
) -> SuiteResult:
    """Build the result of a suite from the results of its finished duels."""
    metric, rope = plan.metric, plan.rope
    datasets = tuple(_dataset(name, result, metric) for name, result in results.items())
    titles = {k: title for result in results.values() for k, title in result.titles.items()}
    losses = {
        name: [metric.shown(one.contenders[name].value) for one in datasets] for name in titles
    }
    across, by_log_loss = None, None
    if len(datasets) > 1 and len(titles) > 1:
        across = compare_datasets(losses, metric=metric, rope=rope, titles=titles)
        if metric.name != SECOND_METRIC:
            by_log_loss = _compare_by_log_loss(datasets, titles, plan)
    options = plan.as_dict()["options"]
    in_use = (result.environment.kernels for result in results.values())
    kernels = next((one for one in in_use if one is not None), None)
    return SuiteResult(
        protocol=from_plain(SuiteProtocol, options | metric_fields(metric, rope)),
        contenders={name: SuiteContender(title=title) for name, title in titles.items()},
        datasets=datasets,
        failures=tuple(failures),
        unfinished=tuple(unfinished),
        across=across,
        by_log_loss=by_log_loss,
        environment=describe_environment(command, options["threads"], kernels),
    )


def _compare_by_log_loss(
    datasets: Sequence[SuiteDataset], titles: Mapping[str, str], plan: SuitePlan
) -> LogLossVerdict:
    losses = {name: [one.contenders[name].log_loss for one in datasets] for name in titles}
    metric = get_metric(SECOND_METRIC)
    rope = default_rope(metric, table=plan.tables)
    across = compare_datasets(losses, metric=metric, rope=rope, titles=titles)
    return LogLossVerdict(protocol=MetricSummary(**metric_fields(metric, rope)), across=across)


def _dataset(name: str, result: Result, metric: Metric) -> SuiteDataset:
    """Return the values of all contenders on one data set, and the comparison of each pair."""
    data = result.dataset
    return SuiteDataset(
        name=name,
        rows=data.n_train + data.n_valid + data.n_test if data.rows is None else data.rows,
        n_train=data.n_train,
        n_valid=data.n_valid,
        n_test=data.n_test,
        n_features=data.n_features,
        n_classes=data.n_classes,
        file=data.file,
        protocol=result.protocol,
        contenders={k: _entry(one, metric) for k, one in result.contenders.items()},
        comparisons=result.comparisons,
    )


def _entry(result: ContenderResult, metric: Metric) -> SuiteEntry:
    """Return a contender's values on one data set; `metric` is the error or the duel's metric."""
    by_error = metric.name == "error"
    return SuiteEntry(
        value=result.curve_loss if by_error else result.leading_metric,
        interval=result.curve_loss_interval if by_error else result.metric_interval,
        test_error=result.curve_loss,
        test_error_interval=result.curve_loss_interval,
        log_loss=result.log_loss or 0.0,
        fit_seconds=mean(result.fit_seconds),
    )


def load_suite(path: str | Path) -> Suite:
    """Load a finished suite from its folder.

    Raises
    ------
    UserError
        If the folder does not hold a finished suite.
    """
    path = Path(path)
    if not (path / SUITE_RESULT).exists():
        raise UserError(f"expected a finished suite's folder; {path} has no {SUITE_RESULT}")
    file = path / SUITE_RESULT
    return Suite(path, from_plain(SuiteResult, read_json(file), str(file)))
