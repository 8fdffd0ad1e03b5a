"""Columns that number the rows: indices, keys, and time stamps of sorted rows.

They say nothing about new rows, but reveal the classes if the rows are or were sorted by class.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import polars as pl

MIN_ROWS = 20
"""Minimum number of rows for conclusions from the number of distinct values."""
COMPLETE = 0.9
"""Least share of cells that are not missing."""
REPEATED = 0.05
"""Largest share of cells that repeat others in a column that resembles row numbers."""
EVEN = 1e-6
"""Largest relative difference of distances that count as equal."""
PROBE = 1000
"""Number of cells that are examined before all are sorted."""
LONG = 5
"""Least ratio of the rows of the longest joined table to the number of tables."""
CALENDAR = (24, 28, 29, 30, 31, 52, 53, 60, 365, 366)
"""Numbers of hours, days, weeks or minutes that are counted again and again."""
CHANCE = 1e-9
"""Largest probability that independent whole numbers repeat as rarely as those of the column."""


def describe_row_numbers(series: pl.Series) -> str | None:
    """Return the reason why a column numbers the rows; None if it does not.

    The decision depends on the values, not on the name. Numbers do if they are whole, all distinct,
    and (a) evenly spaced in any order, such as a permutation of a range, (b) sorted, or (c) denser
    than by chance (:func:`_is_dense`). Times do if they are all distinct and the rows are sorted by
    them.

    >>> import polars as pl
    >>> index = pl.Series(range(1000)).sample(fraction=0.7, shuffle=True, seed=0)
    >>> describe_row_numbers(index) is None, describe_row_numbers(index.sin()) is None
    (False, True)
    """
    values = series.drop_nulls()
    n, are_times = len(values), values.dtype.is_temporal()
    if n < max(MIN_ROWS, COMPLETE * len(series)) or not (are_times or is_whole(values)):
        return None
    if values.n_unique() < n:
        return None
    is_sorted = values.is_sorted() or values.is_sorted(descending=True)
    if are_times:
        return "the rows are sorted by these times, which are all distinct" if is_sorted else None
    low, high, unit = _measure(values)
    reason = None
    if (high - low) // unit + 1 == n:
        step = "" if unit == 1 else f" in steps of {unit}"
        reason = f"every whole number from {low} to {high}{step} occurs once"
    elif is_sorted:
        reason = "the rows are sorted by these whole numbers, which are all distinct"
    elif _is_dense(n, 0, (high - low) // unit + 1):
        reason = f"whole numbers from {low} to {high}, more distinct ones than by chance"
    return reason


def describe_resemblance(series: pl.Series) -> str | None:
    """Return the reason why a column may number the rows; None if it probably does not.

    Times and fractions may if they are all distinct and evenly spaced, whole numbers if they are
    denser than by chance although a few are repeated, or if they count from the same number several
    times, as an index of joined tables does.

    >>> import polars as pl
    >>> index = pl.Series([*range(60), *range(100)]).sample(fraction=1, shuffle=True, seed=0)
    >>> describe_resemblance(index)
    'its whole numbers count from 0 up to 99, 2 times, as an index of 2 joined tables does'
    """
    import polars as pl

    values = series.drop_nulls()
    n = len(values)
    if n < max(MIN_ROWS, COMPLETE * len(series)):
        return None
    if not is_whole(values):
        kind = "times" if values.dtype.is_temporal() else "numbers"
        even = _is_evenly_spaced(values.to_physical().cast(pl.Float64).to_numpy())
        return f"its {kind} are evenly spaced, and each occurs once" if even else None
    n_repeated = n - values.n_unique()
    if restarts := _describe_restarts(values):
        return restarts
    if n_repeated > REPEATED * n:
        return None
    low, high, unit = _measure(values)
    is_dense = _is_dense(n, n_repeated, (high - low) // unit + 1)
    reason = "nearly all of its whole numbers are distinct, more than by chance"
    return reason if is_dense else None


def _describe_restarts(values: pl.Series) -> str | None:
    """Return the reason why whole numbers are an index that restarts, in any order of the rows.

    If tables with the indices 0 … nᵢ are joined, every number up to the largest nᵢ occurs, and
    smaller ones at least as often as larger ones. Few long tables do so, and hardly any count or
    code; hours, days and weeks also do, if the rows are complete days, months or years.
    """
    counts = values.rename("number").value_counts(name="n").sort("number")
    low, high, n_tables = counts["number"][0], counts["number"][-1], counts["n"][0]
    size = int(high) - int(low) + 1
    if low not in (0, 1) or size != len(counts) or not counts["n"].is_sorted(descending=True):
        return None
    if n_tables < 2 or size < max(MIN_ROWS, LONG * n_tables) or size in CALENDAR:
        return None
    assert isinstance(n_tables, int)
    return (
        f"its whole numbers count from {int(low)} up to {int(high)}, {n_tables} times, as an index "
        f"of {n_tables} joined tables does"
    )


def _is_evenly_spaced(numbers: NDArray[np.float64]) -> bool:
    """Return whether n numbers in any order have equal distances."""
    step = (numbers.max() - numbers.min()) / (len(numbers) - 1)
    if not (np.isfinite(step) and step > 0):
        return False
    places = (numbers[:PROBE] - numbers.min()) / step
    if np.abs(places - np.round(places)).max() > PROBE * EVEN:
        return False  # without sorting all numbers
    steps = np.diff(np.sort(numbers))
    return bool(steps.max() - steps.min() < EVEN * step)


def _measure(values: pl.Series) -> tuple[int, int, int]:
    """Return the minimum, the maximum, and the greatest common divisor of the distances."""
    numbers = values.to_numpy()
    numbers = numbers.astype(np.uint64 if numbers.dtype.kind == "u" else np.int64)
    unit = abs(int(np.gcd.reduce(np.diff(np.unique(numbers)))))
    return int(numbers.min()), int(numbers.max()), unit or 1


def _is_dense(n: int, n_repeated: int, size: int) -> bool:
    """Return whether n whole numbers repeat more rarely than independent draws from their range.

    With r = `size` numbers in the range, draws repeat about λ = n (n − 1) / 2r times, or more if
    they are not uniform. The number is about Poisson, so that k or fewer repeats with k < λ have a
    probability of at most exp(−λ + k + k ln(λ / k)) (Chernoff's bound).
    """
    expected = n * (n - 1) / (2 * size)
    if n_repeated >= expected:
        return False
    excess = n_repeated * (1 + math.log(expected / n_repeated)) if n_repeated else 0.0
    return excess - expected < math.log(CHANCE)


def is_whole(values: pl.Series) -> bool:
    """Return whether a column holds whole numbers, of any number type."""
    if not values.dtype.is_float():
        return values.dtype.is_integer()
    # Beyond 2⁵³ all floats are whole.
    return bool((values.is_finite() & (values == values.round()) & (values.abs() < 2**53)).all())
