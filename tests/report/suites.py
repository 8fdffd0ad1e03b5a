"""Suites that never ran: seeded, small, and of every shape a page may meet."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from graduel.duel.result.outcome import Suite
from graduel.duel.verdict.datasets import compare_datasets
from graduel.metrics.metric import get_metric

TITLES = {"textbook": "textbook network", "net": "NumPy network", "xgboost": "XGBoost"}


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
    """Return a suite whose numbers agree with one another as a real one's would."""
    rng = np.random.default_rng(3)
    of = get_metric(metric)
    titles = {name: TITLES.get(name, name) for name in names}
    lines = []
    for number, called in enumerate(datasets):
        level = 0.3 * 10 ** -(1.6 * number / max(len(datasets), 1))
        rows = 400 * (number + 1)
        values = {
            name: 0.0 if zero else float(level * (1 + 0.06 * place + 0.1 * rng.normal()))
            for place, name in enumerate(names)
        }
        lines.append(_line(called, rows, values, of, called in other_metric))
    losses = {n: [of.shown(line["contenders"][n]["value"]) for line in lines] for n in names}
    across, second = None, None
    if len(lines) > 1 and len(names) > 1:
        across = compare_datasets(losses, metric=of, rope=of.rope, titles=titles).as_dict()
        if metric != "log_loss":
            by = get_metric("log_loss")
            losses = {n: [line["contenders"][n]["log_loss"] for line in lines] for n in names}
            found = compare_datasets(losses, metric=by, rope=by.rope, titles=titles).as_dict()
            about = {"metric": by.name, "metric_title": by.title, "metric_unit": by.unit}
            about |= {"lower_is_better": True, "rope": by.rope}
            second = {"protocol": about, "across": found}
    result = {
        "format": 1,
        "protocol": {
            "quick": True,
            "threads": 1,
            "metric": of.name,
            "metric_title": of.title,
            "metric_unit": of.unit,
            "lower_is_better": of.lower_is_better,
            "rope": of.rope,
        },
        "contenders": {name: {"title": title} for name, title in titles.items()},
        "datasets": lines,
        "failures": [{"name": name, "message": "it has one class"} for name in failures],
        "across": across,
        "by_log_loss": second,
        "environment": {
            "command": "graduel duel <tables>/ --target label",
            "graduel": "0.1.0",
            "memory_bytes": 8_000_000_000,
        },
    }
    return Suite(path, result)


def _line(name: str, rows: int, values: dict[str, float], of: Any, other: bool) -> dict[str, Any]:
    half = {n: 1.96 * (max(v * (1 - v), 0) / rows) ** 0.5 for n, v in values.items()}
    metric = "log_loss" if other else of.name
    comparisons = []
    for a, b in combinations(values, 2):
        gap = of.shown(values[a]) - of.shown(values[b])
        wide = half[a] + half[b] + 1e-4
        verdict = "undecided" if abs(gap) < wide else "a better" if gap < 0 else "b better"
        comparisons.append(
            {
                "a": a,
                "b": b,
                "metric": metric,
                "difference": gap,
                "interval": [gap - wide, gap + wide],
                "interval_level": 0.95,
                "rope": of.rope,
                "test": "corrected resampled t",
                "p_adjusted": 0.5,
                "verdict": verdict,
                "sentence": f"{verdict}.",
            }
        )
    return {
        "name": name,
        "rows": rows,
        "n_train": rows - 100,
        "n_valid": 50,
        "n_test": 50,
        "n_features": 5,
        "n_classes": 2,
        "protocol": {
            "split": "5x1",
            "metric": metric,
            "metric_title": metric.replace("_", " "),
            "metric_unit": "" if other else of.unit,
            "seeds": 1,
            "rows": None,
            "rope": of.rope,
        },
        "contenders": {
            n: {
                "value": of.shown(v) if not of.lower_is_better else v,
                "interval": None if other else [max(v - half[n], 0.0), v + half[n]],
                "test_error": v,
                "test_error_interval": [max(v - half[n], 0.0), v + half[n]],
                "log_loss": 2.5 * v + 0.01 * (n == "net"),
                "fit_seconds": 1.5,
            }
            for n, v in values.items()
        },
        "comparisons": comparisons,
    }
