"""The positive class of metrics such as F1, precision and recall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.data.read.column_names import quote_name
from graduel.errors import UserError, suggest
from graduel.metrics.metric import METRICS, Metric, get_metric
from graduel.metrics.scorers import fits_classes, has_positive_class, list_scorers

MAX_LISTED = 20
"""Most classes that a message lists."""


def fit_metric(
    metric: Metric, classes: Sequence[str], y: NDArray[Any], positive: object = None
) -> Metric:
    """Return a metric for these classes, with its positive class if it has one.

    Parameters
    ----------
    metric : a metric as returned by :func:`~graduel.metrics.metric.get_metric`
    classes : the name of each class
    y : class codes of all rows, shape (n_rows,)
    positive : the label of the positive class; by default that of the metric, or the rarer class

    Raises
    ------
    UserError
        If the metric is not defined on this number of classes, has no positive class, or no class
        has that label.

    Examples
    --------
    >>> y = np.array([0, 0, 1, 1, 1])
    >>> fit_metric(get_metric("f1"), ("churned", "stayed"), y).title
    "f1 of 'churned'"
    """
    if metric.name in METRICS and positive is None:
        return metric  # without importing scikit-learn
    if metric.name in list_scorers() and not fits_classes(metric.name, len(classes)):
        raise UserError(
            f"metric: expected one for {len(classes):,} classes, such as "
            f"{', '.join(_list_fitting(metric.name, len(classes)))}; got '{metric.name}'"
        )
    if not _has_positive(metric.name, len(classes)):
        if positive is not None:
            raise _no_positive_class(metric.name, len(classes))
        return metric
    code = metric.positive
    if positive is not None:
        code = _find_class(str(positive), classes)
    elif code is None:
        counts = np.bincount(y, minlength=2)
        code = int(counts[1] <= counts[0])
    return name_positive_class(get_metric(metric.name, code), classes)


def name_positive_class(metric: Metric, classes: Sequence[str]) -> Metric:
    """Return a metric whose title names its positive class; others unchanged."""
    if metric.positive is None or metric.positive >= len(classes):
        return metric
    label = quote_name(classes[metric.positive])
    return replace(metric, title=f"{metric.name} of {label}")


def check_positive(name: str) -> None:
    """Raise `UserError` if a metric never has a positive class."""
    if not _has_positive(name, 2):
        raise _no_positive_class(name, 2)


def _has_positive(name: str, n_classes: int) -> bool:
    return n_classes == 2 and name in list_scorers() and has_positive_class(name)


def _no_positive_class(name: str, n_classes: int) -> UserError:
    if n_classes != 2:
        return UserError(
            f"positive: expected data with two classes; got {n_classes:,}. Leave it out"
        )
    names = ", ".join(one for one in list_scorers() if _has_positive(one, 2))
    return UserError(
        f"positive: expected a metric with a positive class ({names}); got '{name}'. Leave it out, "
        "or choose one of them"
    )


def _find_class(label: str, classes: Sequence[str]) -> int:
    """Return the code of a class by its label."""
    if label not in classes:
        listed = " or ".join(map(quote_name, classes[:MAX_LISTED]))
        hint = suggest(label, list(classes))
        raise UserError(f"positive: expected one of the classes {listed}; got '{label}'{hint}")
    return list(classes).index(label)


def _list_fitting(name: str, n_classes: int) -> list[str]:
    """Return the metrics for this many classes whose names begin like `name`, or graduel's own."""
    stem = name.partition("_")[0]
    near = [
        one
        for one in list_scorers()
        if one.partition("_")[0] == stem and fits_classes(one, n_classes)
    ]
    return near or list(METRICS)
