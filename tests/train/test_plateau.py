"""ReduceOnPlateau. The comparison with PyTorch is in tests/golden."""

from __future__ import annotations

import json
import math
import pickle
from dataclasses import asdict
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graduel.nn import Dense, Network
from graduel.optim import SGD
from graduel.train import Fit, ReduceOnPlateau, Rows

VALUES = st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=60)


@given(VALUES, st.floats(0.01, 0.99), st.integers(0, 5), st.floats(0, 1), st.floats(0, 1))
def test_factors_fall_by_steps_within_bounds(values, factor, patience, delta, least):
    plateau = ReduceOnPlateau(factor, patience, delta, least)
    before, since = 1.0, 0
    for value in values:
        now = plateau.observe(value)
        since += 1
        assert now in (before, max(before * factor, least))
        assert least <= now <= 1
        if now != before:
            assert since > patience
            since = 0
        before = now


def test_patience_counts_values_without_a_gain_and_restarts():
    plateau = ReduceOnPlateau(0.1, patience=2, min_delta=0.5, min_factor=0.001)
    factors = [plateau.observe(v) for v in (5, 4.5, 4.4, 5, 5, 5, 5, 5, 1, 1, 1, 1, math.nan, 1, 1)]
    # A gain must be more than 0.5: 5 → 4.5 is not a gain, 5 → 4.4 is.
    assert factors == pytest.approx([1] * 5 + [0.1] * 6 + [0.01] * 3 + [0.001])
    assert [plateau.observe(9) for _ in range(9)] == pytest.approx([0.001] * 9)


def test_small_gains_count_only_once_they_add_up():
    plateau = ReduceOnPlateau(0.1, patience=2, min_delta=0.5)
    assert [plateau.observe(v) for v in (5, 4.9, 4.8, 4.7)] == [1, 1, 1, 0.1]
    plateau = ReduceOnPlateau(0.1, patience=2, min_delta=0.5)
    assert [plateau.observe(v) for v in (5, 4.8, 4.6, 4.4, 4.2, 4.0)] == [1] * 6


def test_it_equals_scikit_learns_adaptive_when_gains_are_clear():
    """Count as ``MLPClassifier`` does: bad if value > best − tol; best is any minimum."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        values = np.cumsum(rng.choice([-1.0, 0.0, 0.5], size=80, p=[0.2, 0.4, 0.4]))
        plateau = ReduceOnPlateau(factor=0.2, patience=2, min_delta=1e-4, min_factor=0.0)
        best, bad, factor = np.inf, 0, 1.0
        for value in values:
            bad = bad + 1 if value > best - 1e-4 else 0
            best = min(best, value)
            if bad > 2:
                factor, bad = factor / 5, 0
            assert plateau.observe(value) == pytest.approx(factor)


def test_it_lowers_the_learning_rate_of_a_fit():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(64, 3)).astype("float32"), rng.integers(2, size=64)
    net = Network((Dense(2),), (3,))
    fit = Fit(net, Rows(X), y, rng=rng, optimizer=SGD(), lr=0.5, epochs=40, batch_size=8)
    plateau, lr, rates = ReduceOnPlateau(0.5, patience=1), fit.lr, []
    for epoch in fit.fit_iter():
        fit.lr = lr * plateau.observe(epoch.loss)
        rates.append(fit.lr)
    assert rates[0] == 0.5
    assert rates[-1] < 0.1
    assert all(b in (a, a / 2) for a, b in pairwise(rates))


def test_it_resumes_from_a_pickle_and_has_plain_fields():
    first = ReduceOnPlateau(patience=1)
    for value in (3, 2, 2):
        first.observe(value)
    second = pickle.loads(pickle.dumps(first))
    assert [first.observe(2), first.observe(2)] == [second.observe(2), second.observe(2)]
    assert json.loads(json.dumps(asdict(first)))["best"] == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"factor": 1.0}, "factor must be above 0 and below 1; got 1.0"),
        ({"factor": 0}, "factor must be above 0 and below 1; got 0"),
        ({"patience": -1}, "patience must be at least 0; got -1"),
        ({"min_delta": math.nan}, "min_delta must be at least 0; got nan"),
        ({"min_factor": 2}, r"min_factor must be in \[0, 1\]; got 2"),
    ],
)
def test_parameters_out_of_range_raise(options, message):
    with pytest.raises(ValueError, match=message):
        ReduceOnPlateau(**options)
