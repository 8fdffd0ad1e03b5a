"""With scikit-learn's parameters the results equal scikit-learn's."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import xlogy
from sklearn import neural_network
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge

from graduel.estimators import MLPClassifier, MLPRegressor

OURS = {"MLPClassifier": MLPClassifier, "MLPRegressor": MLPRegressor}
CURVES = (
    "loss_curve_",
    "loss_",
    "best_loss_",
    "validation_scores_",
    "best_validation_score_",
)
COUNTS = ("n_iter_", "t_", "_no_improvement_count", "n_layers_", "n_outputs_", "n_features_in_")

RNG = np.random.default_rng(5)
N = 50
X = RNG.normal(size=(N, 6))
SIGNAL = np.c_[X[:, 0] - X[:, 1] * X[:, 2], X[:, 3] + np.abs(X[:, 0]), X[:, 4]]
WEIGHT = RNG.uniform(0.5, 2, N)
TARGETS = {
    "two": np.where(SIGNAL[:, 0] > 0, "yes", "no"),
    "three": SIGNAL.argmax(axis=1) * 10,
    "labels": (SIGNAL > 0).astype(int),
    "one": np.full(N, 7),
    "number": SIGNAL[:, 0],
    "numbers": SIGNAL,
    "counts": np.arange(N) % 5 + 1.0,
}
"""Targets; those from "number" on are for regressors."""
SPECIAL = {"counts": {"loss": "poisson"}, "numbers": {"alpha": 0.0}}
"""Parameters that a target requires: see the test of several numbers with a penalty."""


def kinds(target):
    """Return scikit-learn's class for a target, and ours."""
    name = "MLPClassifier" if target in ("two", "three", "labels", "one") else "MLPRegressor"
    return getattr(neural_network, name), OURS[name]


def fitted(target, *, X=X, y=None, weight=None, calls=("fit",), state=int, **params):
    """Fit scikit-learn's estimator and ours; assert that their warnings are equal; return both."""
    y = TARGETS[target] if y is None else y
    params = {"hidden_layer_sizes": (5,), "max_iter": 8, "random_state": 3} | params
    params |= SPECIAL.get(target, {})
    pair, warned = [], []
    for kind in kinds(target):
        estimator = kind(**params | {"random_state": state(params["random_state"])})
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for i, call in enumerate(calls):
                known = {}
                if call == "partial_fit" and i == 0 and hasattr(kind, "predict_proba"):
                    known = {"classes": np.arange(3) if target == "labels" else np.unique(y)}
                getattr(estimator, call)(X, y, sample_weight=weight, **known)
        pair.append(estimator)
        warned.append([(w.category, str(w.message)) for w in caught])
    assert warned[0] == warned[1]
    return pair


def same(pair, target, *, X=X, rtol=1e-9, atol=1e-9):
    """Assert that fitted attributes and predictions equal scikit-learn's."""
    theirs, ours = pair
    close = {"rtol": rtol, "atol": atol}
    for name in COUNTS:
        assert getattr(ours, name) == getattr(theirs, name), name
    assert ours.out_activation_ == theirs.out_activation_
    for name in CURVES:
        expected, actual = getattr(theirs, name), getattr(ours, name)
        assert (actual is None) == (expected is None), name
        if expected is not None:
            np.testing.assert_allclose(actual, expected, **close, err_msg=name)
    for name in ("coefs_", "intercepts_"):
        assert len(getattr(ours, name)) == len(getattr(theirs, name))
        for W, ref in zip(getattr(ours, name), getattr(theirs, name), strict=True):
            assert W.dtype == ref.dtype
            np.testing.assert_allclose(W, ref, **close, err_msg=name)
    expected, actual = theirs.predict(X), ours.predict(X)
    assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
    if isinstance(ours, MLPRegressor):
        np.testing.assert_allclose(actual, expected, **close)
        return
    np.testing.assert_array_equal(actual, expected)
    np.testing.assert_array_equal(ours.classes_, theirs.classes_)
    if target != "one":  # differs on purpose, see the test below
        np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), **close)


