"""Metrics of predicted numbers against scikit-learn's, alone and over resamples."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import given, settings
from hypothesis import strategies as st

from graduel.errors import UserError
from graduel.metrics.metric import REGRESSION_METRICS, check_task, curve_loss, get_metric

REFERENCES = {
    "rmse": sk.root_mean_squared_error,
    "mae": sk.mean_absolute_error,
    "medae": sk.median_absolute_error,
    "r2": sk.r2_score,
    "mape": sk.mean_absolute_percentage_error,
    "poisson_deviance": sk.mean_poisson_deviance,
    "gamma_deviance": sk.mean_gamma_deviance,
    "pinball(q=0.9)": lambda y, p: sk.mean_pinball_loss(y, p, alpha=0.9),
    "neg_max_error": sk.max_error,
    "neg_mean_squared_error": sk.mean_squared_error,
    "explained_variance": sk.explained_variance_score,
}


@pytest.mark.parametrize("name", REFERENCES)
@given(st.integers(0, 2**32 - 1), st.integers(2, 40))
@settings(max_examples=15, deadline=None)
def test_a_metric_equals_scikit_learns(name, seed, n):
    rng = np.random.default_rng(seed)
    y, p = rng.uniform(0.5, 9, size=(2, n))
    metric = get_metric(name)
    assert metric.task == "regression"
    assert metric.value(p[:, None], y) == pytest.approx(REFERENCES[name](y, p), rel=1e-8)


@pytest.mark.parametrize("name", ["rmse", "r2", "medae", "explained_variance"])
def test_a_metric_of_counts_equals_that_of_repeated_rows(name):
    rng = np.random.default_rng(1)
    y, p = rng.normal(size=(2, 25))
    metric = get_metric(name)
    counts = rng.integers(0, 4, size=(6, 25))
    counts[:, 0] += 100 - counts.sum(axis=1)
    values = metric.by_counts(p[:, None], y)(counts)
    for one, value in zip(counts, values, strict=True):
        rows = np.repeat(np.arange(25), one)
        assert value == pytest.approx(metric.value(p[rows, None], y[rows]), rel=1e-10)


@pytest.mark.parametrize(
    ("name", "y", "message"),
    [
        ("mape", [0.0, 5.0, 6.0], "mape needs targets that are not near 0; 1 of 3 are"),
        ("poisson_deviance", [-1.0, 5.0], "poisson_deviance needs targets at least 0"),
        ("gamma_deviance", [0.0, 5.0], "gamma_deviance needs targets above 0"),
        ("r2", [2.0, 2.0], "R² is not defined on rows with equal targets"),
        ("neg_mean_squared_log_error", [-2.0, 2.0], "cannot be computed on these test rows: "),
    ],
)
def test_a_metric_that_is_not_defined_says_why(name, y, message):
    y = np.array(y)
    with pytest.raises(UserError, match=message):
        get_metric(name).value(y[:, None] + 1, y)


def test_a_negative_prediction_of_a_rate_counts_as_nearly_zero():
    y = np.array([1.0, 3.0])
    metric = get_metric("poisson_deviance")
    assert np.isfinite(metric.value(np.array([[-5.0], [3.0]]), y))


def test_metrics_know_their_kind_of_target():
    for name in REGRESSION_METRICS:
        check_task(get_metric(name), "regression")
        with pytest.raises(UserError, match="metric: expected one for classes, such as error"):
            check_task(get_metric(name), "classification")
    with pytest.raises(UserError, match="metric: expected one for a number, such as rmse"):
        check_task(get_metric("auc"), "regression")
    with pytest.raises(UserError, match="Did you mean 'rmse'"):
        get_metric("rmsee")


def test_the_loss_of_a_curve_is_the_error_of_codes_and_the_rmse_of_numbers():
    assert curve_loss(np.array([[0.9, 0.1], [0.8, 0.2]]), np.array([0, 1])) == 0.5
    assert curve_loss(np.array([[3.0], [5.0]]), np.array([0.0, 1.0])) == 12.5**0.5
