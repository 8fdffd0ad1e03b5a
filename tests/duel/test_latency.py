"""Prediction latency: at least 50 calls after a warm-up, with quartiles."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from graduel.duel.run.latency import WARM_UP, time_predictions


class Model:
    """A model whose predictions take given seconds by its own clock."""

    def __init__(self, row_seconds, batch_seconds):
        self.now, self.calls = 0.0, []
        self.row_seconds, self.batch_seconds = iter(row_seconds), batch_seconds

    def predict(self, X):
        self.calls.append(len(X))
        self.now += self.batch_seconds if len(X) > 1 else next(self.row_seconds)


def time_model(row_seconds, batch_seconds=0.01, n=20):
    model = Model(row_seconds, batch_seconds)
    return time_predictions(model.predict, np.zeros((n, 2)), lambda: model.now), model.calls


def test_the_median_is_of_fifty_calls_after_the_warm_up():
    times = [9.0] * WARM_UP + [0.01] * 13 + [0.02] * 24 + [0.03] * 13
    latency, calls = time_model(times, 0.02)
    assert round(latency.row_seconds, 9) == 0.02
    assert tuple(round(t, 9) for t in latency.row_quartiles) == (0.0125, 0.0275)
    assert calls.count(1) == WARM_UP + 50
    assert calls.count(20) == 13  # until 0.25 s


def test_a_model_that_is_too_slow_has_no_quartiles():
    latency, calls = time_model([1.0] * 20, 6.0)
    assert latency.row_seconds == 1.0
    assert latency.row_quartiles is None
    assert latency.batch_quartiles is None
    assert (calls.count(1), calls.count(20)) == (WARM_UP + 5, 1)


@given(st.floats(1e-6, 3.0), st.floats(1e-6, 3.0))
def test_the_number_of_calls_is_limited(row, batch):
    latency, calls = time_model([row] * 300, batch)
    n = calls.count(1) - WARM_UP
    assert n <= 200
    assert n >= 50 or n * row >= 4.99
    assert (latency.row_quartiles is None) == (n < 50)
    assert (latency.batch_quartiles is None) == (calls.count(20) < 5)
    if latency.row_quartiles is not None:
        low, high = latency.row_quartiles
        assert low <= latency.row_seconds * (1 + 1e-9)
        assert latency.row_seconds <= high * (1 + 1e-9)