SGD = {"solver": "sgd", "learning_rate_init": 0.02}
SETTINGS = {
    "adam": {},
    "adam, other numbers": {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3},
    "adam ignores adaptive": {"learning_rate": "adaptive", "tol": 0.1, "n_iter_no_change": 1},
    "adam ignores invscaling": {"learning_rate": "invscaling"},
    "sgd without momentum": SGD | {"momentum": 0},
    "sgd, momentum": SGD | {"momentum": 0.9, "nesterovs_momentum": False},
    "sgd, Nesterov": SGD,
    "sgd, invscaling": SGD | {"learning_rate": "invscaling", "power_t": 0.3},
    "sgd, invscaling without momentum": SGD | {"learning_rate": "invscaling", "momentum": 0},
    "sgd, adaptive": SGD
    | {"learning_rate": "adaptive", "tol": 0.5, "n_iter_no_change": 1, "max_iter": 60},
    "sgd, adaptive, plain momentum": SGD
    | {
        "learning_rate": "adaptive",
        "tol": 0.05,
        "n_iter_no_change": 2,
        "max_iter": 60,
        "nesterovs_momentum": False,
    },
    "tanh": {"activation": "tanh", "hidden_layer_sizes": (4, 3)},
    "logistic": {"activation": "logistic", "hidden_layer_sizes": [4, 3]},
    "identity": {"activation": "identity", "hidden_layer_sizes": np.array([4, 3])},
    "three hidden layers": {"hidden_layer_sizes": (6, 5, 4)},
    "no hidden layer": {"hidden_layer_sizes": ()},
    "one number of units": {"hidden_layer_sizes": 4},
    "in order": {"shuffle": False, "batch_size": 16},
    "batches": {"batch_size": 16},
    "a row at a time": {"batch_size": 1, "max_iter": 2},
    "batch beyond the rows": {"batch_size": N + 1},
    "strong penalty": SGD | {"alpha": 3.0, "batch_size": 20},
    "no penalty": {"alpha": 0},
    "stops early": {
        "early_stopping": True,
        "validation_fraction": 0.3,
        "n_iter_no_change": 2,
        "max_iter": 40,
    },
    "stops early, adaptive": SGD
    | {
        "early_stopping": True,
        "learning_rate": "adaptive",
        "n_iter_no_change": 1,
        "tol": 0.01,
        "max_iter": 60,
    },
    "stops by the loss": {"tol": 0.02, "n_iter_no_change": 3, "max_iter": 100},
    "never stops": {"tol": 10, "n_iter_no_change": np.inf},
}


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("target", TARGETS)
def test_every_setting_gives_scikit_learns_results(target, setting):
    same(fitted(target, **SETTINGS[setting]), target)


@pytest.mark.parametrize("setting", ["sgd, Nesterov", "stops early", "in order", "strong penalty"])
@pytest.mark.parametrize("target", [*TARGETS])
def test_weighted_rows(target, setting):
    """In one batch for counts; several batches are tested below."""
    params = SETTINGS[setting] | ({"batch_size": N} if target == "counts" else {})
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Got `batch_size` less than 1")
        same(fitted(target, weight=WEIGHT, **params), target)


@pytest.mark.parametrize("target", TARGETS)
def test_rows_of_weight_zero(target):
    weight = np.where(np.arange(N) % 3, WEIGHT, 0)
    same(fitted(target, weight=weight, **SGD), target)


@pytest.mark.parametrize("call", ["fit", "partial_fit"])
@pytest.mark.parametrize("setting", ["adam", "sgd, Nesterov", "sgd, invscaling", "sgd, adaptive"])
@pytest.mark.parametrize("target", ["two", "three", "labels", "one", "number", "counts"])
def test_warm_starts_and_single_epochs_continue(target, setting, call):
    """A new fit has the old weights and a new optimizer; another epoch keeps both."""
    params = SETTINGS[setting] | {"batch_size": 20, "max_iter": 4}
    same(fitted(target, calls=["fit", call, call], warm_start=call == "fit", **params), target)


@pytest.mark.parametrize("target", ["two", "three", "labels", "number", "numbers"])
def test_single_epochs_from_the_beginning(target):
    calls = ["partial_fit"] * 5
    same(fitted(target, calls=calls, batch_size=20), target)
    same(fitted(target, calls=calls, weight=WEIGHT, **SGD), target)
    same(fitted(target, calls=[*calls, "fit"]), target)


def test_single_epochs_keep_the_adaptive_learning_rate():
    params = SGD | {"learning_rate": "adaptive", "tol": 0.5, "n_iter_no_change": 1, "max_iter": 9}
    theirs, ours = fitted("number", calls=["fit", "partial_fit", "partial_fit"], **params)
    same((theirs, ours), "number")
    assert ours.learning_rate_ == pytest.approx(theirs._optimizer.learning_rate, rel=1e-12)
    assert ours.learning_rate_ < 0.02


