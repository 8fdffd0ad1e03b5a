"""A table larger than memory with its schema: blocks of training, validation and test rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from graduel.data.prepare.column_summary import ColumnSummary
from graduel.data.read.arrays.labeled_arrays import natural_order
from graduel.data.read.column_names import quote_name
from graduel.data.row_groups.parquet_shards import ParquetShards, RowGroup
from graduel.data.row_groups.row_assignment import TEST, TRAIN, VALID
from graduel.data.row_groups.shard_scan import SampledTable, ShardScan, scan
from graduel.data.schema import Schema
from graduel.data.schema_inference import UNLABELLED, describe_unlabelled
from graduel.data.table import Table
from graduel.errors import UserError

if TYPE_CHECKING:
    import polars as pl

Codes = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class ShardedTable:
    """A table in row groups, with its schema and the summaries of its training rows.

    Attributes
    ----------
    shards : the row groups
    sampled : the sample from which the schema was inferred
    schema : columns, and the classes of all rows
    summaries : the summaries of the features' training rows
    counts : number of rows of the whole table by role and class, shape (3, n_classes)
    train_rows : number of training rows of the whole table, by the number of the row group
    valid : features and class codes of the validation rows, in memory
    rank : the worker whose row groups these are
    shares : number of training rows of each worker
    """

    shards: ParquetShards
    sampled: SampledTable
    schema: Schema
    summaries: tuple[ColumnSummary, ...]
    counts: NDArray[np.int64]
    train_rows: dict[int, int]
    valid: tuple[pl.DataFrame, Codes]
    rank: int = 0
    shares: tuple[int, ...] = ()

    @classmethod
    def of(
        cls, shards: ParquetShards, sampled: SampledTable, result: ShardScan | None = None
    ) -> ShardedTable:
        """Scan the row groups, or take the result of a scan.

        Raises
        ------
        UserError
            If a role has no rows, or the training rows have one class.
        """
        import polars as pl

        result = scan(shards, sampled) if result is None else result
        names = {name for counter in result.counts for name in counter}
        classes = tuple(sorted(names, key=natural_order))
        counts = np.array([[counter[name] for name in classes] for counter in result.counts])
        n_train, n_valid, n_test = counts.sum(axis=1)
        if not n_valid or not n_test or (counts[TRAIN] > 0).sum() < 2:
            raise UserError(
                f"too few rows to split: {shards.n_rows:,} rows give {n_train:,} training rows (of "
                f"{(counts[TRAIN] > 0).sum()} classes of column "
                f"{quote_name(sampled.labels.target)}), {n_valid:,} validation rows and "
                f"{n_test:,} test rows. Use more rows"
            )
        blocks = [result.valid[number] for number in sorted(result.valid)]
        valid = pl.concat([features for features, _ in blocks])
        labels = pl.concat([labels for _, labels in blocks])
        table = sampled.table
        if result.n_unlabelled:
            note = describe_unlabelled(result.n_unlabelled)
            others = [one for one in table.notes if UNLABELLED not in one]
            table = replace(table, notes=(*others[:1], note, *others[1:]))
        return cls(
            shards,
            replace(sampled, table=table),
            replace(sampled.schema, classes=classes),
            result.summaries,
            counts,
            result.train_rows,
            (valid, _encode(labels, classes)),
            shares=(int(n_train),),
        )

    @property
    def table(self) -> Table:
        """The sample, with the notes and dropped columns of the inference."""
        return self.sampled.table

    @property
    def n_train(self) -> int:
        """The number of training rows; in a shard, of its row groups."""
        return self.shares[self.rank]

    @property
    def n_valid(self) -> int:
        """The number of validation rows."""
        return int(self.counts[VALID].sum())

    @property
    def n_test(self) -> int:
        """The number of test rows."""
        return int(self.counts[TEST].sum())

    def shard(self, rank: int, size: int) -> ShardedTable:
        """Return the table with the row groups of one worker; see :meth:`ParquetShards.shard`.

        Summaries, `counts` and validation rows stay those of the whole table.
        """
        shards = [self.shards.shard(one, size) for one in range(size)]
        shares = tuple(sum(self.train_rows[g.number] for g in one.row_groups) for one in shards)
        return replace(self, shards=shards[rank], rank=rank, shares=shares)

    def blocks(
        self, role: int, groups: Sequence[RowGroup] | None = None
    ) -> Iterator[tuple[pl.DataFrame, Codes]]:
        """Yield the features and class codes of the rows of a role, row group by row group.

        Parameters
        ----------
        role : TRAIN, VALID or TEST of :mod:`graduel.data.row_groups.row_assignment`
        groups : the row groups in order; default: all
        """
        for group, frame in self.shards.stream(groups, self.sampled.columns):
            labels = self.sampled.labels.read(frame, str(group.path))
            roles = self.sampled.assignment.roles(group)
            keep = labels.is_not_null().to_numpy() & (roles == role)
            features = self.schema.conform(frame.filter(keep), first_row=group.first_row)
            yield features, _encode(labels.filter(keep), self.schema.classes)


def _encode(labels: pl.Series, classes: tuple[str, ...]) -> Codes:
    """Return the class code of each label."""
    import polars as pl

    return np.array(labels.cast(pl.Enum(classes)).to_physical().cast(pl.Int64).to_numpy())
