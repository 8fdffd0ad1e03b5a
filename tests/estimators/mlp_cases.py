"""Data and estimators for the tests of MLPClassifier and MLPRegressor."""

from __future__ import annotations

import re

import numpy as np
import pytest

from graduel import MLPClassifier, MLPRegressor

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 5))
CODES = (X[:, 0] > 0.4).astype(int) + (X[:, 1] > 0)
Y = np.array(["cat", "dog", "emu"])[CODES]
COUNTS = np.unique(Y, return_counts=True)
Z = X[:, 0] - 2 * X[:, 1] ** 2
PIXELS = RNG.integers(0, 256, size=(60, 8, 6), dtype=np.uint8)
COLORS = RNG.integers(0, 256, size=(60, 8, 6, 3), dtype=np.uint8)

QUIET = pytest.mark.filterwarnings(
    "ignore:Stochastic Optimizer. Maximum iterations:sklearn.exceptions.ConvergenceWarning",
    "ignore:lbfgs failed to converge:sklearn.exceptions.ConvergenceWarning",
)
"""Ignore the warnings of fits that are short on purpose."""


def named(value):
    """Return a name for a test case without addresses, so that it is the same in every process."""
    return re.sub(r" at 0x\w+", "", str(value))


def classifier(**params):
    params = {"hidden_layer_sizes": (6, 4), "max_iter": 3, "batch_size": 16} | params
    return MLPClassifier(random_state=0, **params)


def regressor(**params):
    params = {"hidden_layer_sizes": (6, 4), "max_iter": 3, "batch_size": 16} | params
    return MLPRegressor(random_state=0, **params)


def proba(**params):
    return classifier(**params).fit(X, Y).predict_proba(X)


def kinds(net):
    return [type(layer).__name__ for layer in net.network_.layers]


def weights(net):
    return net.weights_.theta.copy()
