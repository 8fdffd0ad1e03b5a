"""How a duel is judged: the one place where runs on splits meet metrics and statistics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.duel.plan.design import Design
from graduel.duel.plan.splits import Split
from graduel.duel.verdict.folds import compare_folds
from graduel.duel.verdict.test_rows import compare_rows
from graduel.duel.verdict.types import Comparison
from graduel.metrics.metric import Metric, get_metric, is_misclassified
from graduel.stats.corrected_t import corrected_t
from graduel.stats.multiplicity import error_interval

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class RunPredictions:
    """What all contenders answered, run by run and put together.

    Attributes
    ----------
    design, seeds : of the duel
    tests : the test rows of each run
    y : the codes of their true classes, run by run
    runs : for each contender the probabilities of each run's test rows
    """

    design: Design
    seeds: int
    tests: Sequence[Array]
    y: Sequence[Array]
    runs: Mapping[str, Sequence[Array]]

    @property
    def whole_y(self) -> Array:
        """True classes of all rows that are judged, in the order of the rows."""
        return self.by_row(self.y)

    def by_row(self, parts: Sequence[Array]) -> Array:
        """Return what is the same in every run, told of its test rows, in the order of the rows."""
        return self._gathered(parts)[0] if self.design.kind == "folds" else parts[0]

    def whole(self, name: str) -> Array:
        """Probabilities for all rows that are judged, shape (seeds, n, classes).

        After cross-validation every row was judged in one fold of each repeat: the first axis
        counts repeats and seeds.
        """
        if self.design.kind != "folds":
            return np.stack(self.runs[name])
        return self._gathered(self.runs[name])

    def _gathered(self, parts: Sequence[Array]) -> Array:
        """Put what belongs to the test rows of each run at the places of the rows."""
        n = sum(len(self.tests[fold * self.seeds]) for fold in range(self.design.folds))
        times = self.design.repeats * self.seeds
        found = np.empty((times, n, *parts[0].shape[1:]), parts[0].dtype)
        for run, (rows, part) in enumerate(zip(self.tests, parts, strict=True)):
            number, seed = divmod(run, self.seeds)
            found[number // self.design.folds * self.seeds + seed, rows] = part
        return found

    def losses(self, name: str, metric: Metric) -> list[float]:
        """Return the loss of each run."""
        return [metric.loss(p, y) for p, y in zip(self.runs[name], self.y, strict=True)]

    def by_fold(self, name: str, metric: Metric) -> Array:
        """Return the loss by repeat and fold, the mean over seeds."""
        shape = (self.design.repeats, self.design.folds, self.seeds)
        return np.array(self.losses(name, metric)).reshape(shape).mean(axis=2)

    @property
    def test_share(self) -> float:
        """Share of the rows that a fold is judged on."""
        return 1 / self.design.folds

    def error(self, name: str) -> tuple[float, tuple[float, float]]:
        """Return a contender's error and its 95 % interval."""
        if self.design.kind != "folds":
            misses = is_misclassified(self.whole(name), self.whole_y)
            return float(misses.mean()), error_interval(misses, 0.95)
        found = corrected_t(self.by_fold(name, get_metric("error")), self.test_share)
        low, high = found.interval(0.95)
        if found.se == 0:
            misses = is_misclassified(self.whole(name), self.whole_y)
            low, high = error_interval(misses[:1], 0.95)
        return found.mean, (max(low, 0.0), min(high, 1.0))

    def spread(self, name: str, metric: Metric) -> float | None:
        """Return the standard deviation of the metric over the folds; None without folds."""
        if self.design.kind != "folds":
            return None
        folds = self.by_fold(name, metric)
        return sqrt(float(folds.var(ddof=1)))

    def compare(
        self, metric: Metric, rope: float, titles: Mapping[str, str], against: str | None
    ) -> list[Comparison]:
        """Compare every pair, or all with one, by the statistics that fit the design."""
        if self.design.kind == "folds":
            return compare_folds(
                {name: self.by_fold(name, metric) for name in self.runs},
                metric=metric,
                test_share=self.test_share,
                n=len(self.whole_y),
                rope=rope,
                titles=titles,
                against=against,
            )
        return compare_rows(
            {name: self.whole(name) for name in self.runs},
            self.whole_y,
            metric=metric,
            rope=rope,
            titles=titles,
            against=against,
        )


def collect_predictions(
    design: Design,
    seeds: int,
    splits: Sequence[Split],
    y: Sequence[Array],
    runs: Mapping[str, Sequence[Array]],
) -> RunPredictions:
    """Put the runs of a finished duel together."""
    return RunPredictions(design, seeds, [split.test for split in splits], y, runs)
