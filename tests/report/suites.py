"""Synthetic suites: seeded, small, and of every shape that a page may have."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
from runs import ENVIRONMENT, TITLES

from graduel.duel.result.duel_result import BudgetSummary, MetricSummary, ProtocolSummary
from graduel.duel.result.outcome import Suite
from graduel.duel.result.suite_result import (
    Failure,
    LogLossVerdict,
    SuiteContender,
    SuiteDataset,
    SuiteEntry,
    SuiteProtocol,
    SuiteResult,
)
from graduel.duel.verdict.datasets import compare_datasets
from graduel.duel.verdict.types import Comparison
from graduel.metrics.metric import Metric, get_metric


def make_suite(
    *,
    names: tuple[str, ...] = ("textbook", "net", "xgboost"),
    datasets: tuple[str, ...] = tuple(f"set {i}" for i in range(8)),
    metric: str = "error",
    failures: tuple[str, ...] = (),
    zero: bool = False,
    other_metric: tuple[str, ...] = (),
    path: Path = Path("nowhere"),
) -> Suite:
    """Return a synthetic suite with consistent numbers."""
    rng = np.random.default_rng(3)
    leading = get_metric(metric)
    titles = {name: TITLES.get(name, name) for name in names}
    lines = []
    for number, dataset in enumerate(datasets):
        level = 0.3 * 10 ** -(1.6 * number / max(len(datasets), 1))
        rows = 400 * (number + 1)
        values = {
            name: 0.0 if zero else float(level * (1 + 0.06 * place + 0.1 * rng.normal()))
            for place, name in enumerate(names)
        }
        lines.append(_dataset(dataset, rows, values, leading, dataset in other_metric))
    across, by_log_loss = None, None
    if len(lines) > 1 and len(names) > 1:
        losses = {n: [leading.shown(line.contenders[n].value) for line in lines] for n in names}
        across = compare_datasets(losses, metric=leading, rope=leading.rope, titles=titles)
        if metric != "log_loss":
            by = get_metric("log_loss")
            losses = {n: [line.contenders[n].log_loss for line in lines] for n in names}
            by_log_loss = LogLossVerdict(
                protocol=MetricSummary(**_metric(by)),
                across=compare_datasets(losses, metric=by, rope=by.rope, titles=titles),
            )
    result = SuiteResult(
        protocol=SuiteProtocol(**_metric(leading), threads=1, quick=True),
        contenders={name: SuiteContender(title=title) for name, title in titles.items()},
        datasets=tuple(lines),
        failures=tuple(Failure(name=name, message="it has one class") for name in failures),
        across=across,
        by_log_loss=by_log_loss,
        environment=ENVIRONMENT,
    )
    return Suite(path, result)


def _metric(metric: Metric) -> dict:
    return {
        "metric": metric.name,
        "metric_title": metric.title,
        "metric_unit": metric.unit,
        "lower_is_better": metric.lower_is_better,
        "rope": metric.rope,
    }


def _dataset(
    name: str, rows: int, values: dict[str, float], suite_metric: Metric, other: bool
) -> SuiteDataset:
    half = {n: 1.96 * (max(v * (1 - v), 0) / rows) ** 0.5 for n, v in values.items()}
    metric = get_metric("log_loss") if other else suite_metric
    intervals = {n: (max(v - half[n], 0.0), v + half[n]) for n, v in values.items()}
    comparisons = [
        _comparison(a, b, {n: suite_metric.shown(v) for n, v in values.items()}, half, metric, rows)
        for a, b in combinations(values, 2)
    ]
    return SuiteDataset(
        name=name,
        rows=rows,
        n_train=rows - 100,
        n_valid=50,
        n_test=50,
        n_features=5,
        n_classes=2,
        protocol=ProtocolSummary(
            **_metric(metric),
            split="5x1",
            seeds=1,
            rows=None,
            quick=True,
            varies=(),
            threads=1,
            budget=BudgetSummary(kind="none", value=None),
        ),
        contenders={
            n: SuiteEntry(
                value=v if suite_metric.lower_is_better else suite_metric.shown(v),
                interval=None if other else intervals[n],
                test_error=v,
                test_error_interval=intervals[n],
                log_loss=2.5 * v + 0.01 * (n == "net"),
                fit_seconds=1.5,
            )
            for n, v in values.items()
        },
        comparisons=tuple(comparisons),
    )


def _comparison(
    a: str, b: str, losses: dict[str, float], half: dict[str, float], metric: Metric, rows: int
) -> Comparison:
    gap = losses[a] - losses[b]
    wide = half[a] + half[b] + 1e-4
    verdict = "undecided" if abs(gap) < wide else "a better" if gap < 0 else "b better"
    return Comparison(
        a=a,
        b=b,
        metric=metric.name,
        error_a=losses[a],
        error_b=losses[b],
        difference=gap,
        interval=(gap - wide, gap + wide),
        interval_level=0.95,
        equivalence_interval=(gap - wide, gap + wide),
        equivalence_level=0.9,
        rope=metric.rope,
        test="corrected resampled t",
        why="Folds share training rows.",
        p_value=0.5,
        p_adjusted=0.5,
        verdict=verdict,
        detectable=False,
        scope="These procedures.",
        rows=rows,
        seeds=1,
        more_rows=None,
        more_seeds=None,
        sentence=f"{verdict}.",
    )
