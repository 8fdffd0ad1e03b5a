"""Running a suite, data set by data set, and putting together what they say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import mean
from typing import Any

from graduel.data.source import DataSource
from graduel.duel.result.build import build_result, load_run
from graduel.duel.result.environment import describe_environment
from graduel.duel.result.outcome import Run, Suite
from graduel.duel.run.executor import WorkerError, run_cells
from graduel.duel.store.finding_file import check_once
from graduel.duel.store.store import RESULT, Store, open_store, read_json, write_json
from graduel.duel.suite.plan_suite import FORMAT, SUITE_RESULT, Member, SuitePlan, open_suite
from graduel.duel.verdict.datasets import compare_datasets
from graduel.errors import UserError
from graduel.metrics.metric import Metric, default_rope, get_metric

Fight = Callable[[Member, Store], Run]
"""Runs the cells of one data set's duel and finishes it."""

SECOND = "log_loss"
"""What contenders are also compared by where something else leads: all of them are asked for
probabilities, and errors do not say how good these are."""
KEPT = ("rows", "n_train", "n_valid", "n_test", "n_features", "n_classes", "file")
"""What a suite's result tells of a data set."""
OF_A_PAIR = (
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
"""What it tells of a pair on one data set; the rest is in that data set's own result."""


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
    found: dict[str, dict[str, Any]] = {}
    failures: list[dict[str, str]] = []
    with open_suite(path, plan):
        for member in plan.members:
            try:
                found[member.name] = _fought(path, plan, member, fight)
            except (UserError, WorkerError) as error:
                message = _plain(str(error), path, member)
                failures.append({"name": member.name, "message": message})
                failed(member, message)
        result = build_suite_result(plan, found, failures, command)
        write_json(path / SUITE_RESULT, result)
    return Suite(path, result)


def _fought(path: Path, plan: SuitePlan, member: Member, fight: Fight) -> dict[str, Any]:
    protocol = plan.protocol(member)
    mine = member.data if isinstance(member.data, DataSource) else None
    with open_store(path / member.name, protocol, mine) as store:
        store.estimators = {one.name: one.pickled() for one in plan.mine}
        check_once(store, plan.mine)
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
    plan: SuitePlan,
    found: Mapping[str, dict[str, Any]],
    failures: list[dict[str, str]],
    command: str,
) -> dict[str, Any]:
    """Return the result of a suite from those of its duels."""
    metric, rope = plan.metric, plan.rope
    datasets = [_line(name, result, metric) for name, result in found.items()]
    titles = {
        name: entry["title"] for result in found.values() for name, entry in _contenders(result)
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
        "protocol": plan.as_dict()["options"] | _about(metric, rope),
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
    """Return what the data sets say of the probabilities, whatever led the duels."""
    losses = {name: [one["contenders"][name]["log_loss"] for one in datasets] for name in titles}
    metric = get_metric(SECOND)
    rope = default_rope(metric, table=plan.tables)
    across = compare_datasets(losses, metric=metric, rope=rope, titles=titles)
    return {"protocol": _about(metric, rope), "across": across.as_dict()}


def _about(metric: Metric, rope: float) -> dict[str, Any]:
    return {
        "metric": metric.name,
        "metric_title": metric.title,
        "metric_unit": metric.unit,
        "lower_is_better": metric.lower_is_better,
        "rope": rope,
    }


def _contenders(result: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return list(result["contenders"].items())


def _line(name: str, result: dict[str, Any], metric: Metric) -> dict[str, Any]:
    """Return what one data set adds: each contender's value, and how every pair stands."""
    data, protocol = result["dataset"], result["protocol"]
    about = {key: data[key] for key in KEPT if key in data}
    about.setdefault("rows", data["n_train"] + data["n_valid"] + data["n_test"])
    return {
        "name": name,
        **about,
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
            {key: comparison[key] for key in OF_A_PAIR} for comparison in result["comparisons"]
        ],
    }


def _value(entry: dict[str, Any], leading: str, metric: Metric) -> float:
    """Return the suite's metric of one contender; it is the duel's own where one was asked for."""
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
