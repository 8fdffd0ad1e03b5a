"""Mini-batches: rows that keep their dtype and are converted to floats a batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from graduel import kernels
from graduel.pixels import detect_scale

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """A matrix of examples, read as ``scale · X`` in `dtype`.

    uint8 pixels stay uint8: only the current batch is converted. That takes less memory than float
    rows, and batches are gathered faster.

    Examples
    --------
    >>> rows = Rows(np.array([[0, 255], [51, 102]], np.uint8), scale=0.5)
    >>> rows.block(0, 2)
    array([[  0. , 127.5],
           [ 25.5,  51. ]], dtype=float32)
    """

    X: Array
    scale: float = 1.0
    dtype: str = "float32"

    def __post_init__(self) -> None:
        if self.X.ndim != 2:
            raise ValueError(f"rows must have shape (n, features); got {self.X.shape}")

    @classmethod
    def of(cls, X: Array, dtype: str = "float32") -> Rows:
        """Return rows that scale uint8 pixels to 0 to 1 and leave other numbers unscaled."""
        return cls(X, detect_scale(X), dtype)

    def __len__(self) -> int:
        return len(self.X)

    @property
    def n_features(self) -> int:
        """The number of columns."""
        return int(self.X.shape[1])

    def block(self, start: int, stop: int) -> Array:
        """Return rows `start` to `stop` as a new float array."""
        return np.multiply(self.X[start:stop], self.scale, dtype=self.dtype, casting="unsafe")

    def gather(self, size: int) -> Callable[[Array], Array]:
        """Return a function that gathers at most `size` rows by their indices.

        Its result is a buffer that the next call overwrites.
        """
        out = np.empty((size, self.n_features), self.dtype)
        raw = out if self.X.dtype == out.dtype else np.empty(out.shape, self.X.dtype)

        def take(index: Array) -> Array:
            n = len(index)
            batch = out[:n]
            kernels.gather_scale(self.X, index, self.scale, batch if raw is out else raw[:n], batch)
            return batch

        return take


@runtime_checkable
class Source(Protocol):
    """Rows that are converted to floats a batch at a time: :class:`Rows` or the like."""

    @property
    def dtype(self) -> str:
        """The dtype of the float rows."""
        ...

    @property
    def n_features(self) -> int:
        """The number of columns."""
        ...

    def __len__(self) -> int: ...

    def block(self, start: int, stop: int) -> Array:
        """Return rows `start` to `stop` as a new float array."""
        ...

    def gather(self, size: int) -> Callable[[Array], Array]:
        """Return a function that gathers at most `size` rows by their indices."""
        ...


def iter_batches(
    rows: Source, size: int, order: Array, part: Callable[[Array], Array] | None = None
) -> Iterator[tuple[Array, Array]]:
    """Yield batches ``(x, index)`` in this order of rows; the last batch may be smaller.

    `x` is a buffer that the next batch overwrites. `part` selects rows of each batch by their
    indices; default: all.
    """
    take = rows.gather(min(size, len(order)))
    for start in range(0, len(order), size):
        index = order[start : start + size]
        if part is not None:
            index = part(index)
        yield take(index), index


class BatchStream(Protocol):
    """Training rows that are not in memory: each epoch is an iterator over its batches.

    In a training by several workers, each has the stream of its own rows. Its length and the
    number of its batches are those of all workers together; a part of a batch may be empty.
    """

    @property
    def dtype(self) -> str:
        """The dtype of the float rows."""
        ...

    @property
    def n_features(self) -> int:
        """The number of columns."""
        ...

    def __len__(self) -> int: ...

    def epoch_batches(self, size: int, epoch: int) -> Iterator[tuple[Array, Array]]:
        """Yield rows and class codes or targets of an epoch; epochs are numbered from 0.

        A batch has at most `size` rows, over all workers. The sizes of an epoch's batches sum to
        the number of rows.
        """
        ...

    def batch_sizes(self, size: int) -> Array:
        """Return the number of rows of each batch of an epoch, over all workers."""
        ...


class CodeStream(BatchStream, Protocol):
    """A stream of rows and class codes, with what a training must know before the first batch."""

    @property
    def class_counts(self) -> Array:
        """The number of rows of each class."""
        ...

    def sample(self) -> Array:
        """Return some of the rows."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class TargetStream:
    """A stream whose class codes are converted to targets, a batch at a time."""

    stream: BatchStream
    convert: Callable[[Array], Array]

    @property
    def dtype(self) -> str:
        """The dtype of the float rows."""
        return self.stream.dtype

    @property
    def n_features(self) -> int:
        """The number of columns."""
        return self.stream.n_features

    def __len__(self) -> int:
        return len(self.stream)

    def epoch_batches(self, size: int, epoch: int) -> Iterator[tuple[Array, Array]]:
        """Yield rows and targets of an epoch."""
        for x, y in self.stream.epoch_batches(size, epoch):
            yield x, self.convert(y)

    def batch_sizes(self, size: int) -> Array:
        """Return the number of rows of each batch of an epoch, over all workers."""
        return self.stream.batch_sizes(size)
