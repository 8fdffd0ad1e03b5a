"""The predictions of an unfinished duel, whose contenders have finished different runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.duel.plan.design import Design
from graduel.duel.verdict.runs import RunPredictions
from graduel.duel.verdict.types import Comparison, RopeLike
from graduel.metrics.metric import Metric

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class PartialRuns:
    """The predicted probabilities of the finished runs of each contender.

    Attributes
    ----------
    design, seeds, test_rows, y : as in :class:`RunPredictions`, of all planned runs
    probabilities : by contender name and number of the run, of contenders with a finished run
    """

    design: Design
    seeds: int
    test_rows: Sequence[Array]
    y: Sequence[Array]
    probabilities: Mapping[str, Mapping[int, Array]]

    def own(self, name: str) -> RunPredictions:
        """Return one contender's finished runs."""
        return self._select([name], sorted(self.probabilities[name]))

    def shared(self, names: Sequence[str]) -> RunPredictions | None:
        """Return the runs that all of `names` have finished; None if there are none.

        In cross-validation these are complete repeats, so that each row counts equally.
        """
        each = [set(self.probabilities[name]) for name in names]
        runs = sorted(set.intersection(*each)) if each else []
        if self.design.kind == "folds":
            size = self.design.folds * self.seeds
            repeats = [list(range(r * size, (r + 1) * size)) for r in range(self.design.repeats)]
            runs = [run for repeat in repeats if set(repeat) <= set(runs) for run in repeat]
        return self._select(names, runs) if runs else None

    def is_complete(self, n_contenders: int) -> bool:
        """Return whether `n_contenders` contenders have finished all runs."""
        finished = [len(runs) == len(self.y) for runs in self.probabilities.values()]
        return all(finished) and len(finished) == n_contenders

    def planned(self) -> RunPredictions:
        """Return the rows of all planned runs, without predictions."""
        return self._select([], range(len(self.y)))

    def probabilities_by_row(self) -> dict[str, Array]:
        """Return the probabilities of all test rows by contender, as a report needs them.

        In cross-validation they are those of the repeats that all contenders have finished; empty
        if there are none.
        """
        names = list(self.probabilities)
        if self.design.kind != "folds":
            return {name: self.own(name).probabilities_by_row(name) for name in names}
        shared = self.shared(names)
        return {} if shared is None else {n: shared.probabilities_by_row(n) for n in names}

    def compare(
        self, metric: Metric, rope: RopeLike, titles: Mapping[str, str], against: str | None
    ) -> list[Comparison]:
        """Compare the pairs that share runs, corrected for all pairs of `titles`."""
        if self.is_complete(len(titles)):
            return self._select(list(titles), range(len(self.y))).compare(
                metric, rope, titles, against
            )
        pairs = [p for p in combinations(self.probabilities, 2) if against in (None, *p)]
        planned = len(titles) - 1 if against else len(titles) * (len(titles) - 1) // 2
        comparisons = []
        for pair in pairs:
            if (shared := self.shared(pair)) is not None:
                comparisons += shared.compare(metric, rope, titles, None, n_pairs=planned)
        return comparisons

    def _select(self, names: Sequence[str], runs: Sequence[int]) -> RunPredictions:
        design, size = self.design, self.design.folds * self.seeds
        is_folds, seeds = design.kind == "folds", self.seeds
        is_complete = is_folds and len(runs) % size == 0 and _is_whole(runs, size)
        if is_complete:
            design = replace(design, repeats=len(runs) // size)
        test_rows = [self.test_rows[run] for run in runs]
        if is_folds and not is_complete:  # number the rows that were tested from 0
            known = np.unique(np.concatenate(test_rows))
            test_rows = [np.searchsorted(known, rows) for rows in test_rows]
        return RunPredictions(
            design,
            seeds if is_folds else len(runs),
            test_rows,
            [self.y[run] for run in runs],
            {name: [self.probabilities[name][run] for run in runs] for name in names},
            [run // seeds for run in runs] if is_folds and not is_complete else None,
        )


def _is_whole(runs: Sequence[int], size: int) -> bool:
    """Return whether sorted runs are complete repeats of `size` runs."""
    starts = runs[::size]
    return all(start % size == 0 for start in starts) and list(runs) == [
        run for start in starts for run in range(start, start + size)
    ]
