"""Simulated duel designs: sample, split, fit, and compute the shipped verdict.

Each design has `draw(rng, difference, rope)`: one duel between contenders whose true difference is
`difference`; it returns the comparisons of all pairs.

The true difference is that of the verdict's own population:

- one test set, one or two seeds ("these fitted models"): the difference of the fitted pair
- three seeds or more ("these procedures, on this training set"): the mean over 1,000 other seeds
- cross-validation ("these procedures, on data sets of this size"): the difference of expected
  errors at the training size
- many data sets: the median difference over data sets of that kind
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from null_world import Linear, World, apart, expected_error, mu_of_error, wrong_by_fold
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from graduel.duel.verdict.datasets import compare_datasets
from graduel.duel.verdict.folds import compare_folds
from graduel.duel.verdict.test_rows import compare_rows
from graduel.metrics.metric import get_metric

Array = NDArray[Any]


class Design(Protocol):
    """A comparison design with sizes and a metric."""

    name: str
    rope: float
    larger: float
    """The true difference at which power is estimated."""
    labelled: bool
    """Whether verdicts of this design carry a note that error rates may exceed 5 %."""

    def draw(self, rng: np.random.Generator, difference: float, rope: float) -> Sequence[Any]:
        """Simulate one duel."""


@dataclass(frozen=True)
class TestSet:
    """Contenders scored on one test set, one seed or more."""

    name: str
    metric: str
    rope: float
    larger: float
    seeds: int = 1
    test: int = 600
    train: int = 60
    contenders: int = 2
    share: float = 0.5
    mu: float = 0.4
    labelled: bool = False
    twice: bool = False
    """Whether test rows are duplicated: a deliberate violation that the simulation must detect."""

    def draw(self, rng: np.random.Generator, difference: float, rope: float) -> Sequence[Any]:
        """Fit on one training set, set the true difference, score on one test set."""
        world = World(mu=(self.mu,) * self.contenders, share=self.share)
        models = self._models(world, rng, difference)
        x, y = world.test_rows(self.test, rng)
        p = {str(k): m.probabilities(x[:, k]) for k, m in enumerate(models)}
        if self.twice:
            p, y = {k: np.concatenate([v, v], axis=1) for k, v in p.items()}, np.r_[y, y]
        return compare_rows(p, y, metric=get_metric(self.metric), rope=rope)

    def _models(self, world: World, rng: np.random.Generator, difference: float) -> list[Linear]:
        x, y = world.rows(self.train, rng)
        sides = range(self.contenders)

        def fitted(seeds: int) -> list[Linear]:
            return [Linear.fit(world, k, x, y, self._counts(y, seeds, rng)) for k in sides]

        models = fitted(self.seeds)
        if self.seeds < 3:
            return apart(models, self.metric, difference)
        # The truth is that of the procedure, estimated from 1,000 other seeds.
        others = apart(fitted(1000), self.metric, difference)
        return [replace(m, c=o.c) for m, o in zip(models, others, strict=True)]

    def _counts(self, y: Array, seeds: int, rng: np.random.Generator) -> Array:
        """Return how often each seed uses each training row: a bootstrap within classes."""
        counts = np.ones((seeds, len(y)))
        if self.seeds > 1:
            for k in (0, 1):
                rows = np.flatnonzero(y == k)
                counts[:, rows] = rng.multinomial(
                    len(rows), np.full(len(rows), 1 / len(rows)), seeds
                )
        return counts

    def formula(self, rng: np.random.Generator, difference: float) -> float:
        """Return McNemar's power by Connor's formula, with shares estimated from 20,000 rows."""
        world = World(mu=(self.mu,) * 2, share=self.share)
        models = self._models(world, rng, difference)
        x, y = world.test_rows(20_000, rng)
        a, b = ((m.scores(x[:, k])[0] > 0) != y for k, m in enumerate(models))
        p, n = float(np.mean(a != b)), self.test
        far = abs(difference) * np.sqrt(n) + ndtri(0.025) * np.sqrt(p)
        return float(ndtr(far / np.sqrt(p - difference**2)))


@dataclass(frozen=True)
class Folds:
    """Two learners in repeated cross-validation."""

    name: str
    folds: int
    repeats: int
    rope: float
    larger: float
    kinds: tuple[str, str] = ("centroid", "centroid")
    n: int = 100
    mu: float = 0.4
    labelled: bool = False

    @property
    def train(self) -> int:
        """The number of training rows per fit."""
        return self.n - self.n // self.folds

    def draw(self, rng: np.random.Generator, difference: float, rope: float) -> Sequence[Any]:
        """Split a data set into folds, fit both learners on each, and compare."""
        world = World(mu=(self.mu, _mu(self.kinds, self.mu, self.train, difference)))
        x, y = world.rows(self.n, rng)
        test = _stratified_test_rows(y, self.folds, self.repeats, rng)
        losses = {}
        for k, kind in enumerate(self.kinds):
            wrong = wrong_by_fold(kind, x[:, k, :-1], y, ~test)
            by_fold = (wrong & test).sum(axis=1) / test.sum(axis=1)
            losses[str(k)] = by_fold.reshape(self.repeats, self.folds)
        return compare_folds(
            losses,
            metric=get_metric("error"),
            test_share=1 / self.folds,
            n=self.n,
            rope=rope,
        )


@lru_cache
def _mu(kinds: tuple[str, str], mu: float, train: int, difference: float) -> float:
    """Return the second learner's mu, for an expected error that is larger by `difference`."""
    first, second = kinds
    if first == second and difference == 0:
        return mu  # by symmetry
    return mu_of_error(second, expected_error(first, mu, train) + difference, train)


