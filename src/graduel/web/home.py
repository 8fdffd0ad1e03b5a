"""What a server was started on: the ready-trained models, a model, a finished duel, or a table."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.data import Dataset, load_dataset
from graduel.web.contest import Contest
from graduel.web.problems import Problem
from graduel.web.ready import Ready

Array = NDArray[Any]


@dataclass
class Home:
    """What every client finds at the start; it is shared, and never changed.

    Attributes
    ----------
    title : what the page is about
    ready : models that are trained at the first start, where nothing else was given
    given : models that were given
    table : a table that was given, to train on
    """

    title: str = "mnist"
    ready: Ready | None = None
    given: Contest | None = None
    table: Dataset | None = None

    @cached_property
    def digits(self) -> Dataset:
        """MNIST: its test digits are there to be picked, its training digits to train on."""
        return load_dataset("mnist")

    def warm(self) -> None:
        """Read what the first client will ask for, in a thread of its own."""

        def work() -> None:
            if self.is_digits:
                _ = self.digits
            if self.contest is not None and self.contest.trees is not None:
                _ = self.contest.trees.forest

        threading.Thread(target=work, name="warm", daemon=True).start()

    @property
    def contest(self) -> Contest | None:
        """The models, once they are there."""
        return self.given if self.ready is None else self.ready.contest

    @property
    def is_digits(self) -> bool:
        """Whether examples are images of MNIST's size."""
        if self.table is not None:
            return False
        return self.given is None or self.given.image == (28, 28, 1)

    def data(self) -> Dataset | None:
        """Return the data to train on and to take examples from; None where there are none."""
        if self.table is not None:
            return self.table
        return self.digits if self.is_digits else None


def judged_rows(data: Dataset, seed: int = 0) -> Array:
    """Return rows that no training here ever sees: the given test part, or a fifth that is drawn.

    >>> from graduel.data.description import own
    >>> len(judged_rows(own("iris").load()))
    30
    """
    if data.n_train is not None:
        return np.asarray(data.test_rows)
    return np.sort(_shuffled(data, seed)[: max(1, len(data.y) // 5)])


def learning_rows(data: Dataset, most: int, seed: int = 0) -> tuple[Array, Array]:
    """Return rows to learn from and rows to be judged on while learning: drawn, apart.

    Raises
    ------
    Problem
        With status 422, where there are too few.

    Examples
    --------
    >>> from graduel.data.description import own
    >>> [len(rows) for rows in learning_rows(own("iris").load(), 1000)]
    [96, 24]
    """
    rows = _shuffled(data, seed)
    rows = rows[rows < data.n_train] if data.n_train is not None else rows[len(rows) // 5 or 1 :]
    valid = min(1000, max(1, len(rows) // 5))
    train = rows[valid : valid + most]
    if len(train) < 4:
        raise Problem(422, f"expected at least 10 rows to train on; got {len(data.y)}")
    return train, rows[:valid]


def _shuffled(data: Dataset, seed: int) -> Array:
    return np.random.default_rng(seed).permutation(len(data.y))
