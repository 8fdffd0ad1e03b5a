"""Synchronous data parallelism: several workers divide each batch and add up the flat gradient.

With the rows i of a batch divided among the workers r, and weights wᵢ,

    gradient = Σᵣ Σ_{i of r} wᵢ gᵢ / Σᵢ wᵢ,

so the batches, the loss and the steps are those of one process. What carries the sums is a
:class:`Collective`; ``collectives.py`` has those of XGBoost and MPI.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from graduel.nn.losses.loss import batch_weights
from graduel.nn.workspace import Call

Array = NDArray[Any]


class LostWorkerError(RuntimeError):
    """A worker of a parallel training died or does not answer."""


class Collective(Protocol):
    """A group of workers that compute the same steps and exchange arrays.

    Every worker makes the same calls in the same order. A call raises :class:`LostWorkerError` if
    another worker died or does not answer in time.
    """

    @property
    def rank(self) -> int:
        """The number of this worker, from 0."""
        ...

    @property
    def size(self) -> int:
        """The number of workers."""
        ...

    def all_reduce(self, array: Array) -> Array:
        """Replace a contiguous array by its sum over all workers, the same bits on each; return it.

        The sum is in the array's dtype.
        """
        ...

    def broadcast(self, array: Array, root: int = 0) -> Array:
        """Replace a contiguous array by that of the worker `root`, bit for bit; return it."""
        ...


class Alone:
    """The collective of one process.

    >>> Alone().size, Alone().all_reduce(np.ones(2))
    (1, array([1., 1.]))
    """

    rank, size = 0, 1

    def all_reduce(self, array: Array) -> Array:
        """Return the array."""
        return array

    def broadcast(self, array: Array, root: int = 0) -> Array:
        """Return the array."""
        return array


class DataParallel:
    """The part of one worker in a training.

    Batches are divided by position into contiguous parts whose sizes differ by at most one row; a
    part may be empty. Dropout, noise and augmentation draw from `rng`, a stream for each
    (seed, step, worker): Philox with the key (seed, rank) and the step in its counter. So a
    resumed training needs no state of it.

    Parameters
    ----------
    collective : the workers
    seed : a seed that is the same on all workers, from 0 to 2⁶⁴ − 1

    Examples
    --------
    >>> parallel = DataParallel(Alone(), seed=1)
    >>> parallel.begin_step(0, np.arange(3))
    array([0, 1, 2])
    """

    def __init__(self, collective: Collective, seed: int) -> None:
        self.collective, self.seed = collective, seed
        self._bits = np.random.Philox(key=np.array([seed, collective.rank], np.uint64))
        self.rng = np.random.Generator(self._bits)
        """The stream of this worker at the current step."""
        self.batch_rows = 0
        """The number of rows of the current batch, over all workers."""

    def bounds(self, n: int) -> tuple[int, int]:
        """Return the first of n rows that is this worker's, and the first that no longer is."""
        rank, size = self.collective.rank, self.collective.size
        return n * rank // size, n * (rank + 1) // size

    def begin_step(self, step: int, index: Array, purpose: int = 0) -> Array:
        """Set the stream to a step; return this worker's part of the batch's row indices.

        Steps with another `purpose` (0: training) have streams of their own.
        """
        self._set_stream(step, purpose)
        self.batch_rows = len(index)
        start, stop = self.bounds(len(index))
        return index[start:stop]

    def begin_part(self, step: int, batch_rows: int) -> None:
        """Set the stream to a step whose batch has that many rows, over all workers."""
        self._set_stream(step, 0)
        self.batch_rows = batch_rows

    def _set_stream(self, step: int, purpose: int) -> None:
        state: Any = self._bits.state
        state["state"]["counter"][...] = (0, 0, step, purpose)
        state.update(buffer_pos=4, has_uint32=0, uinteger=0)
        self._bits.state = state

    def call(self, t: float = 0.0) -> Call:
        """Return the context of a training pass over this worker's rows."""
        alone = self.collective.size == 1
        sum_up = None if alone else self.collective.all_reduce
        return Call(train=True, rng=self.rng, t=t, sum_over_workers=sum_up)

    def weigh(self, loss: Any, y: Array, weight: Array | None) -> tuple[float, float]:
        """Return Σ wᵢ of the batch, and this worker's share of it.

        In the share, class weights c count: Σ over its rows of c wᵢ / Σ over the batch of c wᵢ, as
        in the loss.
        """
        scaled = batch_weights(loss, y, weight)
        if scaled is None:
            return float(self.batch_rows), len(y) / self.batch_rows
        own = np.ones(len(y)) if weight is None else weight
        sums = np.array([own.sum(), scaled.sum()])
        mine = float(sums[1])
        self.collective.all_reduce(sums)
        return float(sums[0]), mine / float(sums[1]) if sums[1] else 0.0

    def sum_number(self, value: float) -> float:
        """Return the sum of a number over the workers, in float64."""
        return float(self.collective.all_reduce(np.array([value]))[0])

    def predict(self, n: int, predict: Callable[[int, int], Array]) -> Array:
        """Return the predictions for n rows: each worker predicts some, all receive all.

        Parameters
        ----------
        n : number of rows
        predict : ``(start, stop) → predictions``, also for no rows
        """
        start, stop = self.bounds(n)
        part = predict(start, stop)
        if self.collective.size == 1:
            return part
        whole = np.zeros((n, *part.shape[1:]), part.dtype)
        whole[start:stop] = part
        return self.collective.all_reduce(whole)

    def gather(self, content: bytes) -> list[bytes]:
        """Return the contents of all workers, in the order of their ranks."""
        rank, size = self.collective.rank, self.collective.size
        lengths = np.zeros(size, np.int64)
        lengths[rank] = len(content)
        ends = np.cumsum(self.collective.all_reduce(lengths))
        whole = np.zeros(int(ends[-1]), np.uint8)
        whole[int(ends[rank]) - len(content) : int(ends[rank])] = np.frombuffer(content, np.uint8)
        together = self.collective.all_reduce(whole).tobytes()
        starts = (0, *ends[:-1])
        return [together[int(a) : int(b)] for a, b in zip(starts, ends, strict=True)]

    def check_equal(self, *arrays: Array) -> None:
        """Raise on all workers if the arrays are not the same on all, bit for bit.

        Raises
        ------
        RuntimeError
            If a checksum (CRC-32) differs from that of worker 0.
        """
        checksum = 0
        for array in arrays:
            checksum = zlib.crc32(np.ascontiguousarray(array).view(np.uint8).data, checksum)
        first = self.collective.broadcast(np.array([checksum], np.float64))
        differing = self.sum_number(float(first[0] != checksum))
        if differing:
            raise RuntimeError(
                f"expected the same weights on all {self.collective.size} workers, got others than "
                f"worker 0's on {differing:.0f}; run all workers on the same kind of machine, with "
                "the same versions"
            )
