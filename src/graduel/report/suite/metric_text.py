"""Values and differences of a suite's metric, as its tables and figures write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graduel.duel.result.outcome import Suite
from graduel.number_format import NONE, count_decimals, format_percent, format_points

if TYPE_CHECKING:
    from graduel.duel.result.suite_result import SuiteDataset
    from graduel.duel.verdict.types import DatasetVerdict

Interval = tuple[float, float]


def get_across(suite: Suite) -> DatasetVerdict:
    """Return the verdict across data sets.

    Raises
    ------
    ValueError
        If the suite has fewer than two data sets or contenders.
    """
    if suite.result.across is None:
        raise ValueError("the suite has no pair to compare across two data sets or more")
    return suite.result.across


def count_test_rows(dataset: SuiteDataset) -> int:
    """Return the number of test rows of a data set: all rows in cross-validation."""
    return dataset.rows if "x" in dataset.protocol.split else dataset.n_test


def format_value(suite: Suite, dataset: SuiteDataset, name: str) -> str:
    """Write a contender's metric on one data set."""
    value = dataset.contenders[name].value
    if suite.result.protocol.metric_unit == "%":
        return format_percent(value, count_decimals(count_test_rows(dataset)))
    return f"{value:.4f}"


def format_difference(suite: Suite, difference: float) -> str:
    """Write a difference of the suite's metric with its sign: points, or the bare number."""
    if suite.result.protocol.metric_unit:
        return format_points(difference, 2)
    return format_points(difference / 100, 4)


def format_interval(suite: Suite, interval: Interval | None) -> str:
    """Write the interval of a difference."""
    if interval is None:
        return NONE
    return " to ".join(format_difference(suite, bound) for bound in interval)


def format_rope(suite: Suite) -> str:
    """Write the ROPE: 1 point, or the bare number with the metric."""
    protocol = suite.result.protocol
    if not protocol.metric_unit:
        return f"{protocol.rope:.3g} {protocol.metric_title}"
    points = f"{100 * protocol.rope:.3g}"
    return f"{points} point" if points == "1" else f"{points} points"
