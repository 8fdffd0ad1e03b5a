"""Prediction latency of a fitted model: medians and quartiles of timed calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from statistics import median, quantiles
from time import perf_counter
from typing import Any

Quartiles = tuple[float, float]

WARM_UP = 3
"""Calls with a single row that are not timed; the first call is often slower."""
ROW_CALLS, BATCH_CALLS = (50, 200), (5, 50)
"""Fewest and most timed calls."""
ENOUGH_SECONDS, MOST_SECONDS = 0.25, 5.0
"""Total seconds after which timing stops: with at least the fewest calls, and with fewer."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds of one prediction: medians, and first and third quartiles of the timed calls.

    Quartiles are None after fewer than the fewest calls.
    """

    row_seconds: float
    row_quartiles: Quartiles | None
    batch_seconds: float
    batch_quartiles: Quartiles | None


def time_predictions(
    predict: Callable[[Any], Any], X: Any, clock: Callable[[], float] = perf_counter
) -> Latency:
    """Time predictions of single rows and of all rows, after a warm-up.

    Single rows: at least 50 calls with different rows, at most 200. All rows: at least 5 calls, at
    most 50. Between these limits it stops after 0.25 seconds; models that are too slow for the
    fewest calls stop after 5 seconds.

    Parameters
    ----------
    predict : the model's ``predict_proba``
    X : the test rows; `predict` has been called with all of them before
    clock : returns the time in seconds
    """

    def timed(rows: Any) -> float:
        start = clock()
        predict(rows)
        return clock() - start

    def row(i: int) -> Any:
        start = i % len(X)
        return X[start : start + 1]

    for i in range(WARM_UP):
        predict(row(i))
    row_seconds, row_quartiles = _time_calls(lambda i: timed(row(i)), *ROW_CALLS)
    batch_seconds, batch_quartiles = _time_calls(lambda i: timed(X), *BATCH_CALLS)
    return Latency(row_seconds, row_quartiles, batch_seconds, batch_quartiles)


def _time_calls(
    call: Callable[[int], float], fewest: int, most: int
) -> tuple[float, Quartiles | None]:
    """Return the median and the quartiles of the seconds that numbered calls return."""
    seconds, total = list[float](), 0.0
    for i in count():
        seconds.append(call(i))
        total += seconds[-1]
        limit = ENOUGH_SECONDS if len(seconds) >= fewest else MOST_SECONDS
        if len(seconds) == most or total >= limit:
            break
    if len(seconds) < fewest:
        return median(seconds), None
    low, _, high = quantiles(seconds, n=4, method="inclusive")
    return median(seconds), (low, high)
