"""A duel's protocol, which determines its result, and its cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from json import dumps
from typing import Any
from zlib import crc32

import numpy as np

from graduel.data import Dataset
from graduel.data.task import TaskKind
from graduel.duel.plan.design import Design
from graduel.duel.plan.packages import deciding_versions
from graduel.duel.plan.splits import Split, split_builtin_rows, split_rows
from graduel.duel.verdict.types import Rope, RopeLike
from graduel.errors import UserError
from graduel.serialize import from_plain, to_plain

FORMAT = 1
ROPE = 0.0025
"""Region of practical equivalence for the error: 0.25 percentage points, 25 digits in 10,000."""

LATER: Mapping[str, Any] = {"workers": 1, "task": "classification", "rope_is_share": False}
"""Fields that came later, with the values by which earlier plans stay as they were."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A unit of work: one fit of one contender on one split with one seed."""

    contender: str
    seed: int
    """The number of the run, ``split * seeds + seed``."""
    stream: str = ""
    """Name of the random stream; by default the contender's name."""

    @property
    def key(self) -> str:
        """The name of the cell's folder."""
        return f"{self.contender}-seed{self.seed}"

    def rng(self) -> np.random.Generator:
        """Return a new random generator for the cell, independent of other cells."""
        return np.random.default_rng([self.seed, crc32((self.stream or self.contender).encode())])


@dataclass(frozen=True, slots=True)
class Protocol:
    """Everything that determines the result of a duel, as plain data.

    Equal protocols give equal results, except for times and memory, so that a duel can be resumed.

    Attributes
    ----------
    dataset : name of the data set
    contenders : ``{"family", "title", "recipe"}`` for each name
    seeds : number of fits of each contender on each split
    rows : number of training and validation rows together; None for all
    quick : whether recipes are the quick ones
    threads : number of threads of each fit; 0 if the machine decides when the run begins
    rope : region of practical equivalence: the largest difference in the metric without practical
        relevance
    varies : the keys that vary in an experiment
    versions : versions of the packages that influence the results
    source : a :class:`~graduel.data.spec.SourceSpec` as plain data; None for built-in data
    split : a :class:`~graduel.duel.plan.design.Design` as text
    metric : the metric compared
    trials : number of hyperparameter-search trials of each contender in each run
    seconds : time budget of each contender in each run, for search and fits
    probes : whether robustness and feature importance of fitted models are measured
    workers : number of processes that share each fit, of the contenders that can be divided
    task : the kind of target
    rope_is_share : whether `rope` is a share of the lower loss of a pair
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
    workers: int = 1
    task: TaskKind = "classification"
    rope_is_share: bool = False

    @property
    def rope_rule(self) -> RopeLike:
        """The ROPE of each pair: a difference, or a share of the lower loss of the two."""
        return Rope(self.rope) if self.rope_is_share else self.rope

    @property
    def budget(self) -> dict[str, Any]:
        """The budget of each contender: its kind and value."""
        if self.trials is not None:
            return {"kind": "trials", "value": self.trials}
        return {"kind": "none" if self.seconds is None else "seconds", "value": self.seconds}

    @property
    def is_tuned(self) -> bool:
        """Whether hyperparameters are searched."""
        return self.trials is not None or self.seconds is not None

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for ``duel.json``; equal protocols give equal data.

        Fields of :data:`LATER` are left out where they have the default, so that plans without
        workers and of classification are as before there were others.
        """
        plain = {"format": FORMAT, **to_plain(self)}
        return {name: v for name, v in plain.items() if LATER.get(name, NotImplemented) != v}

    def explain_one_process(self, contender: str) -> str:
        """Return why a contender is fitted in one process although there are workers, or ""."""
        from graduel.contenders.workers.train_job import explain_one_process

        spec = self.contenders[contender]
        return explain_one_process(spec["family"], spec["recipe"], self.metric)

    def is_divided(self, contender: str) -> bool:
        """Return whether worker processes share the fits of a contender."""
        return self.workers > 1 and not self.explain_one_process(contender)

    @classmethod
    def from_dict(cls, data: Any) -> Protocol:
        """Build a protocol from the plain data of :meth:`as_dict`.

        Raises
        ------
        UserError
            If the data are not a plan of this format.
        """
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            got = f"format {data.get('format')!r}" if isinstance(data, dict) else "other data"
            raise UserError(
                f"expected a duel's plan of format {FORMAT}; got {got}. Run the duel again in "
                "a new folder"
            )
        return from_plain(cls, data, "expected a duel's plan")

    @property
    def digest(self) -> str:
        """The first eight hexadecimal digits of the protocol's SHA-256 hash."""
        return sha256(dumps(self.as_dict(), sort_keys=True).encode()).hexdigest()[:8]

    @property
    def design(self) -> Design:
        """The split design."""
        return Design.parse(self.split)

    @property
    def splits(self) -> int:
        """The number of train/test splits."""
        return self.design.splits

    @property
    def runs(self) -> int:
        """The number of fits of each contender: splits times seeds."""
        return self.splits * self.seeds

    def cells(self) -> Iterator[Cell]:
        """Yield all cells, contender by contender.

        The variants of an experiment share one random stream.
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
