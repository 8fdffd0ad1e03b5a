"""Metrics of predicted probabilities, and calibration."""

from graduel.metrics.calibration import (
    Bin,
    Calibration,
    apply_temperature,
    fit_temperature,
    measure_calibration,
)
from graduel.metrics.metric import (
    METRICS,
    Metric,
    brier,
    default_rope,
    get_metric,
    is_misclassified,
    log_loss,
)

__all__ = [
    "METRICS",
    "Bin",
    "Calibration",
    "Metric",
    "apply_temperature",
    "brier",
    "default_rope",
    "fit_temperature",
    "get_metric",
    "is_misclassified",
    "log_loss",
    "measure_calibration",
]


def __dir__() -> list[str]:
    return list(__all__)
