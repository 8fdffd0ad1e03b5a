"""scikit-learn's checks of estimators, with every expected failure argued."""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import (
    check_sample_weight_equivalence_on_dense_data,
    parametrize_with_checks,
)

from graduel.estimators import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

PLAIN = [MLPClassifier(max_iter=100), MLPRegressor(max_iter=100)]
"""As scikit-learn checks its own. None fails anything."""

EQUAL = (
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weight_equivalence_on_sparse_data",
)
"""The checks that a row of weight 2 counts as the row twice, and one of weight 0 not at all."""
EACH_ITS_OWN = "dropout draws for a row of weight 2 once, and for its copies each by itself"
OF_THE_BATCH = "a batch's mean and variance are those of its rows, whatever they weigh"

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
"""Estimators of the extended kind, and which checks they fail for what reason."""


@parametrize_with_checks(PLAIN)
def test_with_scikit_learns_own_parameters(estimator, check):
    check(estimator)


@parametrize_with_checks(
    [estimator for estimator, _ in EXTENDED],
    expected_failed_checks=lambda estimator: next(
        failures for other, failures in EXTENDED if other is estimator
    ),
)
def test_of_the_extended_kind(estimator, check):
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
    """Of the two that scikit-learn takes for its own."""
    check_sample_weight_equivalence_on_dense_data(type(estimator).__name__, estimator)
