"""scikit-learn's estimator checks, with the reason for every expected failure."""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import (
    check_sample_weight_equivalence_on_dense_data,
    parametrize_with_checks,
)

from graduel.estimators import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

PLAIN = [MLPClassifier(max_iter=100), MLPRegressor(max_iter=100)]
"""The estimators that scikit-learn checks of its own MLP. All checks pass."""

EQUAL = (
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weight_equivalence_on_sparse_data",
)
"""The checks that a row of weight 2 equals two rows, and one of weight 0 none."""
EACH_ITS_OWN = "dropout draws once for a row of weight 2, but for each of two copies"
OF_THE_BATCH = "the mean and variance of a batch do not depend on row weights"

LAYERS = MLPClassifier(
    max_iter=40,
    learning_rate_init=0.01,
    hidden_layer_sizes=(24, 16),
    activation=["gelu", "silu"],
    norm="layer",
    solver="adamw",
    learning_rate="cosine",
    init="he_normal",
    clip_norm=5.0,
    label_smoothing=0.05,
    weight_decay=0.01,
    ema=0.2,
)
RANDOM = MLPClassifier(max_iter=40, learning_rate_init=0.02, dropout=0.1, solver="lion")
NUMBERS = MLPRegressor(
    max_iter=40,
    learning_rate_init=0.02,
    loss="huber",
    norm="batch",
    solver="rmsprop",
    clip_value=1.0,
)
EXTENDED = [
    (LAYERS, {}),
    (RANDOM, dict.fromkeys(EQUAL, EACH_ITS_OWN)),
    (NUMBERS, dict.fromkeys(EQUAL, OF_THE_BATCH)),
]
"""Estimators with more options, and the checks that they fail with the reason."""


@parametrize_with_checks(PLAIN)
def test_with_scikit_learns_parameters(estimator, check):
    check(estimator)


@parametrize_with_checks(
    [estimator for estimator, _ in EXTENDED],
    expected_failed_checks=lambda estimator: next(
        failures for other, failures in EXTENDED if other is estimator
    ),
)
def test_with_more_options(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    "estimator",
    [
        MLPClassifier(solver="lbfgs"),
        MLPRegressor(solver="sgd", tol=1e-2, random_state=42),
    ],
    ids=["lbfgs", "sgd"],
)
def test_a_row_of_weight_2_counts_twice(estimator):
    """The two estimators of scikit-learn's own tests."""
    check_sample_weight_equivalence_on_dense_data(type(estimator).__name__, estimator)