@pytest.mark.parametrize(
    "kind", ["csr_matrix", "csc_matrix", "csr_array", "csc_array", "coo_array"]
)
@pytest.mark.parametrize("setting", ["batches", "in order", "stops early"])
def test_sparse_rows(kind, setting):
    rows = getattr(sparse, kind)(np.where(np.abs(X) > 0.7, X, 0))
    for target in ("three", "number"):
        same(fitted(target, X=rows, **SETTINGS[setting]), target, X=rows)


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csr_array])
@pytest.mark.parametrize("setting", ["batches", "stops early"])
def test_predictions_for_sparse_labels_are_sparse(kind, setting):
    theirs, ours = fitted("labels", y=kind(TARGETS["labels"]), **SETTINGS[setting])
    expected, actual = theirs.predict(X), ours.predict(X)
    assert sparse.issparse(actual)
    np.testing.assert_array_equal(actual.toarray(), expected.toarray())
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-9)


@pytest.mark.parametrize("setting", ["adam", "sgd, Nesterov", "tanh", "logistic"])
@pytest.mark.parametrize("target", ["two", "three", "labels", "number", "counts"])
def test_float32_stays_float32(target, setting):
    rows = X.astype(np.float32)
    pair = fitted(target, X=rows, **SETTINGS[setting])
    same(pair, target, X=rows, rtol=1e-4, atol=1e-5)
    if target == "number":
        assert pair[1].predict(rows).dtype == np.float32
    elif target != "counts":
        assert pair[1].predict_proba(rows).dtype == np.float32


@pytest.mark.parametrize(
    "y",
    [
        TARGETS["three"].astype(float),
        TARGETS["three"].astype(np.uint8),
        TARGETS["two"].astype(object),
        TARGETS["two"] == "yes",
        list(TARGETS["two"]),
        TARGETS["three"][:, np.newaxis],
    ],
    ids=["float", "uint8", "object", "bool", "list", "column"],
)
def test_labels_of_every_kind(y):
    same(fitted("two", y=y), "two")


@pytest.mark.parametrize(
    "rows", [(X * 10).astype(int), X.tolist(), np.asfortranarray(X), X[:, ::-1]]
)
def test_rows_of_every_kind(rows):
    same(fitted("three", X=rows), "three", X=rows)


def test_a_random_state_is_consumed_as_in_scikit_learn():
    for params in ({}, SETTINGS["stops early"]):
        theirs, ours = fitted("three", state=np.random.RandomState, **params)
        same((theirs, ours), "three")
        draws = [e.random_state.randint(0, 2**31, 4) for e in (theirs, ours)]
        np.testing.assert_array_equal(*draws)


STOPS = ("stops early", "stops early, adaptive", "stops by the loss", "sgd, adaptive")


@pytest.mark.parametrize("setting", STOPS)
def test_it_stops_at_the_same_epoch_with_the_same_message(setting, capsys):
    params = SETTINGS[setting] | {"max_iter": 300}
    theirs, ours = fitted("three", verbose=2, **params)
    same((theirs, ours), "three")
    assert ours.n_iter_ < 300
    out = capsys.readouterr().out
    assert out.count(f"Iteration {ours.n_iter_}, loss = {ours.loss_:.8f}\n") == 2
    lines = [line for line in out.splitlines() if line.endswith("Stopping.")]
    assert len(lines) == 2
    assert lines[0] == lines[1]


def test_several_outputs_with_a_penalty():
    """The weights equal scikit-learn's; the reported penalty is divided by the outputs too.

    scikit-learn's gradient is that of ½ Σ errors² / n + α/2 ‖W‖² / n; in its loss the errors are
    divided by the number of outputs k and the penalty is not. Ours divides both.
    """
    alpha, k = 3.0, SIGNAL.shape[1]
    params = {"y": SIGNAL, "solver": "sgd", "alpha": alpha, "batch_size": N}
    before, _ = fitted("number", **params, max_iter=1)
    theirs, ours = fitted("number", **params, max_iter=2)
    for W, ref in zip(ours.coefs_, theirs.coefs_, strict=True):
        np.testing.assert_allclose(W, ref, rtol=1e-9, atol=1e-12)
    more = alpha / 2 * sum((W**2).sum() for W in before.coefs_) / N * (1 - 1 / k)
    assert more > 1e-3
    assert theirs.loss_ - ours.loss_ == pytest.approx(more, rel=1e-6)


