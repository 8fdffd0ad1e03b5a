"""Checks of a table for leakage, duplicates and other causes of misleading results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from shlex import quote
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from graduel.data import finding
from graduel.data.checks.row_numbers import describe_resemblance, is_whole
from graduel.data.column import Column
from graduel.data.column_inference import is_named_identifier
from graduel.data.finding import Finding
from graduel.data.read.column_names import quote_name, split_words
from graduel.data.table import DroppedColumn, Table, report_dropped
from graduel.data.text.text_kinds import IDENTIFIER as DISTINCT_TEXT
from graduel.number_format import agree, format_quantity, format_value

if TYPE_CHECKING:
    import polars as pl

    from graduel.data.dataset import Dataset

SAMPLE = 20_000
"""Maximum number of rows on which single columns are evaluated."""
MIN_ROWS = 100
"""Minimum number of rows for the checks of single columns."""
BINS = 256
"""Maximum number of ranges into which a numeric column is cut."""
LEAK_ERROR = 0.01
"""Error rate up to which a column alone counts as leakage; less if the baseline error is small."""
LEAK_VARIANCE = 1e-3
"""Share of the variance of a numeric target up to which a column that explains the rest counts as
leakage."""
DECADES = 100.0
"""Ratio of the 99 % and 1 % quantiles of a positive target from which its logarithm is advised."""
FEW = 10
"""Number of rows below which a class has few rows."""
RARE = 0.01
"""Share of the rows below which a class is rare."""
RELATED = frozenset(
    (
        *("code", "id", "name", "label", "text", "number", "num", "encoded", "enc", "flag"),
        *("pred", "predicted", "prediction", "prob", "probability", "proba", "score"),
        *("reason", "date", "true", "new", "old", "orig", "final", "is", "was"),
    )
)
"""Words that the name of a copy or a consequence of the target adds to the target's name."""


def check_table(table: Table, *, seed: int = 0) -> tuple[Finding, ...]:
    """Return the findings about a table; the table is not changed.

    The checks look for columns that alone predict the target or are named like it, duplicate and
    contradictory rows, columns that look like identifiers or number the rows, classes with few rows
    or less than 1 % of the rows, and rows sorted by date.

    Parameters
    ----------
    table : features and target, as returned by :func:`infer_table`
    seed : seed for sampling rows of a large table

    Examples
    --------
    >>> import polars as pl
    >>> from graduel.data.schema_inference import infer_table
    >>> n = 200
    >>> frame = pl.DataFrame({"x": [i % 7 for i in range(n)], "y": [i % 2 for i in range(n)]})
    >>> copied = frame.with_columns(known=pl.col("y") * 3.5)
    >>> print(check_table(infer_table(copied, target="y"))[0])
    warning GRD001: column 'known' alone predicts the target almost perfectly (0.0 % error). Drop \
it with --drop known unless it is known at prediction time
    """
    return (
        *_check_predictors(table, np.random.default_rng(seed)),
        *_check_names(table),
        *_check_repeats(table),
        *_check_identifiers(table),
        *(_check_classes(table) if table.classes else _check_target(table)),
        *_check_order(table),
        *check_row_numbers(table.set_aside),
        *table.findings,
    )


def _check_predictors(table: Table, rng: np.random.Generator) -> Iterator[Finding]:
    rows = np.arange(len(table.y))
    if len(rows) < MIN_ROWS:
        return
    rows = rng.permutation(rows)[:SAMPLE]
    y, half = table.y[rows], len(rows) // 2
    if table.classes:
        most_frequent = np.bincount(y[:half]).argmax()
        bound = LEAK_ERROR * min(1.0, float(np.mean(y[half:] != most_frequent)) * 2)
    else:
        bound = LEAK_VARIANCE
    for column in table.columns:
        values = table.frame[column.name][rows]
        if table.classes:
            error = _grouped_error(_group_values(values, column, half), y, half)
            what = f"{100 * error:.1f} % error"
        else:
            error = _unexplained_share(values, column, y, half)
            what = f"R² {1 - error:.4f}"
        if error <= bound:
            yield finding.PREDICTS_TARGET.report(
                f"column {quote_name(column.name)} alone predicts the target almost perfectly "
                f"({what}). {_advise_drop(column)}",
                column.name,
            )


