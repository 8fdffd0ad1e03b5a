"""Columns that number the rows: indices, keys, and time stamps of sorted rows.

They say nothing about new rows, but reveal the classes if the rows are or were sorted by class.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

MIN_ROWS = 20
"""Minimum number of rows for conclusions from the number of distinct values."""
COMPLETE = 0.9
"""Least share of cells that are not missing."""
CHANCE = 1e-9
"""Largest probability that independent whole numbers of the same range are all distinct."""


def describe_row_numbers(series: pl.Series) -> str | None:
    """Return why a column of numbers or times numbers the rows; None if it does not.

    The decision depends on the values, not on the name. Numbers do if they are whole, all distinct,
    and (a) a permutation of a range, (b) sorted, or (c) so dense that n independent draws from
    their range of r numbers would hardly be distinct: exp(−n (n − 1) / 2r) < 10⁻⁹. Times do if they
    are all distinct and the rows are sorted by them.

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
    low, high = int(values.min()), int(values.max())  # type: ignore[arg-type]
    size = high - low + 1
    reason = None
    if size == n:
        reason = f"every whole number from {low} to {high} occurs once"
    elif is_sorted:
        reason = "the rows are sorted by these whole numbers, which are all distinct"
    elif n * (n - 1) / (2 * size) > -math.log(CHANCE):
        reason = f"whole numbers from {low} to {high}, more distinct ones than by chance"
    return reason


def is_whole(values: pl.Series) -> bool:
    """Return whether a column holds whole numbers, of any number type."""
    if not values.dtype.is_float():
        return values.dtype.is_integer()
    # Beyond 2⁵³ all floats are whole.
    return bool((values.is_finite() & (values == values.round()) & (values.abs() < 2**53)).all())
