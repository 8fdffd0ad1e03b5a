"""Rows of a known distribution, fast learners, and their exact expected losses.

Two classes. Each contender has its own features, so two contenders are equal by symmetry, and one
noise feature, through which a contender can be made worse by a chosen amount::

    x[i, k, j] = ±mu + sqrt(common) z[i, j] + sqrt(1 - common) e[i, k, j]      j < features
    x[i, k, features] = noise

A linear score w x + b is normal in each class, so the expected error, loss or AUC of a fitted
model is exact: by Φ, or by Gauss–Hermite quadrature.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit, ndtr

Array = NDArray[Any]
NODES, _weights = np.polynomial.hermite_e.hermegauss(80)
WEIGHTS = _weights / _weights.sum()
SMALLEST = 2.0**-23  # the clipping of probabilities in graduel.metrics


@dataclass(frozen=True)
class World:
    """The distribution of the rows."""

    mu: tuple[float, ...] = (0.4, 0.4)
    """Separation of the classes in each contender's features."""
    share: float = 0.5
    """Share of the second class."""
    features: int = 5
    common: float = 0.5
    """Correlation between the contenders' features."""

    def rows(self, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Draw x of shape (n, contenders, features + 1) and y of shape (n,)."""
        y = (rng.random(n) < self.share).astype(int)
        y[:4] = [0, 1, 0, 1]  # both classes are present in every training set
        k, p = len(self.mu), self.features
        x = rng.normal(size=(n, k, p + 1))
        x[..., :p] *= np.sqrt(1 - self.common)
        x[..., :p] += np.sqrt(self.common) * rng.normal(size=(n, 1, p))
        x[..., :p] += np.array(self.mu)[:, np.newaxis] * (2 * y - 1)[:, np.newaxis, np.newaxis]
        return x, y

    def test_rows(self, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Draw rows without the fixed labels of the first four."""
        x, y = self.rows(n + 4, rng)
        return x[4:], y[4:]


@dataclass(frozen=True)
class Linear:
    """Fitted models of one contender, one per seed: log odds w x + b + c noise."""

    w: Array  # (seeds, features)
    b: Array  # (seeds,)
    mu: float
    share: float
    c: float = 0.0

    @classmethod
    def fit(cls, world: World, side: int, x: Array, y: Array, counts: Array) -> Linear:
        """Fit normal classes with equal spherical covariance; counts[s, i] weights row i."""
        of_1, of_0 = counts * y, counts * (1 - y)
        features = x[:, side, :-1]
        one = of_1 @ features / of_1.sum(axis=1, keepdims=True)
        zero = of_0 @ features / of_0.sum(axis=1, keepdims=True)
        prior = np.log(of_1.sum(axis=1) / of_0.sum(axis=1))
        b = ((zero**2).sum(axis=1) - (one**2).sum(axis=1)) / 2 + prior
        return cls(one - zero, b, world.mu[side], world.share)

    def scores(self, features: Array) -> Array:
        """Return log odds of the second class, shape (seeds, n)."""
        return self.w @ features[:, :-1].T + self.b[:, np.newaxis] + self.c * features[:, -1]

    def probabilities(self, features: Array) -> Array:
        """Return probabilities of both classes, shape (seeds, n, 2)."""
        p = expit(self.scores(features))
        return np.stack([1 - p, p], axis=-1)

    def truth(self, metric: str, c: float | None = None) -> float:
        """Return the exact expected loss, averaged over seeds, with noise factor c."""
        c = self.c if c is None else c
        move = self.mu * self.w.sum(axis=1)
        one, zero = self.b + move, self.b - move
        sd = np.sqrt((self.w**2).sum(axis=1) + c * c)
        if metric == "auc":
            return float(np.mean(ndtr(-(one - zero) / (sd * np.sqrt(2)))))
        miss_1, miss_0 = ndtr(-one / sd), ndtr(zero / sd)
        if metric == "balanced_accuracy":
            return float(np.mean(miss_1 + miss_0) / 2)
        if metric != "error":
            miss_1, miss_0 = (
                _loss(metric, mean[:, np.newaxis] + sd[:, np.newaxis] * NODES) @ WEIGHTS
                for mean in (one, -zero)
            )
        return float(np.mean(self.share * miss_1 + (1 - self.share) * miss_0))

    def worsened(self, metric: str, target: float) -> Linear:
        """Return a copy with noise in its scores such that its expected loss is `target`."""
        if self.truth(metric) >= target:
            return self
        high = 0.1
        while self.truth(metric, high) < target:
            high *= 2
            if high > 1e6:
                raise ValueError(f"no noise makes the {metric} {target:.3f}; lower the difference")
        c = brentq(lambda c: self.truth(metric, c) - target, 0.0, high, xtol=1e-12)
        return replace(self, c=float(c))


def _loss(metric: str, odds: Array) -> Array:
    """Return log loss or Brier score, given the log odds of the true class."""
    if metric == "log_loss":
        return -np.log(np.maximum(expit(odds), SMALLEST))
    return 2 * expit(-odds) ** 2


def apart(models: list[Linear], metric: str, difference: float) -> list[Linear]:
    """Raise losses so that the second exceeds the first by `difference`; all equal at 0."""
    losses = [model.truth(metric) for model in models]
    if difference == 0:
        return [model.worsened(metric, max(losses)) for model in models]
    a, b = models
    return [
        a.worsened(metric, losses[1] - difference),
        b.worsened(metric, losses[0] + difference),
    ]


# Learners by name, for cross-validation: labels only, vectorized over folds


def wrong_by_fold(kind: str, x: Array, y: Array, train: Array) -> Array:
    """Fit on each training part; return where predictions are wrong, bool of shape (fits, n).

    x : (n, features); y : (n,); train : bool (fits, n), the training rows of each fit.
    """
    if kind == "1-nn":
        distance = (x**2).sum(axis=1) - 2 * x @ x.T  # |x_i|² omitted: constant per row
        nearest = np.where(train[:, np.newaxis], distance, np.inf).argmin(axis=-1)
        return y[nearest] != y
    one, zero = ((train & (y == k)).astype(float) for k in (1, 0))
    high = one @ x / one.sum(axis=1, keepdims=True)
    low = zero @ x / zero.sum(axis=1, keepdims=True)
    if kind == "centroid":
        predicted = (high - low) @ x.T > (((high**2) - (low**2)).sum(axis=1) / 2)[:, np.newaxis]
        return predicted != y
    assert kind == "stump"  # the feature with the lowest training error, threshold midway
    cut, up = (high + low) / 2, high > low
    predicted = (x > cut[:, np.newaxis]) == up[:, np.newaxis]  # (fits, n, features)
    miss = predicted != y[:, np.newaxis]
    best = (miss & train[..., np.newaxis]).sum(axis=1).argmin(axis=1)
    return np.take_along_axis(miss, best[:, np.newaxis, np.newaxis], axis=2)[..., 0]


def expected_error(kind: str, mu: float, n_train: int, features: int = 5) -> float:
    """Return a learner's expected error at a training size, with a fixed random seed.

    Estimated from 400 training sets with 250 test rows each.
    """
    rng, total = np.random.default_rng(1), 0.0
    world = World(mu=(mu,), features=features)
    train = np.zeros((1, n_train + 250), bool)
    train[:, :n_train] = True
    for _ in range(400):
        x, y = world.rows(n_train + 250, rng)
        total += wrong_by_fold(kind, x[:, 0, :-1], y, train)[0, n_train:].mean()
    return total / 400


def mu_of_error(kind: str, error: float, n_train: int, features: int = 5) -> float:
    """Return the mu that gives a learner this expected error, by bisection to 1e-4."""
    low, high = 0.0, 2.0
    while high - low > 1e-4:
        mu = (low + high) / 2
        low, high = (low, mu) if expected_error(kind, mu, n_train, features) < error else (mu, high)
    return (low + high) / 2
