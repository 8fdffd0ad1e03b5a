"""A duel's protocol, from which everything else follows, and its cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from json import dumps
from typing import Any
from zlib import crc32

import numpy as np

from graduel.data import Dataset
from graduel.duel.plan.design import Design
from graduel.duel.plan.packages import deciding_versions
from graduel.duel.plan.splits import Split, split_builtin_rows, split_rows
from graduel.errors import UserError
from graduel.serialize import from_plain, to_plain

FORMAT = 1
ROPE = 0.0025
"""Region of practical equivalence for the error: a quarter of a point, 25 digits in 10,000."""


@dataclass(frozen=True, slots=True)
class Cell:
    """The unit of work: one contender, fitted once with one seed on one split."""

    contender: str
    seed: int
    """The number of the run: split by split, and seed by seed of each."""
    stream: str = ""
    """The name of its random stream; by default the contender's."""

    @property
    def key(self) -> str:
        """The name of its folder."""
        return f"{self.contender}-seed{self.seed}"

    def rng(self) -> np.random.Generator:
        """Return a new generator of its stream; it does not depend on other cells."""
        return np.random.default_rng([self.seed, crc32((self.stream or self.contender).encode())])


@dataclass(frozen=True, slots=True)
class Protocol:
    """Everything that decides a duel's outcome, as plain data.

    Equal protocols give equal results (times and memory apart), so that a duel can be stopped and
    resumed.

    Attributes
    ----------
    dataset : the data's name
    contenders : for each name ``{"family", "title", "recipe"}``
    seeds : the number of fits of each contender on each split
    rows : training and validation rows; None for all
    quick : whether budgets are small
    threads : of each fit
    rope : the largest difference of the metric that makes no practical difference
    varies : the keys that differ among the variants of an experiment
    versions : of the packages that decide the numbers
    source : a :class:`~graduel.data.spec.SourceSpec` as plain data; None for built-in data
    split : a :class:`~graduel.duel.plan.design.Design` as text
    metric : the metric that is compared
    trials : the number of trials of each contender's tuning, in each run
    seconds : of tuning and fitting that each contender has in each run
    probes : whether fitted models are probed with perturbed rows
    """

    dataset: str
    contenders: Mapping[str, Mapping[str, Any]]
    seeds: int = 1
    rows: int | None = None
    quick: bool = False
    threads: int = 1
    rope: float = ROPE
    varies: Sequence[str] = ()
    versions: Mapping[str, str] = field(default_factory=deciding_versions)
    source: Mapping[str, Any] | None = None
    split: str = "given"
    metric: str = "error"
    trials: int | None = None
    seconds: float | None = None
    probes: bool = True

    @property
    def budget(self) -> dict[str, Any]:
        """The budget of each side: its kind and its size."""
        if self.trials is not None:
            return {"kind": "trials", "value": self.trials}
        return {"kind": "none" if self.seconds is None else "seconds", "value": self.seconds}

    @property
    def is_tuned(self) -> bool:
        """Whether hyperparameters are searched."""
        return self.trials is not None or self.seconds is not None

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for ``duel.json``; equal protocols give equal data."""
        return {"format": FORMAT, **to_plain(self)}

    @classmethod
    def from_dict(cls, data: Any) -> Protocol:
        """Return the protocol that plain data of :meth:`as_dict` describe.

        Raises
        ------
        UserError
            If the data are not a plan of this format.
        """
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise UserError(f"expected a duel's plan of format {FORMAT}; got something else")
        return from_plain(cls, data, "expected a duel's plan")

    @property
    def digest(self) -> str:
        """Eight characters that distinguish this protocol from others."""
        return sha256(dumps(self.as_dict(), sort_keys=True).encode()).hexdigest()[:8]

    @property
    def design(self) -> Design:
        """How test rows come about."""
        return Design.parse(self.split)

    @property
    def splits(self) -> int:
        """The number of pairs of training and test rows."""
        return self.design.splits

    @property
    def runs(self) -> int:
        """The number of fits of each contender: each split with each seed."""
        return self.splits * self.seeds

    def cells(self) -> Iterator[Cell]:
        """Yield every cell, contender by contender.

        The variants of an experiment draw the same random numbers.
        """
        stream = "experiment" if self.varies else ""
        for name in self.contenders:
            for run in range(self.runs):
                yield Cell(name, run, stream)

    def split_rows(self, dataset: Dataset, run: int) -> Split:
        """Return the training, validation and test rows of a run.

        Raises
        ------
        UserError
            If there are too few rows.
        """
        if self.source is None and self.split == "given":
            return split_builtin_rows(dataset, run, self.rows)
        number, seed = divmod(run, self.seeds)
        return split_rows(dataset, self.design, number, seed, self.rows)
