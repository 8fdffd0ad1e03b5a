"""Solvers, schedules, losses, weights of rows and classes, EMA."""

from __future__ import annotations

import warnings
from itertools import pairwise

import numpy as np
import pytest
from mlp_cases import (
    QUIET,
    X,
    Y,
    Z,
    classifier,
    proba,
    regressor,
    weights,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.class_weight import compute_sample_weight

from graduel import nn, optim
from graduel.train.build import part_registry
from graduel.train.loop.batches import Rows
from graduel.train.loop.ema import recompute_state

pytestmark = QUIET


# --- solvers, schedules, losses ---


@pytest.mark.parametrize("name", part_registry.OPTIMIZERS)
def test_every_solver_by_name_and_as_an_object(name):
    long = {"max_iter": 60, "learning_rate_init": 0.02, "batch_size": 20}
    net = classifier(solver=name, **long).fit(X, Y)
    assert net.loss_ < 0.99 * net.loss_curve_[0]
    options = {"momentum": 0.9} if name in ("momentum", "nesterov") else {}
    solver = part_registry.make("optimizer", name, **options)
    if name not in ("sgd", "adam", "lbfgs"):  # those are scikit-learn's
        same = classifier(solver=solver, **long).fit(X, Y)
        np.testing.assert_array_equal(weights(net), weights(same))
    assert hasattr(net, "partial_fit") == (name != "lbfgs")


@pytest.mark.parametrize("name", part_registry.SCHEDULES)
def test_every_schedule_by_name_object_and_function(name):
    schedule = part_registry.make("schedule", name)
    progress = []

    def own(t):
        progress.append(t)
        return schedule(t)

    with warnings.catch_warnings():
        if name == "constant":  # scikit-learn's rule, which warns at max_iter
            warnings.simplefilter("ignore", ConvergenceWarning)
        else:
            warnings.simplefilter("error", ConvergenceWarning)
        net = classifier(learning_rate=name).fit(X, Y)
    nets = [net, *(classifier(learning_rate=rate).fit(X, Y) for rate in (schedule, own))]
    for one, other in pairwise(nets):
        np.testing.assert_array_equal(weights(one), weights(other))
    assert min(progress) >= 0
    assert max(progress) <= 1
    assert net.learning_rate_ == pytest.approx(1e-3 * schedule(1.0))


def test_epochs_report_the_learning_rate_of_the_schedule():
    rates = [e.learning_rate for e in classifier(learning_rate="linear").fit_iter(X, Y)]
    np.testing.assert_allclose(rates, [1e-3, 2e-3 / 3, 1e-3 / 3])


def test_partial_fit_goes_through_the_whole_schedule():
    whole = classifier(learning_rate="linear", shuffle=False).fit(X, Y)
    parts_of = classifier(learning_rate="linear", shuffle=False)
    for _ in range(3):
        parts_of.partial_fit(X, Y, classes=np.unique(Y))
    np.testing.assert_allclose(weights(parts_of), weights(whole), rtol=1e-12)
    assert parts_of.learning_rate_ == 0
    before = weights(parts_of)
    parts_of.partial_fit(X, Y)  # beyond the end of the schedule, the rate is constant
    np.testing.assert_array_equal(weights(parts_of), before)


@pytest.mark.parametrize("name", part_registry.LOSSES)
@pytest.mark.parametrize("y", [Y, Y == "cat"], ids=["three", "two"])
def test_every_loss_for_labels(name, y):
    net = classifier(loss=name, hidden_layer_sizes=16, max_iter=40, learning_rate_init=0.02)
    net.fit(X, y)
    p = net.predict_proba(X)
    assert p.shape == (60, len(net.classes_))
    assert p.min() >= 0
    np.testing.assert_allclose(p.sum(axis=1), 1)
    np.testing.assert_array_equal(net.classes_[p.argmax(axis=1)], net.predict(X))
    assert net.score(X, y) > 0.75
    assert isinstance(net.network_.loss, type(part_registry.make("loss", name)))


@pytest.mark.parametrize("name", ["squared", "squared_error", "absolute_error", "huber", "poisson"])
@pytest.mark.parametrize("outputs", [1, 2])
def test_every_loss_for_regression(name, outputs):
    y = np.exp(X[:, 0]) if outputs == 1 else np.exp(X[:, :2])
    net = regressor(loss=name, max_iter=100, learning_rate_init=0.02).fit(X, y)
    assert net.score(X, y) > 0.7
    assert net.predict(X).shape == y.shape


def test_a_regressors_loss_curve_is_that_of_its_loss():
    net = regressor(loss=nn.Huber(delta=0.5), alpha=0, max_iter=1, batch_size=60, shuffle=False)
    error = np.abs(
        regressor(max_iter=1, learning_rate_init=1e-300, alpha=0, batch_size=60)
        .fit(X, Z)
        .predict(X)
        - Z
    )
    huber = np.where(error < 0.5, error**2 / 2, 0.5 * (error - 0.25)).mean()
    assert net.fit(X, Z).loss_curve_[0] == pytest.approx(huber)


def test_label_smoothing_mixes_the_targets():
    net = classifier(label_smoothing=0.3, max_iter=1, batch_size=60, alpha=0).fit(X, Y)
    p = proba(max_iter=1, learning_rate_init=1e-300)
    targets = 0.7 * (np.unique(Y) == Y[:, np.newaxis]) + 0.1
    assert net.loss_ == pytest.approx(-(targets * np.log(p)).sum(axis=1).mean())


def test_weight_decay_none_is_the_default_of_the_solver():
    own = proba(solver="adamw")
    assert np.array_equal(own, proba(solver="adamw", weight_decay=optim.AdamW().weight_decay))
    assert not np.array_equal(own, proba(solver="adamw", weight_decay=0.0))


@pytest.mark.parametrize("clip", [{"clip_norm": 1e-3}, {"clip_value": 1e-4}])
def test_clipping_bounds_each_step(clip):
    net = classifier(solver="gd", learning_rate_init=1.0, batch_size=60, max_iter=2, **clip)
    steps = [weights(net) for _ in net.fit_iter(X, Y)]
    step = steps[1] - steps[0]
    if "clip_norm" in clip:
        assert np.linalg.norm(step) == pytest.approx(1e-3)
    else:
        assert np.abs(step).max() == pytest.approx(1e-4)


# --- weights of rows and classes ---


def test_balanced_class_weights_are_scikit_learns_sample_weights():
    by_rows = classifier().fit(X, Y, sample_weight=compute_sample_weight("balanced", Y))
    np.testing.assert_array_equal(proba(class_weight="balanced"), by_rows.predict_proba(X))


def test_class_weights_and_sample_weights_multiply():
    mine = np.linspace(0.5, 2, 60)
    by_class = {"cat": 1.0, "dog": 0.0, "emu": 3}
    one = classifier(class_weight=by_class).fit(X, Y, sample_weight=mine)
    two = classifier().fit(X, Y, sample_weight=mine * [by_class[label] for label in Y])
    np.testing.assert_array_equal(one.predict_proba(X), two.predict_proba(X))


# --- EMA ---


def by_hand(norm, decay=0.8, epochs=3):
    """Return the EMA of the weights, computed from epochs of one step."""
    net = classifier(norm=norm, batch_size=60, max_iter=epochs)
    thetas = [weights(net) for _ in net.fit_iter(X, Y)]
    start = classifier(norm=norm, batch_size=60, max_iter=1, learning_rate_init=1e-300)
    average = weights(start.fit(X, Y))
    for step, theta in enumerate(thetas):
        d = min(decay, (1 + step) / (10 + step))
        average += (1 - d) * (theta - average)
    return average


@pytest.mark.parametrize("norm", [None, "layer", "batch"])
def test_predictions_use_the_averaged_weights(norm):
    net = classifier(norm=norm, ema=0.8, batch_size=60).fit(X, Y)
    np.testing.assert_allclose(weights(net), by_hand(norm), rtol=1e-10, atol=1e-13)
    if norm == "batch":  # the running state is that of the averaged weights
        fresh = net.weights_.copy()
        rows = Rows(X, dtype="float64")
        recompute_state(net.network_, fresh, rows, rng=np.random.default_rng(1), batch_size=60)
        np.testing.assert_allclose(net.weights_.state, fresh.state, rtol=1e-4)


def test_partial_fit_continues_from_the_raw_weights_and_their_average():
    net, raw = (classifier(batch_size=60, shuffle=False, ema=ema) for ema in (0.8, 0.0))
    for _ in range(3):
        net.partial_fit(X, Y, classes=np.unique(Y))
        raw.partial_fit(X, Y, classes=np.unique(Y))
    np.testing.assert_allclose(weights(net), by_hand(None), rtol=1e-10, atol=1e-13)
    net.set_params(ema=0.0)
    for _ in range(2):
        net.partial_fit(X, Y)
        raw.partial_fit(X, Y)
    np.testing.assert_array_equal(weights(net), weights(raw))


def test_scoring_averaged_weights_does_not_affect_training():
    params = {"ema": 0.8, "norm": "batch", "dropout": 0.2}
    watched = classifier(**params).fit(X, Y, X_val=X[:9], y_val=Y[:9])
    np.testing.assert_array_equal(watched.predict_proba(X), proba(**params))
