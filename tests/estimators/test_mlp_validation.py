"""Validation rows, early stopping and the generator of epochs."""

from __future__ import annotations

import warnings
from itertools import pairwise

import numpy as np
import pandas as pd
import polars as pl
import pytest
from mlp_cases import (
    QUIET,
    X,
    Y,
    Z,
    classifier,
    named,
    proba,
    regressor,
    weights,
)
from sklearn.metrics import accuracy_score, log_loss, make_scorer, mean_squared_error
from sklearn.metrics import max_error as worst_error

pytestmark = QUIET


# --- validation rows ---


def test_validation_rows_do_not_affect_training():
    net = classifier(max_iter=6).fit(X[:40], Y[:40], X_val=X[40:], y_val=Y[40:])
    plain = classifier(max_iter=6).fit(X[:40], Y[:40])
    np.testing.assert_array_equal(weights(net), weights(plain))
    assert net.loss_curve_ == plain.loss_curve_
    assert net.best_loss_ == plain.best_loss_
    assert len(net.validation_scores_) == len(net.validation_loss_curve_) == 6
    assert net.best_validation_score_ == max(net.validation_scores_)
    assert (plain.validation_scores_, plain.validation_loss_curve_) == (None, None)
    assert plain.best_validation_score_ is None


@pytest.mark.parametrize(
    ("params", "score"),
    [
        ({}, lambda net: accuracy_score(Y[40:], net.predict(X[40:]))),
        ({"scoring": "accuracy"}, lambda net: accuracy_score(Y[40:], net.predict(X[40:]))),
        (
            {"scoring": "neg_log_loss"},
            lambda net: -log_loss(Y[40:], net.predict_proba(X[40:])),
        ),
        ({"scoring": lambda net, X, y: (net.predict(X) != y).sum()}, None),
        ({"scoring": "loss"}, lambda net: -log_loss(Y[40:], net.predict_proba(X[40:]))),
        ({"scoring": "loss", "ema": 0.9, "norm": "batch"}, None),
    ],
)
def test_validation_loss_and_score_equal_scikit_learns(params, score):
    net = classifier(max_iter=5, **params)
    for epoch in net.fit_iter(X[:40], Y[:40], X_val=X[40:], y_val=Y[40:]):
        loss = log_loss(Y[40:], net.predict_proba(X[40:]))
        assert epoch.validation_loss == pytest.approx(loss, rel=1e-9)
        if score is not None:
            assert epoch.validation_score == pytest.approx(score(net), rel=1e-9)
        assert net.validation_loss_curve_[-1] == epoch.validation_loss
        assert net.validation_scores_[-1] == epoch.validation_score
        assert net.loss_curve_[-1] == net.loss_ == epoch.loss
        assert net.n_iter_ == epoch.epoch == len(net.loss_curve_)
    assert epoch.epoch == 5


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_the_validation_loss_of_a_regressor(loss):
    y = np.exp(X[:, :2])
    net = regressor(loss=loss, alpha=0, batch_size=60)
    for epoch in net.fit_iter(X, y, X_val=X[40:], y_val=y[40:]):
        if loss == "squared_error":
            expected = mean_squared_error(y[40:], net.predict(X[40:])) / 2
            assert epoch.validation_loss == pytest.approx(expected, rel=1e-9)
    again = regressor(loss=loss, alpha=0, batch_size=60).fit(X, y, X_val=X, y_val=y)
    # The same rows: the loss after an epoch of one step is the next epoch's loss before its step.
    np.testing.assert_allclose(again.validation_loss_curve_[:-1], again.loss_curve_[1:], rtol=1e-9)


def test_early_stopping_on_given_validation_rows():
    params = {"early_stopping": True, "max_iter": 200, "learning_rate_init": 0.05, "tol": 0.0}
    net = classifier(n_iter_no_change=3, scoring="loss", **params)
    net.fit(X[:40], Y[:40], X_val=X[40:], y_val=Y[40:])
    assert net.n_iter_ < 200
    assert net.t_ == 40 * net.n_iter_  # all rows of X
    best = int(np.argmax(net.validation_scores_)) + 1
    assert net.n_iter_ == best + 4
    assert log_loss(Y[40:], net.predict_proba(X[40:])) == pytest.approx(
        min(net.validation_loss_curve_), rel=1e-9
    )
    assert net.best_loss_ is None
    stopped = classifier(scoring="loss", **(params | {"early_stopping": False}))
    for epoch in stopped.fit_iter(X[:40], Y[:40], X_val=X[40:], y_val=Y[40:]):
        if epoch.epoch == best:
            break
    np.testing.assert_array_equal(stopped.predict_proba(X), net.predict_proba(X))


