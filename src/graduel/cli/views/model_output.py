"""The output of ``graduel train``: the model file's name, and the report on the terminal."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from rich.console import Console

from graduel.cli.actions.live_fit import FitOutcome
from graduel.errors import UserError
from graduel.metrics.metric import Metric, get_metric
from graduel.metrics.positive_class import name_positive_class
from graduel.number_format import (
    format_interval,
    format_number,
    format_percent,
    format_score,
    format_seconds,
)

OTHER_FORMATS = frozenset(
    (
        *(".csv", ".h5", ".hdf5", ".html", ".joblib", ".json", ".keras", ".npz", ".onnx"),
        *(".parquet", ".pickle", ".pkl", ".pt", ".pth", ".py", ".ubj", ".zip"),
    )
)
"""Endings of files of other formats; graduel writes none of them as a model."""


def unused_path(ending: str, dataset: str) -> Path:
    """Return an unused name of a model file, made from the data set's name and `ending`."""
    name = re.sub(r"[^\w.-]+", "-", dataset).strip("-.")[:60] or "model"
    stem = f"{name}-{ending}"
    path, number = Path(f"{stem}.safetensors"), 1
    while path.exists():
        number += 1
        path = Path(f"{stem}-{number}.safetensors")
    return path


def check_writable(path: Path) -> None:
    """Raise before the training if the file exists, has another ending or cannot be written."""
    if path.suffix.lower() in OTHER_FORMATS:
        raise UserError(
            f"--out: expected a name ending in .safetensors, the format of the file; got {path}"
        )
    if path.exists():
        raise UserError(f"--out: expected a new file; {path} exists. Choose another name")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise UserError(f"--out: cannot write {path}: {error.strerror}") from None


def show_report(
    report: dict[str, Any],
    done: FitOutcome,
    metric_name: str,
    path: Path,
    console: Console,
    *,
    predicts: bool,
) -> None:
    """Print the test metrics and the model's path, and with `predicts` how to use it."""
    metric = name_positive_class(get_metric(metric_name), report["classes"])
    quality = _describe_test(report, metric)
    valid = f" ({_describe_selection(report)})" if "valid_error" in report else ""
    lines = [
        f"{quality}, {done.selected}{valid}; {format_seconds(done.seconds)} for {done.length}",
        f"saved in {path}",
    ]
    if done.stopped:
        lines.insert(0, f"stopped after {done.length}")
    if predicts:
        lines.append(f"to predict new rows: graduel predict {path} FILE")
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _describe_selection(report: dict[str, Any]) -> str:
    """Return the value on the validation rows of the metric that selected the epoch or round."""
    if "selected_by" not in report:
        if not report["classes"]:
            return f"validation RMSE {format_score(report['valid_error'], 'target')}"
        return f"validation error {format_percent(report['valid_error'])}"
    metric = name_positive_class(get_metric(report["selected_by"]), report["classes"])
    return f"validation {metric.title} {format_score(report['valid_selected'], metric.unit)}"


def _describe_numbers(report: dict[str, Any], metric: Metric) -> str:
    """Return the metrics of predicted numbers on the test rows, or the duel's estimate."""
    if "test_rmse" not in report:
        value = report["estimated_test_rmse"]
        low, high = (format_score(x, "target") for x in report["estimated_test_rmse_interval"])
        return (
            f"trained on all rows; test RMSE {format_score(value, 'target')} (95 % CI {low} to "
            f"{high}) by the duel"
        )
    rmse, mae = (format_score(report[f"test_{name}"], "target") for name in ("rmse", "mae"))
    quality = f"test RMSE {rmse}, mean absolute error {mae}, R² {report['test_r2']:.3f}"
    if metric.name not in ("rmse", "mae", "r2"):
        quality += f", {metric.title} {format_score(report[f'test_{metric.name}'], metric.unit)}"
    return quality


def _describe_test(report: dict[str, Any], metric: Metric) -> str:
    """Return the metrics on the test rows, or the duel's estimate for a model of all rows."""
    if not report["classes"]:
        return _describe_numbers(report, metric)
    if "test_error" not in report:
        interval = format_interval(report["estimated_test_error_interval"])
        return (
            f"trained on all rows; test error {format_percent(report['estimated_test_error'])} "
            f"(95 % CI {interval}) by the duel"
        )
    quality = f"test error {format_percent(report['test_error'])}"
    if metric.name == "log_loss":
        quality += f", log loss {format_number(report['test_log_loss'])}"
    elif metric.name != "error":
        quality += f", {metric.title} {format_score(report[f'test_{metric.name}'], metric.unit)}"
    return quality
