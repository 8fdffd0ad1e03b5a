"""Losses for parametrized tests, and targets for each."""

from __future__ import annotations

from graduel.nn import (
    AbsoluteError,
    BinaryCrossEntropy,
    Huber,
    Poisson,
    SoftmaxCrossEntropy,
    SquaredError,
)

LOSSES = [
    SoftmaxCrossEntropy(),
    SoftmaxCrossEntropy(label_smoothing=0.3),
    BinaryCrossEntropy(),
    BinaryCrossEntropy(label_smoothing=0.3),
    SquaredError(),
    AbsoluteError(),
    Huber(),
    Huber(delta=0.3),
    Poisson(),
]
NOT_SMOOTH: list[type] = [AbsoluteError]


def targets(loss, rng, n=7, classes=3):
    """Draw targets for a loss."""
    if isinstance(loss, SoftmaxCrossEntropy):
        return rng.integers(classes, size=n)
    if isinstance(loss, BinaryCrossEntropy):
        return rng.integers(2, size=(n, classes))
    if isinstance(loss, Poisson):
        return rng.poisson(2.0, size=(n, classes))
    if isinstance(loss, AbsoluteError):  # far from where z = y: there, differences disagree
        return rng.choice([-100.0, 100.0], size=(n, classes)) + rng.normal(size=(n, classes))
    return rng.normal(size=(n, classes))
