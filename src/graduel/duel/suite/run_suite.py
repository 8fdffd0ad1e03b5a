"""Running a suite, data set by data set, and putting together what they say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import mean

from graduel.data.source import DataSource
from graduel.duel.result.build import build_result, load_run
from graduel.duel.result.duel_result import RESULT, ContenderResult, MetricSummary, Result
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
from graduel.duel.run.executor import WorkerError, run_cells
from graduel.duel.store.store import Store, open_store
from graduel.duel.suite.plan_suite import SUITE_RESULT, Member, SuitePlan, open_suite
from graduel.duel.verdict.datasets import compare_datasets
from graduel.errors import UserError
from graduel.metrics.metric import Metric, default_rope, get_metric
from graduel.serialize import from_plain, read_json, to_plain, write_json

Fight = Callable[[Member, Store], Run]
"""Runs the cells of one data set's duel and finishes it."""

SECOND = "log_loss"
"""What contenders are also compared by where something else leads: all of them are asked for
probabilities, and errors do not say how good these are."""


def run_silently(_: Member, store: Store) -> Run:
    """Fight one data set's duel without a word."""
    before = load_if_finished(store)
    for _event in run_cells(store):
        pass
    return before or build_result(store, "graduel.run_suite([…], …)")


def load_if_finished(store: Store) -> Run | None:
    """Return the run where an earlier command finished it; None where there is something to do."""
    cells = all(store.finished(cell) for cell in store.protocol.cells())
    return load_run(store.path) if cells and (store.path / RESULT).exists() else None


def run_plan(
    path: Path,
    plan: SuitePlan,
    *,
    fight: Fight = run_silently,
    failed: Callable[[Member, str], None] = lambda member, message: None,
    command: str = "graduel.run_suite([…], …)",
) -> Suite:
    """Duel on every data set in turn, and write ``suite-result.json``.

    A data set that cannot be duelled on is told to `failed`, stands among the failures of the
    result, and the others go on.

    Raises
    ------
    UserError
        If the folder cannot be written or holds something else.
    """
    found: dict[str, Result] = {}
    failures: list[Failure] = []
    with open_suite(path, plan):
        for member in plan.members:
            try:
                found[member.name] = _fought(path, plan, member, fight)
            except (UserError, WorkerError) as error:
                message = _plain(str(error), path, member)
                failures.append(Failure(name=member.name, message=message))
                failed(member, message)
        result = build_suite_result(plan, found, failures, command)
        write_json(path / SUITE_RESULT, result)
    return Suite(path, result)


def _fought(path: Path, plan: SuitePlan, member: Member, fight: Fight) -> Result:
    protocol = plan.protocol(member)
    mine = member.data if isinstance(member.data, DataSource) else None
    with open_store(path / member.name, protocol, mine) as store:
        store.estimators = {one.name: one.pickled() for one in plan.mine}
        return fight(member, store).result


def _plain(message: str, path: Path, member: Member) -> str:
    """Return a message on one line, without the paths of this machine."""
    places = [path.resolve(), path]
    if isinstance(member.data, DataSource) and member.data.place is not None:
        places = [member.data.place, member.data.place.parent, *places]
    for place in places:
        if place.name:
            message = message.replace(str(place), place.name)
    return " ".join(message.split())


def build_suite_result(
    plan: SuitePlan, results: Mapping[str, Result], failures: Sequence[Failure], command: str
) -> SuiteResult:
    """Return the result of a suite from those of its duels."""
    metric, rope = plan.metric, plan.rope
    datasets = tuple(_dataset(name, result, metric) for name, result in results.items())
    titles = {k: title for result in results.values() for k, title in result.titles.items()}
    losses = {
        name: [metric.shown(one.contenders[name].value) for one in datasets] for name in titles
    }
    across, by_log_loss = None, None
    if len(datasets) > 1 and len(titles) > 1:
        across = compare_datasets(losses, metric=metric, rope=rope, titles=titles)
        if metric.name != SECOND:
            by_log_loss = _compare_by_log_loss(datasets, titles, plan)
    options = plan.as_dict()["options"]
    return SuiteResult(
        protocol=from_plain(SuiteProtocol, options | to_plain(_summarize(metric, rope))),
        contenders={name: SuiteContender(title=title) for name, title in titles.items()},
        datasets=datasets,
        failures=tuple(failures),
        across=across,
        by_log_loss=by_log_loss,
        environment=describe_environment(command, options["threads"]),
    )


def _compare_by_log_loss(
    datasets: Sequence[SuiteDataset], titles: Mapping[str, str], plan: SuitePlan
) -> LogLossVerdict:
    losses = {name: [one.contenders[name].log_loss for one in datasets] for name in titles}
    metric = get_metric(SECOND)
    rope = default_rope(metric, table=plan.tables)
    across = compare_datasets(losses, metric=metric, rope=rope, titles=titles)
    return LogLossVerdict(protocol=_summarize(metric, rope), across=across)


def _summarize(metric: Metric, rope: float) -> MetricSummary:
    return MetricSummary(
        metric=metric.name,
        metric_title=metric.title,
        metric_unit=metric.unit,
        lower_is_better=metric.lower_is_better,
        rope=rope,
    )


def _dataset(name: str, result: Result, metric: Metric) -> SuiteDataset:
    """Return each contender's value on one data set, and the comparison of every pair."""
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
    """Return a contender's value of the suite's metric: the error, or the duel's own metric."""
    by_error = metric.name == "error"
    return SuiteEntry(
        value=result.test_error if by_error else result.leading_metric,
        interval=result.test_error_interval if by_error else result.metric_interval,
        test_error=result.test_error,
        test_error_interval=result.test_error_interval,
        log_loss=result.log_loss,
        fit_seconds=mean(result.fit_seconds),
    )


def load_suite(path: str | Path) -> Suite:
    """Read a finished suite's folder; nothing is trained.

    Raises
    ------
    UserError
        If the folder holds no finished suite.
    """
    path = Path(path)
    if not (path / SUITE_RESULT).exists():
        raise UserError(f"expected a finished suite's folder; {path} has no {SUITE_RESULT}")
    file = path / SUITE_RESULT
    return Suite(path, from_plain(SuiteResult, read_json(file), str(file)))