def _advise_drop(column: Column) -> str:
    return f"Drop it with --drop {quote(column.name)} unless it is known at prediction time"


def _group_values(values: pl.Series, column: Column, half: int) -> NDArray[np.int64]:
    """Return each row's group: its category or its range of numbers; missing values are a group."""
    import polars as pl

    if column.kind in ("categorical", "boolean", "text"):
        return np.array(values.rank("dense").fill_null(0).cast(pl.Int64))
    numbers = np.array(values.cast(pl.Float64).fill_null(np.nan).to_numpy())
    edges = np.unique(numbers[:half][~np.isnan(numbers[:half])])
    if len(edges) > BINS:
        edges = np.quantile(edges, np.linspace(0, 1, BINS))
    # NaN sorts after all numbers and forms a separate group.
    return np.searchsorted(edges, numbers, side="right") + np.isnan(numbers)


def _grouped_error(groups: NDArray[np.int64], y: NDArray[np.int64], half: int) -> float:
    """Return the error on the second half of predicting each group's mode from the first half."""
    k = int(y.max()) + 1
    pairs, counts = np.unique(groups[:half] * k + y[:half], return_counts=True)
    best = np.full(int(groups.max()) + 1, np.bincount(y[:half]).argmax())
    order = np.argsort(counts, kind="stable")
    best[pairs[order] // k] = pairs[order] % k
    return float(np.mean(best[groups[half:]] != y[half:]))


def _unexplained_share(
    values: pl.Series, column: Column, y: NDArray[np.float64], half: int
) -> float:
    """Return 1 − R² on the second half of predicting each group's mean of the first half.

    Of a numeric column it is 1 minus the squared correlation of ranks, if that is lower: ranges of
    a column that orders the rows like the target still hold many values of the target.
    """
    groups = _group_values(values, column, half)
    sums = np.bincount(groups[:half], y[:half], minlength=int(groups.max()) + 1)
    sizes = np.bincount(groups[:half], minlength=len(sums))
    means = np.where(sizes > 0, sums / np.maximum(sizes, 1), y[:half].mean())
    later = y[half:]
    total = float(np.sum((later - later.mean()) ** 2))
    share = float(np.sum((later - means[groups[half:]]) ** 2)) / total if total else 1.0
    if column.kind not in ("numeric", "date"):
        return share
    import polars as pl
    from scipy.stats import spearmanr

    numbers = values.cast(pl.Float64).to_numpy()
    known = np.isfinite(numbers)
    if known.sum() < MIN_ROWS // 2 or np.ptp(numbers[known]) == 0:
        return share
    return min(share, 1 - float(spearmanr(numbers[known], y[known]).statistic) ** 2)


def _check_names(table: Table) -> Iterator[Finding]:
    target = split_words(table.target)
    for column in table.columns:
        words = split_words(column.name)
        if target <= words and words - target <= RELATED:
            yield finding.NAMED_LIKE_TARGET.report(
                f"column {quote_name(column.name)} is named like the target "
                f"{quote_name(table.target)}. {_advise_drop(column)}",
                column.name,
            )


def _check_repeats(table: Table) -> Iterator[Finding]:
    import polars as pl

    hashes = table.frame.hash_rows(seed=0)
    groups = pl.DataFrame({"hash": hashes, "y": table.y}).group_by("hash")
    sizes = groups.agg(pl.len().alias("n"), pl.col("y").n_unique().alias("k"))
    n = len(table.y)
    if n_repeated := n - len(sizes):
        n_odd = int(sizes.filter(pl.col("k") > 1)["n"].sum())
        odd = f"{format_quantity(n_odd, 'row')} {agree(n_odd, 'has', 'have')}"
        values = "classes" if table.classes else "targets"
        more = f"; {odd} equal features and different {values}" if n_odd else ""
        yield finding.REPEATED_ROWS.report(
            f"{n_repeated:,} of {n:,} rows ({100 * n_repeated / n:.1f} %) "
            f"{agree(n_repeated, 'repeats', 'repeat')} the features of an earlier row{more}"
        )


def _check_identifiers(table: Table) -> Iterator[Finding]:
    for column in table.columns:
        values = table.frame[column.name]
        if column.kind not in ("numeric", "date") or len(values) < MIN_ROWS:
            continue
        is_named = is_named_identifier(column.name)
        is_distinct = values.n_unique() > 0.95 * len(values) and is_whole(values.drop_nulls())
        reason = describe_resemblance(values)
        if is_distinct and (is_named or values.is_sorted() or values.is_sorted(descending=True)):
            reason = (
                f"nearly all of its whole numbers are distinct{'' if is_named else ' and sorted'}"
            )
        if reason is not None:
            yield finding.IDENTIFIER.report(
                f"column {quote_name(column.name)} looks like an identifier: {reason}. If it is "
                f"one, drop it with --drop {quote(column.name)}",
                column.name,
            )


def _check_target(table: Table) -> Iterator[Finding]:
    """Yield a finding on a positive target that spans two decades or more and is skewed."""
    low, middle, high = np.quantile(table.y, (0.01, 0.5, 0.99))
    if table.y.min() > 0 and high >= DECADES * low and high - middle > 2 * (middle - low):
        yield finding.SKEWED_TARGET.report(
            f"the target {quote_name(table.target)} is positive and skewed, from "
            f"{format_value(float(low))} to {format_value(float(high))} (1 % and 99 % quantiles): "
            "squared errors of the largest numbers decide. With --log-target the contenders "
            "predict its logarithm",
            table.target,
        )


def _check_classes(table: Table) -> Iterator[Finding]:
    counts = table.counts
    small = [
        f"{table.classes[code]} ({counts[code]:,})"
        for code in np.argsort(counts, kind="stable")
        if counts[code] < FEW
    ]
    if small:
        more = f" and {len(small) - 5:,} more" if len(small) > 5 else ""
        yield finding.FEW_ROWS.report(
            f"classes with fewer than {FEW} rows: {', '.join(small[:5])}{more}; too few to "
            "measure their error rates"
        )
    share = counts.min() / counts.sum()
    if share < RARE and len(small) != len(counts):
        rarest = table.classes[int(counts.argmin())]
        yield finding.RARE_CLASS.report(
            f"class {quote_name(rarest)} has {100 * share:.2g} % of the rows: the error rate "
            "hardly depends on it"
        )


def check_row_numbers(set_aside: Iterable[DroppedColumn]) -> Iterator[Finding]:
    """Yield the findings about dropped columns that number the rows, by numbers or by times."""
    for column in set_aside:
        name = quote_name(column.name)
        if column.why == "identifier" and column.reason != DISTINCT_TEXT:
            yield finding.ROW_NUMBER.report(
                f"column {name} is set aside because it numbers the rows: {column.reason}. Use it "
                f"as a feature with --numeric {quote(column.name)}",
                column.name,
            )
        elif column.why == "time stamp":
            yield finding.ORDERED_BY_DATE.report(
                f"column {name} is set aside because {column.reason}: with shuffled rows a model "
                "trains on the future of its test rows. Split by time and use the column with "
                f"--time {quote(column.name)}",
                column.name,
            )


def report_decisions(dataset: Dataset, *, with_values: bool = True) -> Iterator[Finding]:
    """Yield the findings on what the reader and the schema inference decided.

    Parameters
    ----------
    with_values : whether the findings hold the values of constant columns
    """
    table = dataset.inferred_table
    for note in (*dataset.notes, *(table.notes if table is not None else ())):
        yield finding.DATA_READ.report(note)
    if table is not None:
        yield from report_dropped(table.set_aside, with_values=with_values)


def _check_order(table: Table) -> Iterator[Finding]:
    for column in table.columns:
        if column.kind != "date":
            continue
        dates = table.frame[column.name].drop_nulls()
        if dates.n_unique() > 2 and (dates.is_sorted() or dates.is_sorted(descending=True)):
            yield finding.ORDERED_BY_DATE.report(
                f"the rows are sorted by {quote_name(column.name)}: with shuffled rows a model "
                f"trains on the future of its test rows. Split by time with --time "
                f"{quote(column.name)}",
                column.name,
            )
