"""Metrics against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from graduel.metrics.metric import SMALLEST, brier, is_misclassified, log_loss


def draw(seed, n, k):
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.full(k, 0.3), size=n).astype(np.float32), rng.integers(k, size=n)


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 60), st.integers(2, 6))
def test_metrics_equal_scikit_learns(seed, n, k):
    p, y = draw(seed, n, k)
    q = np.maximum(p.astype(np.float64), SMALLEST)
    q /= q.sum(axis=1, keepdims=True)
    labels = range(k)
    assert log_loss(p, y) == pytest.approx(reference.log_loss(y, q, labels=labels), abs=1e-5)
    onehot = np.eye(k)[y]
    squares = reference.mean_squared_error(onehot, p.astype(np.float64)) * k
    assert brier(p, y) == pytest.approx(squares, abs=1e-6)
    assert is_misclassified(p, y).mean() == pytest.approx(
        1 - reference.accuracy_score(y, p.argmax(1))
    )


def test_the_log_loss_of_a_certain_mistake_is_finite():
    p = np.array([[1.0, 0.0]], np.float32)
    assert log_loss(p, np.array([1])) == pytest.approx(-np.log(SMALLEST))
    assert log_loss(p, np.array([0])) == 0
