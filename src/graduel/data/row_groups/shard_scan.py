"""One pass over row groups: classes, summaries of the training rows, and the validation rows.

A distributed pass is a map of :func:`scan` over shards and :meth:`ShardScan.merge`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from graduel.data.coerce import category_text
from graduel.data.prepare.column_summary import SUMMARIES, ColumnSummary, merge
from graduel.data.read.column_names import quote_name
from graduel.data.row_groups.parquet_shards import ParquetShards, spread_rows
from graduel.data.row_groups.row_assignment import TRAIN, VALID, RowAssignment
from graduel.data.schema import Schema
from graduel.data.schema_inference import infer_table
from graduel.data.table import Table
from graduel.data.target import NoTargetError, numeric_if_possible
from graduel.data.text.spellings import fold_case
from graduel.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import polars as pl

SAMPLE = 100_000
"""Approximate number of rows from which the schema is inferred, spread over all row groups."""


@dataclass(frozen=True, slots=True)
class Labels:
    """The names of classes in a target column, converted in the same way in every row group.

    Attributes
    ----------
    target : the target column
    is_numeric : whether a target of text holds numbers, as in the sample
    merged : the classes whose names are merged regardless of case, by their names in lower case
    """

    target: str
    is_numeric: bool
    merged: Mapping[str, str] = field(default_factory=dict)

    def read(self, frame: pl.DataFrame, where: str) -> pl.Series:
        """Return the name of each row's class; null without a target.

        Raises
        ------
        UserError
            If the target is text that was numbers in the sample, and a cell is not a number.
        """
        import polars as pl

        column = numeric_if_possible(frame[self.target])
        is_numeric = column.dtype.is_numeric()
        if self.is_numeric and not is_numeric and column.null_count() < len(column):
            raise UserError(
                f"{where}: column {quote_name(self.target)}: expected numbers, as in the sample; "
                f"got {quote_name(column.drop_nulls()[0])}. Correct the cells"
            )
        if is_numeric and not self.is_numeric:  # numbers in this row group only
            column = frame[self.target].str.strip_chars()
        text = category_text(column).alias("label")
        if not self.merged or column.dtype != pl.String:
            return text
        merged = fold_case(text).replace_strict(
            list(self.merged), list(self.merged.values()), default=None, return_dtype=pl.String
        )
        return merged.fill_null(text)


@dataclass(frozen=True, slots=True, eq=False)
class SampledTable:
    """The schema of a table, inferred from a sample of its rows.

    Attributes
    ----------
    table : the sample with its inferred schema
    schema : columns and formats; its classes are those of the sample
    labels : how the target is converted
    assignment : the roles of rows
    is_train : whether each row of the sample is a training row
    """

    table: Table
    schema: Schema
    labels: Labels
    assignment: RowAssignment
    is_train: np.ndarray

    @property
    def columns(self) -> list[str]:
        """The names of the columns to read: features and target."""
        return [*(column.name for column in self.schema.columns), self.labels.target]


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Some rows of a table as they are in its files, with the role of each."""

    rows: pl.DataFrame
    roles: np.ndarray


def infer_schema(
    shards: ParquetShards,
    *,
    target: str | None,
    seed: int = 0,
    sample: int = SAMPLE,
    **options: Any,
) -> SampledTable:
    """Infer the schema of a table from about `sample` rows, spread over all row groups.

    Options and errors are those of :func:`graduel.data.schema_inference.infer_table`.
    """
    if target is None:
        raise NoTargetError(shards.read(shards.row_groups[0]))
    return infer_from(
        read_sample(shards, seed, sample), shards, target=target, seed=seed, **options
    )


def read_sample(shards: ParquetShards, seed: int = 0, sample: int = SAMPLE) -> Sample:
    """Read about `sample` rows, spread over all row groups."""
    import polars as pl

    assignment = RowAssignment.of(shards.n_rows, seed)
    parts, roles = [], []
    for group, frame in shards.stream():
        rows = spread_rows(group, shards.n_rows, sample, seed)
        parts.append(frame[rows])
        roles.append(assignment.roles(group)[rows])
    return Sample(pl.concat(parts), np.concatenate(roles))


