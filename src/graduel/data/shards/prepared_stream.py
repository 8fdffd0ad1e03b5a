"""Training rows from disk as prepared mini-batches, in an order shuffled within a buffer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.data.prepare.preparation import Preparation
from graduel.data.shards.row_assignment import TRAIN
from graduel.data.shards.sharded_table import ShardedTable

Array = NDArray[Any]

BUFFER_ROWS, BUFFER_BYTES = 1 << 18, 1 << 28
"""Maximum size of the buffer in which rows are shuffled: rows, and bytes of prepared rows."""
CHUNK = 1 << 16
"""Rows prepared at a time."""
SAMPLE = 1 << 14
"""Maximum number of training rows in memory, for layers that are initialized from data."""


class PreparedStream:
    """Prepared training rows, read from disk in every epoch.

    In each epoch the row groups are read in random order, and a buffer is filled with their
    training rows. A full buffer is shuffled and divided into batches; rows that do not fill a batch
    stay in it. The order is drawn by a generator keyed by (seed, epoch), so that it does not depend
    on earlier epochs.

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
        self.table, self.preparation, self.seed, self.epoch = table, preparation, seed, 0
        self.n_features = len(preparation.names)
        self.buffer_rows = max(1, min(buffer_rows, BUFFER_BYTES // (4 * max(self.n_features, 1))))

    def __len__(self) -> int:
        return self.table.n_train

    @property
    def class_counts(self) -> Array:
        """The number of training rows of each class."""
        return np.array(self.table.counts[TRAIN])

    def sample(self) -> Array:
        """Return prepared training rows from the sample of the schema's inference."""
        rows = np.flatnonzero(self.table.sampled.is_train)
        rows = rows[:: max(1, len(rows) // SAMPLE)][:SAMPLE]
        return self.preparation.transform(self.table.table.frame[rows])

    def epoch_batches(self, size: int) -> Iterator[tuple[Array, Array]]:
        """Yield the rows and class codes of the batches of the next epoch."""
        rng = np.random.default_rng([self.seed, self.epoch, 2])
        self.epoch += 1
        groups = self.table.shards.row_groups
        order = [groups[i] for i in rng.permutation(len(groups))]
        capacity = max(size, self.buffer_rows)
        X, y, n = np.empty((capacity, self.n_features), np.float32), np.empty(capacity, np.intp), 0
        for features, codes in self.table.blocks(TRAIN, order):
            rows = rng.permutation(len(codes)) if len(codes) > capacity else np.arange(len(codes))
            start = 0
            while start < len(rows):
                part = rows[start : start + min(CHUNK, capacity - n)]
                X[n : n + len(part)] = self.preparation.transform(features[part])
                y[n : n + len(part)] = codes[part]
                n, start = n + len(part), start + len(part)
                if n == capacity:
                    shuffled = rng.permutation(n)
                    left = n % size
                    yield from _batches(X, y, shuffled[: n - left], size)
                    rest = shuffled[n - left :]
                    X[:left], y[:left], n = X[rest], y[rest], left
        yield from _batches(X, y, rng.permutation(n), size)


def _batches(X: Array, y: Array, order: Array, size: int) -> Iterator[tuple[Array, Array]]:
    for start in range(0, len(order), size):
        rows = order[start : start + size]
        yield X[rows], y[rows]