def test_counts_with_weights_in_several_batches():
    """The weights equal scikit-learn's; the loss over several batches is shifted.

    The part Σ y log y − y of half the deviance does not depend on the network. scikit-learn
    averages it in each batch, with the batch's weights; ours is the mean over all rows.
    """
    params = SGD | {"batch_size": 16, "shuffle": False, "max_iter": 5, "tol": 0}
    theirs, ours = fitted("counts", weight=WEIGHT, **params)
    for W, ref in zip(ours.coefs_, theirs.coefs_, strict=True):
        np.testing.assert_allclose(W, ref, rtol=1e-9, atol=1e-12)
    y = TARGETS["counts"]
    each = xlogy(y, y) - y
    batches = [slice(i, i + 16) for i in range(0, N, 16)]
    means = [np.average(each[b], weights=WEIGHT[b]) * len(each[b]) / N for b in batches]
    shift = sum(means) - np.average(each, weights=WEIGHT)
    assert abs(shift) > 1e-3
    np.testing.assert_allclose(np.subtract(theirs.loss_curve_, ours.loss_curve_), shift, rtol=1e-6)


def test_one_class_has_one_column_of_probabilities():
    """scikit-learn returns two columns for the one class in ``classes_``."""
    theirs, ours = fitted("one")
    assert theirs.predict_proba(X).shape == (N, 2)
    np.testing.assert_array_equal(ours.predict_proba(X), np.ones((N, 1)))


@pytest.mark.parametrize("target", ["two", "three", "labels"])
def test_the_loss_of_a_confident_error_is_clipped(target):
    """scikit-learn clips the reported loss at about 36, not the step."""
    params = {"solver": "sgd", "max_iter": 1, "batch_size": N, "learning_rate_init": 1e-3}
    theirs, ours = fitted(target, X=X * 1e4, **params)
    for W, ref in zip(ours.coefs_, theirs.coefs_, strict=True):
        np.testing.assert_allclose(W, ref, rtol=1e-9)
    assert theirs.loss_ < 36.05 * (3 if target == "labels" else 1)
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-12)


def test_a_warm_start_with_early_stopping_keeps_the_best_of_both_fits():
    """scikit-learn's best weights are then those in training; its predictions can be worse."""
    y, params = TARGETS["number"], SGD | {"max_iter": 20, "random_state": 0}
    for kind in (neural_network.MLPRegressor, MLPRegressor):
        net = kind(**params, early_stopping=True, warm_start=True)
        with pytest.warns(ConvergenceWarning):
            before = net.fit(X, y).predict(X)
        first = len(net.validation_scores_)
        net.fit(X, -y)
        assert np.argmax(net.validation_scores_) < first  # the second fit has no better epoch
        assert np.array_equal(net.predict(X), before) == (kind is MLPRegressor)


def test_partial_fit_with_warm_start_accepts_batches_without_all_labels():
    """scikit-learn raises, as in fit."""
    for kind in (neural_network.MLPClassifier, MLPClassifier):
        net = kind(3, solver="sgd", warm_start=True)
        net.partial_fit([[0.0], [1.0], [2.0]], [0, 1, 2], classes=[0, 1, 2])
        if kind is MLPClassifier:
            net.partial_fit([[0.0]], [1])
            assert net.t_ == 4
        else:
            with pytest.raises(ValueError, match="warm_start can only be used"):
                net.partial_fit([[0.0]], [1])


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning", "ignore:invalid value:RuntimeWarning")
def test_a_training_without_a_finite_score_raises():
    """scikit-learn predicts with the initial weights."""
    params = {"solver": "sgd", "learning_rate_init": 1e200, "early_stopping": True, "max_iter": 3}
    with pytest.warns(ConvergenceWarning):
        theirs = neural_network.MLPRegressor(**params, random_state=0).fit(X, SIGNAL[:, 0])
    assert np.isnan(theirs.validation_scores_).all()
    with pytest.raises(ValueError, match="non-finite parameter weights"):
        MLPRegressor(**params, random_state=0).fit(X, SIGNAL[:, 0])


# --- any setting ---


