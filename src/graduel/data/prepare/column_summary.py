"""Mergeable summaries of columns, from which encoders are fitted without all rows in memory.

A summary is updated with blocks of training rows; :func:`merge` adds two of them. Counts, minima,
maxima and categories do not depend on how the rows are divided into blocks.
"""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from graduel.data.column import Kind
from graduel.data.prepare import values
from graduel.data.prepare.distribution import Distribution
from graduel.errors import UserError

if TYPE_CHECKING:
    import polars as pl

MOST_CATEGORIES = 1_000_000
"""Maximum number of distinct categories of a column that are counted."""


class NumberSummary:
    """The distribution of a numeric column, and its missing values; infinite ones are missing."""

    def __init__(self, name: str) -> None:
        self.name, self.n_missing, self.distribution = name, 0, Distribution()

    def update(self, column: pl.Series) -> None:
        """Add rows."""
        self.add_numbers(values.to_numbers(column))

    def add_numbers(self, x: values.Array) -> None:
        """Add numbers, NaN for missing."""
        known = x[np.isfinite(x)]
        self.n_missing += len(x) - len(known)
        self.distribution.update(known)

    def absorb(self, other: NumberSummary) -> None:
        """Add the rows of another summary."""
        self.n_missing += other.n_missing
        self.distribution.absorb(other.distribution)


class CategorySummary:
    """The number of rows of each category, and of missing values."""

    def __init__(self, name: str) -> None:
        self.name, self.n_missing, self.counts = name, 0, Counter[str]()

    def update(self, column: pl.Series) -> None:
        """Add rows."""
        text = values.to_labels(column).rename("label")
        self.n_missing += text.null_count()
        self._add(dict(text.drop_nulls().value_counts(name="count").iter_rows()))

    def absorb(self, other: CategorySummary) -> None:
        """Add the rows of another summary."""
        self.n_missing += other.n_missing
        self._add(other.counts)

    def _add(self, counts: dict[str, int]) -> None:
        self.counts.update(counts)
        if len(self.counts) > MOST_CATEGORIES:
            raise UserError(
                f"column {self.name!r}: expected at most {MOST_CATEGORIES:,} categories; got more. "
                f"Leave it out with --drop {self.name}"
            )


class FlagSummary:
    """The number of missing values of a boolean column."""

    def __init__(self, name: str) -> None:
        self.name, self.n_missing = name, 0

    def update(self, column: pl.Series) -> None:
        """Add rows."""
        self.n_missing += int(np.isnan(values.to_flags(column)).sum())

    def absorb(self, other: FlagSummary) -> None:
        """Add the rows of another summary."""
        self.n_missing += other.n_missing


class DateSummary:
    """The distribution of a date column's days, and the ranges of its periodic parts."""

    def __init__(self, name: str) -> None:
        self.name, self.days = name, NumberSummary(name)
        self.ranges: dict[str, tuple[int, int]] = {}

    def update(self, column: pl.Series) -> None:
        """Add rows."""
        times = values.to_datetimes(column)
        self.days.add_numbers(values.to_days(times))
        known = times[~np.isnat(times)]
        if len(known):
            parts = values.date_parts(known).items()
            self._widen({part: (int(codes.min()), int(codes.max())) for part, codes in parts})

    def absorb(self, other: DateSummary) -> None:
        """Add the rows of another summary."""
        self.days.absorb(other.days)
        self._widen(other.ranges)

    @property
    def varying_parts(self) -> tuple[str, ...]:
        """The parts that vary."""
        ends = self.ranges
        return tuple(part for part in values.PERIODS if part in ends and np.ptp(ends[part]) > 0)

    def _widen(self, ranges: dict[str, tuple[int, int]]) -> None:
        for part, (low, high) in ranges.items():
            old = self.ranges.get(part, (low, high))
            self.ranges[part] = (min(low, old[0]), max(high, old[1]))


ColumnSummary = NumberSummary | CategorySummary | FlagSummary | DateSummary
One = TypeVar("One", bound=ColumnSummary)

SUMMARIES: dict[Kind, type[ColumnSummary]] = {
    "numeric": NumberSummary,
    "categorical": CategorySummary,
    "boolean": FlagSummary,
    "date": DateSummary,
}
"""The summary of each kind of column; columns of text have none."""


def merge(a: One, b: One) -> One:
    """Return the summary of the rows of both; neither is changed.

    >>> a, b = FlagSummary("x"), FlagSummary("x")
    >>> a.n_missing, b.n_missing = 2, 3
    >>> merge(a, b).n_missing
    5
    """
    if type(a) is not type(b) or a.name != b.name:
        raise ValueError(
            f"expected summaries of one column; got {type(a).__name__} of {a.name!r} and "
            f"{type(b).__name__} of {b.name!r}"
        )
    total = deepcopy(a)
    total.absorb(b)  # type: ignore[arg-type]  # of the same class
    return total
