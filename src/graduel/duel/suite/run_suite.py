"""Running a suite, data set by data set, and building its result."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from statistics import mean
from typing import Any

from graduel.duel.plan.protocol import Protocol
from graduel.duel.result.environment import describe_environment
from graduel.duel.result.outcome import Suite
from graduel.duel.run.executor import Executor, WorkerError
from graduel.duel.run.local import LocalExecutor
from graduel.duel.session import Observer, Session
from graduel.duel.suite.plan_suite import FORMAT, SUITE_RESULT, Member, SuitePlan, open_suite
from graduel.duel.verdict.datasets import compare_datasets
from graduel.errors import UserError
from graduel.metrics.metric import Metric, default_rope, get_metric
from graduel.serialize import read_json, write_json

SECOND = "log_loss"
"""The second metric where the duels have another: errors do not show how good probabilities are."""
DATASET_KEYS = ("rows", "n_train", "n_valid", "n_test", "n_features", "n_classes", "file")
"""The keys of a data set in a suite's result."""
PAIR_KEYS = (
    "a",
    "b",
    "metric",
    "difference",
    "interval",
    "interval_level",
    "rope",
    "test",
    "p_adjusted",
    "verdict",
    "sentence",
)
"""Its keys of a pair on one data set; the rest is in that data set's own result."""


class SuiteObserver(Observer):
    """What a suite calls while it runs, beside what each session calls; this one is silent."""

    def begin(self, member: Member, protocol: Protocol) -> None:
        """Take the data set that comes next."""

    def fail(self, member: Member, message: str) -> None:
        """Take a data set whose duel failed."""


def run_plan(
    path: Path,
    plan: SuitePlan,
    observer: SuiteObserver | None = None,
    *,
    command: str = "graduel.run_suite([…], …)",
    show_rows: bool = False,
    executor: Executor | None = None,
) -> Suite:
    """Duel on every data set in turn, and write ``suite-result.json``.

    A data set whose duel fails stands among the failures of the result, and the others go on.

    Raises
    ------
    UserError
        If the folder cannot be written or holds something else.
    """
    observer = observer or SuiteObserver()
    results: dict[str, dict[str, Any]] = {}
    failures: list[dict[str, str]] = []
    with open_suite(path, plan):
        for member in plan.members:
            try:
                session = Session(
                    plan.protocol(member),
                    member.data,
                    path / member.name,
                    plan.user_contenders,
                    executor=executor or LocalExecutor(),
                    command=command,
                    show_rows=show_rows,
                )
                observer.begin(member, session.protocol)
                results[member.name] = session.run(observer, reuse_result=True).result
            except (UserError, WorkerError) as error:
                message = _plain(str(error), path, member)
                failures.append({"name": member.name, "message": message})
                observer.fail(member, message)
        result = build_suite_result(plan, results, failures, command)
        write_json(path / SUITE_RESULT, result)
    return Suite(path, result)


def _plain(message: str, path: Path, member: Member) -> str:
    """Return a message on one line, without the paths of this machine."""
    places = [path.resolve(), path]
    if member.data.place is not None:
        places = [member.data.place, member.data.place.parent, *places]
    for place in places:
        if place.name:
            message = message.replace(str(place), place.name)
    return " ".join(message.split())


def build_suite_result(
    plan: SuitePlan,
    results: Mapping[str, dict[str, Any]],
    failures: list[dict[str, str]],
    command: str,
) -> dict[str, Any]:
    """Return the result of a suite from those of its duels."""
    metric, rope = plan.metric, plan.rope
    datasets = [_dataset_entry(name, result, metric) for name, result in results.items()]
    titles = {
        name: entry["title"] for result in results.values() for name, entry in _contenders(result)
    }
    losses = {
        name: [metric.shown(one["contenders"][name]["value"]) for one in datasets]
        for name in titles
    }
    across, second = None, None
    if len(datasets) > 1 and len(titles) > 1:
        across = compare_datasets(losses, metric=metric, rope=rope, titles=titles).as_dict()
        if metric.name != SECOND:
            second = _by_log_loss(datasets, titles, plan)
    threads = int(plan.options["threads"])
    return {
        "format": FORMAT,
        "protocol": plan.as_dict()["options"] | _metric_entries(metric, rope),
        "contenders": {name: {"title": title} for name, title in titles.items()},
        "datasets": datasets,
        "failures": failures,
        "across": across,
        "by_log_loss": second,
        "environment": describe_environment(command, threads),
    }


def _by_log_loss(
    datasets: list[dict[str, Any]], titles: dict[str, str], plan: SuitePlan
) -> dict[str, Any]:
    """Return the comparison across data sets by log loss."""
    losses = {name: [one["contenders"][name]["log_loss"] for one in datasets] for name in titles}
    metric = get_metric(SECOND)
    rope = default_rope(metric, table=plan.tables)
    across = compare_datasets(losses, metric=metric, rope=rope, titles=titles)
    return {"protocol": _metric_entries(metric, rope), "across": across.as_dict()}


def _metric_entries(metric: Metric, rope: float) -> dict[str, Any]:
    return {
        "metric": metric.name,
        "metric_title": metric.title,
        "metric_unit": metric.unit,
        "lower_is_better": metric.lower_is_better,
        "rope": rope,
    }


def _contenders(result: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return list(result["contenders"].items())


def _dataset_entry(name: str, result: dict[str, Any], metric: Metric) -> dict[str, Any]:
    """Return the entry of one data set: each contender's metric, and every pair's verdict."""
    data, protocol = result["dataset"], result["protocol"]
    counts = {key: data[key] for key in DATASET_KEYS if key in data}
    counts.setdefault("rows", data["n_train"] + data["n_valid"] + data["n_test"])
    return {
        "name": name,
        **counts,
        "protocol": {
            key: protocol[key]
            for key in ("split", "metric", "metric_title", "metric_unit", "seeds", "rows", "rope")
        },
        "contenders": {
            contender: {
                "value": _value(entry, protocol["metric"], metric),
                "interval": entry[
                    "test_error_interval" if metric.name == "error" else "metric_interval"
                ],
                "test_error": entry["test_error"],
                "test_error_interval": entry["test_error_interval"],
                "log_loss": entry["log_loss"],
                "fit_seconds": mean(entry["fit_seconds"]),
            }
            for contender, entry in _contenders(result)
        },
        "comparisons": [
            {key: comparison[key] for key in PAIR_KEYS} for comparison in result["comparisons"]
        ],
    }


def _value(entry: dict[str, Any], leading: str, metric: Metric) -> float:
    """Return the suite's metric of one contender; but for the error it is the duel's own."""
    if metric.name == "error":
        return float(entry["test_error"])
    assert leading == metric.name
    return float(entry["metric"])


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
    result = read_json(path / SUITE_RESULT)
    keys = ("protocol", "contenders", "datasets", "failures", "across", "environment")
    if not isinstance(result, dict) or result.get("format") != FORMAT or set(keys) - set(result):
        raise UserError(f"{path / SUITE_RESULT}: expected a suite's result of format {FORMAT}")
    return Suite(path, result)
