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
    MAX_TEMPERATURE,
    apply_temperature,
    fit_temperature,
    measure_calibration,
)
from graduel.metrics.metric import brier, log_loss


def two(sure: np.ndarray) -> np.ndarray:
    return np.stack([sure, 1 - sure], axis=1)


def sample(n: int, overconfidence: float, seed: int = 0, k: int = 4):
    """Return logits scaled by `overconfidence`, and classes drawn from the unscaled logits."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (n, k))
    y = (logits + rng.gumbel(size=(n, k))).argmax(axis=1)
    return logits * overconfidence, y


def test_the_ece_is_that_of_equal_mass_bins() -> None:
    rng = np.random.default_rng(0)
    sure = rng.uniform(0.5, 1, 1500)
    y = (rng.random(1500) > sure).astype(int)
    result = measure_calibration([two(sure)], [y], [np.arange(1500)])
    right, mean = calibration_curve(y == 0, sure, n_bins=15, strategy="quantile")
    assert [b.rows for b in result.bins] == [100] * 15
    np.testing.assert_allclose([b.right for b in result.bins], right)
    np.testing.assert_allclose([b.confidence for b in result.bins], mean)
    assert result.ece == pytest.approx(np.abs(right - mean).mean(), abs=1e-12)
    assert [b.low for b in result.bins] == sorted(b.low for b in result.bins)
    assert all(b.low <= b.confidence <= b.high for b in result.bins)
    assert result.log_loss == log_loss(two(sure), y)
    assert result.brier == brier(two(sure), y)


@given(seed=st.integers(0, 10_000), n=st.integers(1, 300), values=st.integers(1, 5))
def test_the_ece_does_not_depend_on_row_order_with_ties(seed, n, values) -> None:
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


def test_runs_are_pooled_and_their_rows_resampled_together() -> None:
    rng = np.random.default_rng(0)
    sure, rows = rng.uniform(0.5, 1, 900), np.arange(900)
    y = (rng.random(900) > sure).astype(int)
    once = measure_calibration([two(sure)], [y], [rows])
    same = measure_calibration([two(sure)] * 3, [y] * 3, [rows] * 3)
    # Three copies of the same predictions carry no more information than one.
    assert same.ece == pytest.approx(once.ece)
    assert same.ece_interval[1] == pytest.approx(once.ece_interval[1], rel=0.05)
    # The same predictions split into folds, in any order, give the same ECE.
    order = rng.permutation(900)
    parts = [order[:400], order[400:]]
    folds = measure_calibration([two(sure[p]) for p in parts], [y[p] for p in parts], parts)
    assert folds.ece == pytest.approx(once.ece)


@pytest.mark.parametrize("overconfidence", [1.0, 1.25])
def test_the_interval_covers_the_ece_on_many_rows(overconfidence) -> None:
    many, y = sample(400_000, overconfidence, seed=1)
    truth = measure_calibration([softmax(many, axis=1)], [y], [np.arange(len(y))]).ece
    covered, corrected, plain = 0, [], []
    for seed in range(25):
        logits, y = sample(1000, overconfidence, seed=seed + 2)
        result = measure_calibration([softmax(logits, axis=1)], [y], [np.arange(len(y))])
        low, high = result.ece_interval
        covered += low <= truth + 0.002 and truth - 0.002 <= high
        corrected.append(result.ece_corrected)
        plain.append(result.ece)
    assert covered >= 20
    assert abs(np.mean(corrected) - truth) <= abs(np.mean(plain) - truth) + 4e-3


def test_ece_by_chance_is_the_expected_ece_of_a_calibrated_contender() -> None:
    results = []
    for seed in range(30):
        logits, y = sample(1500, 1.0, seed=seed)
        results.append(measure_calibration([softmax(logits, axis=1)], [y], [np.arange(len(y))]))
    observed = np.mean([one.ece for one in results])
    assert observed == pytest.approx(np.mean([one.ece_by_chance for one in results]), rel=0.1)


@pytest.mark.parametrize("overconfidence", [0.3, 1.0, 4.0])
def test_the_temperature_undoes_overconfidence(overconfidence) -> None:
    logits, y = sample(20_000, overconfidence)
    p = softmax(logits, axis=1).astype(np.float32)
    result = fit_temperature(p, y)
    assert result == pytest.approx(overconfidence, rel=0.05)

    def loss(t):
        return -log_softmax(logits / t, axis=1)[np.arange(len(y)), y].mean()

    best = minimize_scalar(loss, bounds=(0.05, 20), method="bounded", options={"xatol": 1e-8})
    assert result == pytest.approx(best.x, rel=1e-3)
    after = apply_temperature(p, result)
    np.testing.assert_allclose(after, softmax(logits / result, axis=1), atol=1e-5)
    np.testing.assert_allclose(after.sum(axis=1), 1)
    np.testing.assert_array_equal(after.argmax(axis=1), p.argmax(axis=1))
    assert log_loss(after, y) <= log_loss(p, y) + 1e-9


def test_temperatures_are_bounded_and_probabilities_of_zero_are_finite() -> None:
    p = np.array([[1.0, 0.0], [0.0, 1.0]], np.float32)
    assert fit_temperature(p, np.array([0, 1])) > 0
    assert fit_temperature(p, np.array([1, 0])) == pytest.approx(MAX_TEMPERATURE, rel=1e-3)
    assert np.isfinite(apply_temperature(p, 7.0)).all()
    np.testing.assert_allclose(apply_temperature(p, 1.0), p, atol=1e-30)
    with pytest.raises(ValueError, match="expected validation rows"):
        fit_temperature(p[:0], np.array([], int))