def _stratified_test_rows(y: Array, folds: int, repeats: int, rng: np.random.Generator) -> Array:
    """Return the stratified test rows of each fit, bool of shape (repeats × folds, n)."""
    fold = np.empty((repeats, len(y)), int)
    for r in range(repeats):
        order = np.concatenate([rng.permutation(np.flatnonzero(y == k)) for k in (0, 1)])
        fold[r, order] = np.arange(len(y)) % folds
    return (fold[:, np.newaxis] == np.arange(folds)[:, np.newaxis]).reshape(-1, len(y))


@dataclass(frozen=True)
class Sets:
    """Contenders on many data sets of varying distribution and size, each split once."""

    name: str
    sets: int
    rope: float
    larger: float
    contenders: int = 2
    labelled: bool = False

    def draw(self, rng: np.random.Generator, difference: float, rope: float) -> Sequence[Any]:
        """Simulate and compare on `sets` data sets."""
        losses = self._losses(rng, self.sets, _ratio(difference) if difference else 1.0)
        names = (str(k) for k in range(self.contenders))
        comparison = compare_datasets(
            dict(zip(names, losses.T, strict=True)), metric=get_metric("error"), rope=rope
        )
        return comparison.pairs

    def _losses(self, rng: np.random.Generator, sets: int, ratio: float) -> Array:
        losses = np.empty((sets, self.contenders))
        for i in range(sets):
            mu = rng.uniform(0.2, 0.6)
            share, common = rng.uniform(0.3, 0.7), rng.uniform(0.0, 0.8)
            train, test = rng.integers(40, 200), rng.integers(100, 400)
            world = World((mu, *[mu * ratio] * (self.contenders - 1)), share, common=common)
            x, y = world.rows(train, rng)
            x_test, y_test = world.test_rows(test, rng)
            for k in range(self.contenders):
                model = Linear.fit(world, k, x, y, np.ones((1, train)))
                losses[i, k] = np.mean((model.scores(x_test[:, k])[0] > 0) != y_test)
        return losses


