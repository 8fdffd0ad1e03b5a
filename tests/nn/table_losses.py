"""Losses for the table tests, and what each takes as y."""

from __future__ import annotations

from graduel.nn import BinaryCrossEntropy, SoftmaxCrossEntropy, SquaredError

LOSSES = [SoftmaxCrossEntropy(), BinaryCrossEntropy(), SquaredError()]
NOT_SMOOTH: list[type] = []


def targets(loss, rng, n=7, classes=3):
    """Draw what a loss takes as y."""
    if isinstance(loss, SoftmaxCrossEntropy):
        return rng.integers(classes, size=n)
    if isinstance(loss, BinaryCrossEntropy):
        return rng.integers(2, size=(n, classes))
    return rng.normal(size=(n, classes))