@pytest.mark.parametrize("scoring", [None, "neg_log_loss", "loss"])
def test_the_best_epoch_is_restored_after_a_break(scoring):
    net = classifier(early_stopping=True, learning_rate_init=0.3, scoring=scoring, max_iter=30)
    thetas = []
    for epoch in net.fit_iter(X, Y):
        thetas.append(weights(net))
        if epoch.epoch == 8:
            break
    best = int(np.argmax(net.validation_scores_))
    np.testing.assert_array_equal(weights(net), thetas[best])
    assert net.n_iter_ == 8


def test_scorers_with_and_without_row_weights():
    weight = np.linspace(0.5, 2, 60)
    unweighted = make_scorer(worst_error, greater_is_better=False)
    for scoring in (lambda net, X, y: -float(np.abs(net.predict(X) - y).max()), unweighted):
        net = regressor(early_stopping=True, scoring=scoring).fit(X, Z, sample_weight=weight)
        assert len(net.validation_scores_) == 3
    plain, weighed = (
        regressor(early_stopping=True, scoring="r2", learning_rate_init=1e-12).fit(X, Z, w)
        for w in (None, weight)
    )
    assert plain.validation_scores_ != weighed.validation_scores_


def test_validation_rows_can_be_dataframes_and_are_validated():
    names = list("abcde")
    frame = pd.DataFrame(X, columns=names)
    net = classifier(early_stopping=True, scoring="neg_log_loss").fit(
        frame, Y, X_val=frame[:30], y_val=pd.Series(Y[:30])
    )
    assert net.validation_scores_ is not None
    polars = pl.DataFrame(X, schema=names)
    net.fit(polars, Y, X_val=polars[:30], y_val=pl.Series(Y[:30].tolist()))
    for rows, labels, message in (
        (frame[:9], None, "X_val and y_val go together; y_val is missing"),
        (None, Y[:9], "X_val and y_val go together; X_val is missing"),
        (frame[:9], ["gnu"] * 9, r"classes not in .*gnu"),
        (frame[names[::-1]][:9], Y[:9], "feature names"),
        (frame[:9], Y[:8], "inconsistent numbers of samples"),
        (X[:9, :4], Y[:9], "features"),
        (X[:0], Y[:0], "0 sample"),
        (X[:9] * np.nan, Y[:9], "NaN"),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # names that are missing
            with pytest.raises(ValueError, match=message):
                net.fit(frame, Y, X_val=rows, y_val=labels)
    with pytest.raises(ValueError, match=r"y must have 1 columns.* got 2"):
        regressor().fit(X, Z, X_val=X, y_val=X[:, :2])


# --- a generator of epochs ---


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"early_stopping": True, "n_iter_no_change": 2},
        {"solver": "lbfgs"},
        {"solver": "sgd", "learning_rate": "adaptive", "tol": 1, "n_iter_no_change": 1},
        {"ema": 0.9, "norm": "batch", "dropout": 0.2},
    ],
    ids=named,
)
def test_fit_iter_gives_the_same_result_as_fit(params):
    stepped = classifier(max_iter=15, **params)
    epochs = list(stepped.fit_iter(X, Y))
    whole = classifier(max_iter=15, **params).fit(X, Y)
    np.testing.assert_array_equal(weights(stepped), weights(whole))
    assert stepped.loss_curve_ == whole.loss_curve_ == [epoch.loss for epoch in epochs]
    assert stepped.n_iter_ == whole.n_iter_ == len(epochs)


def test_the_estimator_predicts_between_epochs_and_after_a_break():
    net, seen = classifier(max_iter=9), []
    assert not hasattr(net, "coefs_")
    for epoch in net.fit_iter(X, Y):
        seen.append(net.predict_proba(X))
        if epoch.epoch == 4:
            break
    assert net.n_iter_ == 4
    np.testing.assert_array_equal(seen[-1], net.predict_proba(X))
    assert all(not np.array_equal(a, b) for a, b in pairwise(seen))
    np.testing.assert_array_equal(seen[-1], proba(max_iter=4))
    old = weights(net)
    iterator = net.fit_iter(X, Y)
    np.testing.assert_array_equal(weights(net), old)  # nothing happens before the first next()
    iterator.close()
    np.testing.assert_array_equal(weights(net), old)