def infer_from(
    sample: Sample,
    shards: ParquetShards,
    *,
    target: str,
    categorical: Iterable[str] = (),
    numeric: Iterable[str] = (),
    drop: Iterable[str] = (),
    missing: Iterable[str] = (),
    date_order: str | None = None,
    seed: int = 0,
) -> SampledTable:
    """Infer the schema of a table from its sample; see :func:`infer_schema`."""
    from graduel.data.dataset import Dataset

    table = infer_table(
        sample.rows,
        name=shards.name,
        target=target,
        categorical=categorical,
        numeric=numeric,
        drop=drop,
        missing=missing,
        date_order=date_order,
    )
    if not table.classes:
        raise UserError(
            f"expected a target of classes; {quote_name(table.target)} is a number. A table that "
            "is read from disk is trained for classes only: choose another target, or read a "
            "sample that fits into memory with --rows"
        )
    note = f"column types are inferred from {sample.rows.height:,} of {shards.n_rows:,} rows"
    table = replace(table, notes=(note, *table.notes))
    merged = {one.lower(): one for one in table.classes} if table.merges_classes else {}
    kind = numeric_if_possible(sample.rows[table.target]).dtype
    return SampledTable(
        table,
        Schema.of(Dataset.from_table(table)),
        Labels(table.target, kind.is_numeric(), merged),
        RowAssignment.of(shards.n_rows, seed),
        sample.roles[table.rows] == TRAIN,
    )


@dataclass(frozen=True, slots=True, eq=False)
class ShardScan:
    """The result of a pass over row groups.

    Attributes
    ----------
    summaries : summaries of the features' training rows
    counts : the number of rows of each class, for each role
    n_unlabelled : number of rows without a target, which are left out
    train_rows : the number of training rows, by the number of the row group
    valid : the features and class names of the validation rows, by the number of the row group
    """

    summaries: tuple[ColumnSummary, ...]
    counts: tuple[Counter[str], Counter[str], Counter[str]]
    n_unlabelled: int = 0
    train_rows: dict[int, int] = field(default_factory=dict)
    valid: dict[int, tuple[pl.DataFrame, pl.Series]] = field(default_factory=dict)

    def merge(self, other: ShardScan) -> ShardScan:
        """Return the scan of the row groups of both."""
        pairs = zip(self.summaries, other.summaries, strict=True)
        a, b = self.counts, other.counts
        return ShardScan(
            tuple(merge(one, two) for one, two in pairs),
            (a[0] + b[0], a[1] + b[1], a[2] + b[2]),
            self.n_unlabelled + other.n_unlabelled,
            self.train_rows | other.train_rows,
            self.valid | other.valid,
        )


def scan(shards: ParquetShards, sampled: SampledTable) -> ShardScan:
    """Read row groups once; return the summaries, the classes and the validation rows.

    Raises
    ------
    UserError
        If a file cannot be read, or a cell does not have the kind of its column.
    """
    summaries = tuple(SUMMARIES[one.kind](one.name) for one in sampled.schema.columns)
    counts = (Counter[str](), Counter[str](), Counter[str]())
    n_unlabelled, train_rows, valid = 0, {}, {}
    for group, frame in shards.stream(columns=sampled.columns):
        labels = sampled.labels.read(frame, str(group.path))
        roles = sampled.assignment.roles(group)
        n_unlabelled += labels.null_count()
        known = labels.is_not_null().to_numpy()
        for role, counter in enumerate(counts):
            of_role = labels.filter(known & (roles == role))
            counter.update(dict(of_role.value_counts(name="count").iter_rows()))
        features = sampled.schema.conform(frame, first_row=group.first_row)
        train = features.filter(known & (roles == TRAIN))
        train_rows[group.number] = len(train)
        for summary in summaries:
            summary.update(train[summary.name])
        is_valid = known & (roles == VALID)
        valid[group.number] = (features.filter(is_valid), labels.filter(is_valid))
    return ShardScan(summaries, counts, n_unlabelled, train_rows, valid)