@lru_cache
def _ratio(difference: float) -> float:
    """Return the ratio of mu that gives this median difference over 5,000 data sets."""
    one = Sets("", 0, 0.0, 0.0)

    def off(ratio: float) -> float:
        rng = np.random.default_rng(2)
        losses = one._losses(rng, 5000, ratio)
        d = losses[:, 1] - losses[:, 0]
        # Hodges–Lehmann estimate from 200,000 random pairs.
        i, j = rng.integers(len(d), size=(2, 200_000))
        return float(np.median((d[i] + d[j]) / 2)) - difference

    return float(brentq(off, 0.3, 1.0, xtol=1e-3))


ONE = "one test set, one seed"
DESIGNS: dict[str, list[Design]] = {
    "rows": [
        TestSet(f"{ONE}: error", "error", 0.06, 0.05),
        TestSet(f"{ONE}: error, 100 rows", "error", 0.15, 0.12, test=100),
        TestSet(f"{ONE}: error of 3 %", "error", 0.03, 0.02, mu=0.9),
        TestSet(f"{ONE}: error, three contenders", "error", 0.0, 0.0, contenders=3),
        TestSet(f"{ONE}: log loss", "log_loss", 0.15, 0.15, test=150),
        TestSet(f"{ONE}: log loss, overconfident", "log_loss", 0.25, 0.25, train=14, test=150),
        TestSet(f"{ONE}: Brier", "brier", 0.12, 0.10, test=150),
        TestSet(f"{ONE}: balanced accuracy", "balanced_accuracy", 0.15, 0.12, share=0.2, test=200),
        TestSet(f"{ONE}: AUC", "auc", 0.10, 0.09, share=0.2, test=200),
        TestSet(f"{ONE}: AUC, 20 rare rows", "auc", 0.12, 0.12, share=0.1, test=200),
    ],
    "seeds": [
        TestSet("two seeds: error", "error", 0.06, 0.05, seeds=2),
        TestSet("two seeds: log loss", "log_loss", 0.15, 0.12, seeds=2, test=150),
        TestSet("three seeds: error", "error", 0.10, 0.08, seeds=3),
        TestSet("three seeds: log loss", "log_loss", 0.20, 0.15, seeds=3, test=300),
        TestSet("five seeds: error", "error", 0.07, 0.06, seeds=5),
        TestSet("five seeds: Brier", "brier", 0.08, 0.08, seeds=5, test=300),
    ],
    "folds": [
        *(
            Folds(f"{folds}-fold × {repeats}: {kind}s", folds, repeats, 0.15, 0.15, (kind, kind),
                  mu=mu)
            for kind, mu in (("centroid", 0.4), ("1-nn", 0.5), ("stump", 0.8))
            for folds, repeats in ((5, 1), (5, 2), (5, 5), (10, 3))
        ),
        *(
            Folds(f"{folds}-fold × {repeats}: centroid, 1-nn", folds, repeats, 0.15, 0.15,
                  ("centroid", "1-nn"))
            for folds, repeats in ((5, 1), (5, 2), (10, 3))
        ),
        Folds("10-fold × 1: stumps", 10, 1, 0.15, 0.15, ("stump", "stump"), mu=0.8, labelled=True),
        Folds("20-fold × 1: stumps", 20, 1, 0.15, 0.15, ("stump", "stump"), mu=0.8, labelled=True),
    ],
    "sets": [
        Sets("12 data sets", 12, 0.02, 0.03),
        Sets("30 data sets", 30, 0.015, 0.02),
        Sets("20 data sets, five contenders", 20, 0.0, 0.0, contenders=5),
    ],
}  # fmt: skip
"""The simulated designs, by kind."""


def any_better(pairs: Sequence[Any]) -> bool:
    """Return whether any pair has the verdict "better"."""
    return any(pair.verdict in ("a better", "b better") for pair in pairs)


def size_of(pairs: Sequence[Any]) -> float:
    """Return the observed difference of the only pair."""
    [pair] = pairs
    difference = getattr(pair, "difference", None)
    return float(pair.median_difference if difference is None else difference)
