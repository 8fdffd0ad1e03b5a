"""Training rows from disk as prepared mini-batches, in an order shuffled within a buffer."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.data.prepare.preparation import Preparation
from graduel.data.row_groups.parquet_shards import RowGroup
from graduel.data.row_groups.row_assignment import TRAIN
from graduel.data.row_groups.sharded_table import ShardedTable

Array = NDArray[Any]
Chunk = tuple[Array, Array]
"""Prepared rows and their class codes."""

BUFFER_ROWS, BUFFER_BYTES = 1 << 18, 1 << 28
"""Maximum size of the buffer in which rows are shuffled: rows, and bytes of prepared rows."""
CHUNK = 1 << 16
"""Rows prepared at a time."""
SAMPLE = 1 << 14
"""Maximum number of training rows in memory, for layers that are initialized from data."""


class PreparedStream:
    """Prepared training rows, read from disk in every epoch.

    In each epoch the row groups are read in random order, and a buffer is filled with their
    training rows, which another thread reads and prepares. A full buffer is shuffled and divided
    into batches; rows that do not fill a batch stay in it. The order is drawn by a generator keyed
    by (seed, epoch, worker), so that it does not depend on earlier epochs.

    Each of several workers gives every batch a part in proportion to its number of rows: with n of
    all N rows it has given ⌊n min(sB, N) / N⌋ rows after s batches of size B.

    Parameters
    ----------
    table : the table; in parallel training, a worker's shard of it
    preparation : the fitted encoders
    seed : the seed of the order
    buffer_rows : maximum number of rows in the buffer
    """

    dtype = "float32"

    def __init__(
        self,
        table: ShardedTable,
        preparation: Preparation,
        *,
        seed: int = 0,
        buffer_rows: int = BUFFER_ROWS,
    ) -> None:
        self.table, self.preparation, self.seed = table, preparation, seed
        self.n_features = len(preparation.names)
        self.buffer_rows = max(1, min(buffer_rows, BUFFER_BYTES // (4 * max(self.n_features, 1))))

    def __len__(self) -> int:
        return sum(self.table.shares)

    @property
    def class_counts(self) -> Array:
        """The number of training rows of each class."""
        return np.array(self.table.counts[TRAIN])

    def sample(self) -> Array:
        """Return prepared training rows from the sample of the schema's inference."""
        rows = np.flatnonzero(self.table.sampled.is_train)
        rows = rows[:: max(1, len(rows) // SAMPLE)][:SAMPLE]
        return self.preparation.transform(self.table.table.frame[rows])

    def epoch_batches(self, size: int, epoch: int) -> Iterator[tuple[Array, Array]]:
        """Yield the rows and class codes of this worker's part of each batch of an epoch."""
        rng = np.random.default_rng([self.seed, epoch, 2, self.table.rank])
        groups = self.table.shards.row_groups
        order = [groups[i] for i in rng.permutation(len(groups))]
        capacity = max(size, self.buffer_rows)
        X, y, n = np.empty((capacity, self.n_features), np.float32), np.empty(capacity, np.intp), 0
        ends, done = self._part_ends(size)[self.table.rank], 0

        def shuffled_parts(parts: int) -> Iterator[tuple[Array, Array]]:
            """Yield the next parts of the shuffled buffer; move its other rows to the start."""
            nonlocal n, done
            shuffled, start, first = rng.permutation(n), 0, int(ends[done - 1]) if done else 0
            for end in ends[done : done + parts]:
                rows = shuffled[start : int(end) - first]
                start += len(rows)
                yield X[rows], y[rows]
            rest = shuffled[start:]
            n, done = len(rest), done + parts
            X[:n], y[:n] = X[rest], y[rest]

        for rows, codes in in_background(self._chunks(order, rng)):
            start = 0
            while start < len(codes):
                stop = min(start + capacity - n, len(codes))
                end = n + stop - start
                X[n:end], y[n:end] = rows[start:stop], codes[start:stop]
                n, start = end, stop
                if n == capacity:
                    n_given = int(ends[done - 1]) if done else 0
                    yield from shuffled_parts(int((ends <= n_given + n).sum()) - done)
        yield from shuffled_parts(len(ends) - done)

    def batch_sizes(self, size: int) -> Array:
        """Return the number of rows of each batch of an epoch, over all workers."""
        return np.diff(self._part_ends(size).sum(axis=0), prepend=0)

    def _part_ends(self, size: int) -> Array:
        """Return each worker's number of rows up to the end of each batch."""
        total = len(self)
        ends = np.minimum(np.arange(size, total + size, size), total)
        return np.multiply.outer(self.table.shares, ends) // total

    def _chunks(self, order: list[RowGroup], rng: np.random.Generator) -> Iterator[Chunk]:
        """Yield prepared training rows; those of a row group are shuffled if they are many."""
        seeds = rng.spawn(len(order))
        for seed, (features, codes) in zip(seeds, self.table.blocks(TRAIN, order), strict=True):
            n = len(codes)
            rows = seed.permutation(n) if n > self.buffer_rows else np.arange(n)
            for start in range(0, n, CHUNK):
                part = rows[start : start + CHUNK]
                yield self.preparation.transform(features[part]), codes[part]


def in_background(chunks: Iterator[Chunk]) -> Iterator[Chunk]:
    """Yield the items of an iterator; the next one is computed in another thread."""
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(next, chunks, None)
        while (chunk := following.result()) is not None:
            following = pool.submit(next, chunks, None)
            yield chunk
