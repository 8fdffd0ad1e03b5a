"""A collective of threads in one process: the sums in rank order, behind a barrier."""

from __future__ import annotations

from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

import numpy as np


class ThreadCollective:
    """One of several threads; `board` is shared by all."""

    def __init__(self, rank: int, size: int, board: list[Any], barrier: Barrier) -> None:
        self.rank, self.size = rank, size
        self._board, self._barrier = board, barrier

    def _exchange(self, array: np.ndarray) -> list[np.ndarray]:
        self._board[self.rank] = array.copy()
        self._barrier.wait()
        arrays = [*self._board]
        self._barrier.wait()
        return arrays

    def all_reduce(self, array: np.ndarray) -> np.ndarray:
        first, *others = self._exchange(array)
        for other in others:
            first = first + other
        array[...] = first
        return array

    def broadcast(self, array: np.ndarray, root: int = 0) -> np.ndarray:
        array[...] = self._exchange(array)[root]
        return array


def run_threads(size: int, work: Callable[[ThreadCollective], Any]) -> list[Any]:
    """Run `work` on each of `size` workers; return their results, or raise the first error."""
    board, barrier = [None] * size, Barrier(size, timeout=30)
    results: list[Any] = [None] * size
    errors: list[BaseException] = []

    def run(rank: int) -> None:
        try:
            results[rank] = work(ThreadCollective(rank, size, board, barrier))
        except BaseException as error:
            errors.append(error)
            barrier.abort()

    threads = [Thread(target=run, args=(rank,)) for rank in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results