@st.composite
def problems(draw):
    """Draw rows, targets and a setting of scikit-learn's parameters."""
    target = draw(st.sampled_from([*TARGETS]))
    n, seed = draw(st.integers(20, 40)), draw(st.integers(0, 2**16))
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, draw(st.integers(1, 4))))
    y = {
        "two": np.arange(n) % 2,
        "three": np.array(["a", "b", "c"])[np.arange(n) % 3],
        "labels": rng.integers(0, 2, (n, 3)),
        "one": np.zeros(n),
        "number": rng.normal(size=n),
        "numbers": rng.normal(size=(n, 2)),
        "counts": rng.poisson(2, n) * 1.0,
    }[target]
    if draw(st.booleans()):
        kind = draw(st.sampled_from([sparse.csr_matrix, sparse.csc_array]))
        rows = kind(np.where(np.abs(rows) > 0.5, rows, 0))
    batch = draw(st.sampled_from(["auto", 1, 3, 7, 100]))
    weight = None
    if draw(st.booleans()):
        one_batch = batch in ("auto", 100)
        weight = rng.uniform(0.1, 2, n) * (rng.random(n) < 0.8 if one_batch else 1)
        batch = "auto" if target == "counts" else batch
    stops = draw(st.booleans())
    params = {
        "hidden_layer_sizes": draw(st.sampled_from([(), 4, (3, 2), (2, 3, 2)])),
        "activation": draw(st.sampled_from(["relu", "tanh", "logistic", "identity"])),
        "solver": draw(st.sampled_from(["sgd", "adam"])),
        "alpha": draw(st.sampled_from([0.0, 1e-4, 0.5])),
        "batch_size": batch,
        "learning_rate": draw(st.sampled_from(["constant", "invscaling", "adaptive"])),
        "learning_rate_init": draw(st.sampled_from([1e-3, 1e-2])),
        "power_t": draw(st.sampled_from([0.0, 0.5, 1.0])),
        "max_iter": draw(st.integers(1, 5)),
        "shuffle": draw(st.booleans()),
        "random_state": draw(st.integers(0, 2**32 - 1)),
        "tol": draw(st.sampled_from([0.0, 1e-2, 10.0])),
        "momentum": draw(st.sampled_from([0.0, 0.5, 0.9])),
        "nesterovs_momentum": draw(st.booleans()),
        "early_stopping": stops,
        "validation_fraction": draw(st.sampled_from([0.2, 0.35])),
        "epsilon": draw(st.sampled_from([1e-8, 1e-3])),
        "n_iter_no_change": draw(st.integers(1, 2)),
    }
    more = draw(st.sampled_from([["fit"], ["partial_fit"], ["fit", "fit", "partial_fit"]]))
    if stops and weight is not None:
        weight = weight + 0.1  # a score needs a row of positive weight
    return target, rows, y, weight, ["fit"] if stops else more, params


@settings(deadline=None, max_examples=40)
@given(problems())
def test_any_setting_gives_scikit_learns_results(problem):
    target, rows, y, weight, calls, params = problem
    pair = fitted(target, X=rows, y=y, weight=weight, calls=calls, **params)
    same(pair, target, X=rows, rtol=1e-7, atol=1e-8)


# --- L-BFGS, whose line search differs ---


def minimized(target, **params):
    """Fit both by L-BFGS to convergence."""
    y, special = TARGETS[target], SPECIAL.get(target, {})
    pair = []
    for kind in kinds(target):
        params = {"solver": "lbfgs", "max_iter": 3000, "random_state": 0} | special | params
        pair.append(kind(**params).fit(X, y))
    return pair


@pytest.mark.parametrize("target", ["two", "three", "labels", "number", "numbers", "counts"])
@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.filterwarnings("ignore:lbfgs failed to converge after.*(status=2):")
def test_lbfgs_reaches_the_loss_of_scikit_learns(target, activation):
    theirs, ours = minimized(
        target, hidden_layer_sizes=3, activation=activation, alpha=0.5, tol=1e-4
    )
    assert ours.loss_ <= 1.05 * theirs.loss_
    assert ours.out_activation_ == theirs.out_activation_


