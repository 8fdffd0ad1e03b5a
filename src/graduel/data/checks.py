"""What is suspicious about a table, said before anything is fitted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from shlex import quote
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from graduel.data.column import Column
from graduel.data.read.column_names import quote_name
from graduel.data.schema_inference import CAMEL_ID, LIKE_AN_ID
from graduel.data.table import Table

if TYPE_CHECKING:
    import polars as pl

SAMPLE = 20_000
"""Rows on which single columns are tried."""
ENOUGH = 100
"""Rows below which nothing is said about what a column predicts."""
BINS = 256
"""Ranges of a column of numbers, at most."""
AWAY = 0.01
"""Error of one column alone, of all and of guessing's, that gives the target away."""
FEW = 10
"""Rows of a class."""
RARE = 0.01
"""Share of the smallest of two classes."""
RELATED = frozenset(
    (
        *("code", "id", "name", "label", "text", "number", "num", "encoded", "enc", "flag"),
        *("pred", "predicted", "prediction", "prob", "probability", "proba", "score"),
        *("reason", "date", "true", "new", "old", "orig", "final", "is", "was"),
    )
)
"""Words that a copy of the target, or its consequence, is called by beside the target's name."""


def check_table(table: Table, *, seed: int = 0) -> tuple[str, ...]:
    """Return what is suspicious, a sentence each; nothing is changed.

    A column that alone predicts the target nearly perfectly or is called like it, equal rows and
    contradicting ones, numbers that look like an identifier, classes of few rows, rows in the
    order of a date, a class of less than 1 %.

    Parameters
    ----------
    seed : of the rows that are looked at where there are many

    Examples
    --------
    >>> import polars as pl
    >>> from graduel.data.schema_inference import infer_table
    >>> n = 200
    >>> frame = pl.DataFrame({"x": [i % 7 for i in range(n)], "y": [i % 2 for i in range(n)]})
    >>> copied = frame.with_columns(known=pl.col("y") * 3.5)
    >>> check_table(infer_table(copied, target="y"))[0]
    "column 'known' alone predicts the target almost perfectly (0.0 % error): is it known \
beforehand? If not, --drop known"
    """
    return (
        *_giving_away(table, np.random.default_rng(seed)),
        *_named_alike(table),
        *_equal_rows(table),
        *_identifiers(table),
        *_classes(table),
        *_ordered(table),
    )


def _giving_away(table: Table, rng: np.random.Generator) -> Iterator[str]:
    rows = np.arange(len(table.y))
    if len(rows) < ENOUGH:
        return
    rows = rng.permutation(rows)[:SAMPLE]
    y, half = table.y[rows], len(rows) // 2
    guess = np.bincount(y[:half]).argmax()
    bound = AWAY * min(1.0, float(np.mean(y[half:] != guess)) * 2)
    for column in table.columns:
        error = _alone(_groups(table.frame[column.name][rows], column, half), y, half)
        if error <= bound:
            yield (
                f"column {quote_name(column.name)} alone predicts the target almost perfectly "
                f"({error:.1%} error): is it known beforehand? If not, --drop {quote(column.name)}"
            ).replace("% e", " % e")


def _groups(values: pl.Series, column: Column, half: int) -> NDArray[np.int64]:
    """Tell each row's group: its category, or its range of numbers; missing is a group, too."""
    import polars as pl

    if column.kind in ("categorical", "boolean", "text"):
        return np.array(values.rank("dense").fill_null(0).cast(pl.Int64))
    numbers = np.array(values.cast(pl.Float64).fill_null(np.nan).to_numpy())
    edges = np.unique(numbers[:half][~np.isnan(numbers[:half])])
    if len(edges) > BINS:
        edges = np.quantile(edges, np.linspace(0, 1, BINS))
    # NaN is sorted behind all numbers: a group of its own.
    return np.searchsorted(edges, numbers, side="right") + np.isnan(numbers)


def _alone(groups: NDArray[np.int64], y: NDArray[np.int64], half: int) -> float:
    """Return the error of each group's most frequent class, learned on the first half."""
    k = int(y.max()) + 1
    pairs, counts = np.unique(groups[:half] * k + y[:half], return_counts=True)
    best = np.full(int(groups.max()) + 1, np.bincount(y[:half]).argmax())
    order = np.argsort(counts, kind="stable")
    best[pairs[order] // k] = pairs[order] % k
    return float(np.mean(best[groups[half:]] != y[half:]))


def _named_alike(table: Table) -> Iterator[str]:
    target = _words(table.target)
    for column in table.columns:
        words = _words(column.name)
        if target <= words and words - target <= RELATED:
            yield (
                f"column {quote_name(column.name)} is named like the target "
                f"{quote_name(table.target)}: is "
                f"it known beforehand? If not, --drop {quote(column.name)}"
            )


def _words(name: str) -> set[str]:
    apart = re.sub(r"([a-z])([A-Z])", r"\1 \2", name)
    return set(re.findall(r"[^\W\d_]+", apart.lower())) or {name}


def _equal_rows(table: Table) -> Iterator[str]:
    import polars as pl

    hashes = table.frame.hash_rows(seed=0)
    groups = pl.DataFrame({"hash": hashes, "y": table.y}).group_by("hash")
    found = groups.agg(pl.len().alias("n"), pl.col("y").n_unique().alias("k"))
    n = len(table.y)
    if again := n - len(found):
        odd = found.filter(pl.col("k") > 1)["n"].sum()
        more = f"; {odd:,} rows have equal features and different classes" if odd else ""
        share = f"{100 * again / n:.1f} %"
        yield f"{again:,} of {n:,} rows ({share}) repeat the features of an earlier row{more}"


def _identifiers(table: Table) -> Iterator[str]:
    for column in table.columns:
        values = table.frame[column.name]
        if column.kind != "numeric" or not values.dtype.is_integer() or len(values) < ENOUGH:
            continue
        called = LIKE_AN_ID.search(column.name) or CAMEL_ID.search(column.name)
        several = values.n_unique() > 0.95 * len(values)
        if several and (called or values.is_sorted() or values.is_sorted(descending=True)):
            yield (
                f"column {quote_name(column.name)} looks like an identifier: nearly all whole "
                "numbers "
                f"differ{'' if called else ', in order'}. If it is one, --drop {quote(column.name)}"
            )


def _classes(table: Table) -> Iterator[str]:
    counts = table.counts
    small = [
        f"{table.classes[code]} ({counts[code]:,})"
        for code in np.argsort(counts, kind="stable")
        if counts[code] < FEW
    ]
    if small:
        yield f"classes with fewer than {FEW} rows: {_some(small)}; they can hardly be judged"
    share = counts.min() / counts.sum()
    if share < RARE and len(small) != len(counts):
        rarest = table.classes[int(counts.argmin())]
        yield (
            f"class {quote_name(rarest)} has {100 * share:.2g} % of the rows: the error rate says "
            "little about it"
        )


def _some(texts: list[str], most: int = 5) -> str:
    more = f" and {len(texts) - most:,} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more


def _ordered(table: Table) -> Iterator[str]:
    for column in table.columns:
        if column.kind != "date":
            continue
        dates = table.frame[column.name].drop_nulls()
        if dates.n_unique() > 2 and (dates.is_sorted() or dates.is_sorted(descending=True)):
            yield (
                f"the rows are in the order of {quote_name(column.name)}: shuffled rows let a "
                "model "
                f"look into the future. Split by it with --time {quote(column.name)}"
            )
