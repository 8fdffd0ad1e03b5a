"""Calibration error, its interval, and temperature scaling."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.calibration import calibration_curve

from graduel.metrics.calibration import (
    HOTTEST,
    apply_temperature,
    fit_temperature,
    measure_calibration,
)
from graduel.metrics.metric import brier, log_loss


def two(sure: np.ndarray) -> np.ndarray:
    return np.stack([sure, 1 - sure], axis=1)


def drawn(n: int, overconfidence: float, seed: int = 0, k: int = 4):
    """Logits, and classes drawn from them; the probabilities are too sure of themselves."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (n, k))
    y = (logits + rng.gumbel(size=(n, k))).argmax(axis=1)
    return logits * overconfidence, y


def test_the_ece_is_that_of_equal_mass_bins() -> None:
    rng = np.random.default_rng(0)
    sure = rng.uniform(0.5, 1, 1500)
    y = (rng.random(1500) > sure).astype(int)
    found = measure_calibration([two(sure)], [y], [np.arange(1500)])
    right, mean = calibration_curve(y == 0, sure, n_bins=15, strategy="quantile")
    assert [b.rows for b in found.bins] == [100] * 15
    np.testing.assert_allclose([b.right for b in found.bins], right)
    np.testing.assert_allclose([b.confidence for b in found.bins], mean)
    assert found.ece == pytest.approx(np.abs(right - mean).mean(), abs=1e-12)
    assert [b.low for b in found.bins] == sorted(b.low for b in found.bins)
    assert all(b.low <= b.confidence <= b.high for b in found.bins)
    assert found.log_loss == log_loss(two(sure), y)
    assert found.brier == brier(two(sure), y)


@given(seed=st.integers(0, 10_000), n=st.integers(1, 300), values=st.integers(1, 5))
def test_the_order_of_rows_and_ties_change_nothing(seed, n, values) -> None:
    rng = np.random.default_rng(seed)
    sure = rng.integers(0, values, n) / (2 * values) + 0.5
    y = rng.integers(2, size=n)
    order = rng.permutation(n)
    one = measure_calibration([two(sure)], [y], [np.arange(n)])
    other = measure_calibration([two(sure[order])], [y[order]], [np.arange(n)])
    assert one.ece == pytest.approx(other.ece)
    assert len(one.bins) <= min(values, max(n // 50, 1))
    assert sum(b.rows for b in one.bins) == n
    low, high = one.ece_interval
    assert 0 <= low <= high
    assert low <= one.ece_corrected <= high + 1e-12


def test_runs_count_together_and_their_rows_are_resampled_as_one() -> None:
    rng = np.random.default_rng(0)
    sure, rows = rng.uniform(0.5, 1, 900), np.arange(900)
    y = (rng.random(900) > sure).astype(int)
    once = measure_calibration([two(sure)], [y], [rows])
    same = measure_calibration([two(sure)] * 3, [y] * 3, [rows] * 3)
    # The same answers thrice say no more than once.
    assert same.ece == pytest.approx(once.ece)
    assert same.ece_interval[1] == pytest.approx(once.ece_interval[1], rel=0.05)
    # Folds of it in any order say the same as the whole.
    order = rng.permutation(900)
    parts = [order[:400], order[400:]]
    folds = measure_calibration([two(sure[p]) for p in parts], [y[p] for p in parts], parts)
    assert folds.ece == pytest.approx(once.ece)


@pytest.mark.parametrize("overconfidence", [1.0, 1.25])
def test_the_interval_covers_the_error_that_many_rows_would_show(overconfidence) -> None:
    many, y = drawn(400_000, overconfidence, seed=1)
    truth = measure_calibration([softmax(many, axis=1)], [y], [np.arange(len(y))]).ece
    covered, corrected, plain = 0, [], []
    for seed in range(25):
        logits, y = drawn(1000, overconfidence, seed=seed + 2)
        found = measure_calibration([softmax(logits, axis=1)], [y], [np.arange(len(y))])
        low, high = found.ece_interval
        covered += low <= truth + 0.002 and truth - 0.002 <= high
        corrected.append(found.ece_corrected)
        plain.append(found.ece)
    assert covered >= 20
    assert abs(np.mean(corrected) - truth) <= abs(np.mean(plain) - truth) + 4e-3


def test_what_chance_shows_is_what_a_calibrated_contender_has() -> None:
    found = []
    for seed in range(30):
        logits, y = drawn(1500, 1.0, seed=seed)
        found.append(measure_calibration([softmax(logits, axis=1)], [y], [np.arange(len(y))]))
    shown = np.mean([one.ece for one in found])
    assert shown == pytest.approx(np.mean([one.ece_by_chance for one in found]), rel=0.1)


@pytest.mark.parametrize("overconfidence", [0.3, 1.0, 4.0])
def test_the_temperature_undoes_overconfidence(overconfidence) -> None:
    logits, y = drawn(20_000, overconfidence)
    p = softmax(logits, axis=1).astype(np.float32)
    found = fit_temperature(p, y)
    assert found == pytest.approx(overconfidence, rel=0.05)

    def loss(t):
        return -log_softmax(logits / t, axis=1)[np.arange(len(y)), y].mean()

    best = minimize_scalar(loss, bounds=(0.05, 20), method="bounded", options={"xatol": 1e-8})
    assert found == pytest.approx(best.x, rel=1e-3)
    after = apply_temperature(p, found)
    np.testing.assert_allclose(after, softmax(logits / found, axis=1), atol=1e-5)
    np.testing.assert_allclose(after.sum(axis=1), 1)
    np.testing.assert_array_equal(after.argmax(axis=1), p.argmax(axis=1))
    assert log_loss(after, y) <= log_loss(p, y) + 1e-9


def test_temperatures_have_limits_and_zeros_have_a_logarithm() -> None:
    p = np.array([[1.0, 0.0], [0.0, 1.0]], np.float32)
    assert fit_temperature(p, np.array([0, 1])) > 0
    assert fit_temperature(p, np.array([1, 0])) == pytest.approx(HOTTEST, rel=1e-3)
    assert np.isfinite(apply_temperature(p, 7.0)).all()
    np.testing.assert_allclose(apply_temperature(p, 1.0), p, atol=1e-30)
    with pytest.raises(ValueError, match="needs validation rows"):
        fit_temperature(p[:0], np.array([], int))
