"""Formats of a suite's metric and its differences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graduel.duel.result.outcome import Suite
from graduel.number_format import (
    BARE_DECIMALS,
    count_decimals,
    format_difference,
    format_exact,
    format_interval,
    format_score,
)

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
        raise ValueError(
            "expected a suite of two contenders and two data sets or more; this one has fewer"
        )
    return suite.result.across


def count_test_rows(dataset: SuiteDataset) -> int:
    """Return the number of test rows of a data set; in cross-validation, all rows."""
    return dataset.rows if "x" in dataset.protocol.split else dataset.n_test


def format_metric(suite: Suite, dataset: SuiteDataset, name: str) -> str:
    """Return a contender's metric on one data set."""
    unit, decimals = suite.result.protocol.metric_unit, count_decimals(count_test_rows(dataset))
    return format_score(dataset.contenders[name].value, unit, decimals)


def format_metric_interval(suite: Suite, dataset: SuiteDataset, name: str) -> str:
    """Return the interval of a contender's metric on one data set."""
    interval = dataset.contenders[name].interval
    if suite.result.protocol.metric_unit == "%":
        return format_interval(interval, count_decimals(count_test_rows(dataset)))
    return format_interval(interval, BARE_DECIMALS, scale=1)


def format_metric_difference(suite: Suite, difference: float) -> str:
    """Return a difference of the suite's metric: in percentage points, or without a unit."""
    return format_difference(difference, suite.result.protocol.metric_unit)


def format_difference_interval(suite: Suite, interval: Interval | None) -> str:
    """Return the interval of a difference of the suite's metric."""
    if suite.result.protocol.metric_unit:
        return format_interval(interval)
    return format_interval(interval, BARE_DECIMALS, scale=1)


def format_rope(suite: Suite) -> str:
    """Return the ROPE in points, or as a number with the title of the metric."""
    protocol = suite.result.protocol
    if not protocol.metric_unit:
        return f"{format_exact(protocol.rope)} {protocol.metric_title}"
    points = format_exact(100 * protocol.rope)
    return f"{points} point" if points == "1" else f"{points} points"