@pytest.mark.parametrize("target", ["two", "three", "labels", "number", "counts"])
def test_without_hidden_layers_lbfgs_finds_the_unique_minimum(target):
    theirs, ours = minimized(target, hidden_layer_sizes=(), alpha=2.0, tol=1e-9)
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-7)
    np.testing.assert_allclose(ours.coefs_[0], theirs.coefs_[0], atol=2e-3)
    known = {
        "two": LogisticRegression(C=1 / 2, tol=1e-10, max_iter=1000),
        "three": LogisticRegression(C=1 / 2, tol=1e-10, max_iter=1000),
        "number": Ridge(alpha=2.0),
        "counts": PoissonRegressor(alpha=2.0 / N, tol=1e-10, max_iter=1000),
    }.get(target)
    if known is None:
        return
    known.fit(X, TARGETS[target])
    method = "predict_proba" if hasattr(known, "predict_proba") else "predict"
    np.testing.assert_allclose(getattr(ours, method)(X), getattr(known, method)(X), atol=1e-4)


def test_lbfgs_with_weighted_rows_finds_scipys_minimum():
    """½ Σ w (y − x·β − c)² / Σ w + α/2 ‖β‖² / Σ w."""
    y, alpha = TARGETS["number"], 1.5
    A = np.c_[X, np.ones(N)]
    total = WEIGHT.sum()
    penalized = np.r_[np.ones(6), 0]

    def f(beta):
        error = A @ beta - y
        value = (WEIGHT @ error**2 + alpha * (penalized * beta) @ beta) / (2 * total)
        return value, (A.T @ (WEIGHT * error) + alpha * penalized * beta) / total

    known = minimize(
        f, np.zeros(7), jac=True, method="L-BFGS-B", options={"ftol": 0, "gtol": 1e-10}
    )
    ours = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=alpha, tol=1e-9, max_iter=500)
    ours.fit(X, y, sample_weight=WEIGHT)
    np.testing.assert_allclose(ours.coefs_[0][:, 0], known.x[:6], atol=1e-4)
    assert ours.loss_ == pytest.approx(known.fun, rel=1e-8)


@pytest.mark.parametrize("target", ["two", "number"])
def test_lbfgs_counts_iterations_and_respects_max_iter(target):
    for kind in kinds(target):
        with pytest.warns(ConvergenceWarning, match="lbfgs failed to converge"):
            net = kind(solver="lbfgs", max_iter=4, tol=1e-12).fit(X, TARGETS[target])
        assert net.n_iter_ == 4
    assert net.loss_curve_[-1] == net.loss_ == net.best_loss_
    assert sorted(net.loss_curve_, reverse=True) == net.loss_curve_


def test_lbfgs_started_at_convergence():
    _, ours = minimized("number", hidden_layer_sizes=(), tol=1e3)
    assert ours.n_iter_ == 0
    assert ours.best_loss_ == ours.loss_ == ours.loss_curve_[-1]


def sure(scale, rows=60, classes=3, seed=0):
    """Return rows so large that a network's first probabilities are 0 and 1."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, rows)
    return scale * (rng.normal(size=(rows, 5)) + y[:, np.newaxis]), y


@settings(max_examples=25)
@given(
    scale=st.sampled_from([1.0, 30.0, 1e3, 1e5]),
    target=st.sampled_from(["two", "three", "labels"]),
    solver=st.sampled_from(["adam", "sgd"]),
    dtype=st.sampled_from([np.float64, np.float32]),
    early_stopping=st.booleans(),
    weighted=st.booleans(),
    seed=st.integers(0, 99),
)
def test_the_loss_is_scikit_learns_where_probabilities_are_0_and_1(
    scale, target, solver, dtype, early_stopping, weighted, seed
):
    rows, y = sure(scale, seed=seed, classes=2 if target == "two" else 3)
    if target == "labels":
        y = (rows[:, :3] > np.median(rows[:, :3])).astype(int)
    pair = fitted(
        target,
        X=rows.astype(dtype),
        y=y,
        weight=np.linspace(0.5, 2, len(rows)) if weighted else None,
        solver=solver,
        learning_rate_init=1e-4,
        early_stopping=early_stopping,
        random_state=seed,
        max_iter=12,
        n_iter_no_change=3,
    )
    theirs, ours = pair
    rtol = 1e-9 if dtype is np.float64 else 2e-3
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=rtol, atol=rtol / 100)
    if dtype is np.float64:
        assert ours.n_iter_ == theirs.n_iter_


def test_the_loss_of_wine_that_is_not_scaled():
    from sklearn.datasets import load_wine

    rows, y = load_wine(return_X_y=True)
    pair = fitted("three", X=rows, y=y, hidden_layer_sizes=(30,), random_state=92, max_iter=80)
    assert pair[0].n_iter_ < 80
    same(pair, "three", X=rows, rtol=1e-6)
