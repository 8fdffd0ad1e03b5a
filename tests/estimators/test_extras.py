"""What the estimators have beyond scikit-learn's."""

from __future__ import annotations

import io
import re
import tracemalloc
import warnings
from itertools import pairwise

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import rich.console
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, log_loss, make_scorer, mean_squared_error
from sklearn.metrics import max_error as worst_error
from sklearn.utils.class_weight import compute_sample_weight

from graduel import MLPClassifier, MLPRegressor, nn, optim
from graduel.train.build import part_registry
from graduel.train.loop.batches import Rows
from graduel.train.loop.ema import recompute_state

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 5))
CODES = (X[:, 0] > 0.4).astype(int) + (X[:, 1] > 0)
Y = np.array(["cat", "dog", "emu"])[CODES]
COUNTS = np.unique(Y, return_counts=True)
Z = X[:, 0] - 2 * X[:, 1] ** 2
PIXELS = RNG.integers(0, 256, size=(60, 8, 6), dtype=np.uint8)
COLOURS = RNG.integers(0, 256, size=(60, 8, 6, 3), dtype=np.uint8)

pytestmark = pytest.mark.filterwarnings(
    "ignore:Stochastic Optimizer. Maximum iterations:sklearn.exceptions.ConvergenceWarning",
    "ignore:lbfgs failed to converge:sklearn.exceptions.ConvergenceWarning",
)


def named(value):
    """A name for a case that is the same in every process: no address of a function."""
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


# --- layers ---


def test_activation_norm_and_dropout_of_each_layer_stand_in_this_order():
    net = classifier(
        activation=["leaky_relu(slope=0.2)", nn.GELU()],
        norm=[nn.LayerNorm(eps=1e-3), None],
        dropout=[0, np.float32(0.25)],
    ).fit(X, Y)
    assert net.network_.layers[1:3] == (nn.LayerNorm(eps=1e-3), nn.LeakyReLU(slope=0.2))
    assert net.network_.layers[4:6] == (nn.GELU(), nn.Dropout(0.25))
    assert kinds(net)[::3] == ["Dense", "Dense", "Dense"]


@pytest.mark.parametrize(
    ("one", "each"),
    [
        ({"dropout": 0.3}, {"dropout": [0.3, 0.3]}),
        ({"norm": "batch"}, {"norm": (nn.BatchNorm(), "batch")}),
        ({"norm": "layer"}, {"norm": nn.LayerNorm()}),
        ({"activation": "gelu"}, {"activation": np.array(["gelu", "gelu"])}),
        ({"activation": "tanh"}, {"activation": ("tanh", nn.Tanh())}),
        ({"layers": [6, np.int64(4)]}, {"layers": ("6", "4")}),
        ({"layers": [6, 4]}, {}),
        ({"loss": "softmax"}, {"loss": nn.SoftmaxCrossEntropy()}),
        ({"label_smoothing": 0.1}, {"loss": nn.SoftmaxCrossEntropy(0.1)}),
        ({"init": "he_normal"}, {"init": nn.HeNormal()}),
        ({"solver": "lion"}, {"solver": optim.Lion()}),
        ({"solver": "lion", "weight_decay": 0.2}, {"solver": optim.Lion(weight_decay=0.2)}),
        ({"solver": "adamw(weight_decay=0.2)"}, {"solver": "adamw", "weight_decay": 0.2}),
        ({"solver": "momentum", "momentum": 0.7}, {"solver": optim.SGD(momentum=0.7)}),
        ({"solver": "gd", "momentum": 0.7}, {"solver": optim.SGD()}),
        ({"solver": "rmsprop", "momentum": 0.7}, {"solver": optim.RMSProp()}),
        ({"solver": "sgd"}, {"solver": "nesterov"}),
        ({"clip_norm": 0.1, "solver": "gd"}, {"solver": optim.ClipNorm(optim.SGD(), 0.1)}),
        ({"clip_value": 0.01, "solver": "gd"}, {"solver": optim.ClipValue(optim.SGD(), 0.01)}),
        ({"learning_rate": "cosine(end=0.5)"}, {"learning_rate": optim.Cosine(end=0.5)}),
        ({"learning_rate": "linear"}, {"learning_rate": lambda t: 1 - t}),
        ({"class_weight": "balanced"}, {"class_weight": {
            label: 20 / count for label, count in zip(*COUNTS, strict=True)
        }}),
    ],
    ids=named,
)  # fmt: skip
def test_two_ways_to_say_the_same(one, each):
    np.testing.assert_allclose(proba(**one), proba(**each), rtol=1e-12)


@pytest.mark.parametrize(
    "extra",
    [
        {"dropout": 0.3},
        {"norm": "batch"},
        {"norm": "layer"},
        {"activation": "gelu"},
        {"activation": ["relu", "tanh"]},
        {"label_smoothing": 0.1},
        {"class_weight": "balanced"},
        {"weight_decay": 0.1},
        {"clip_norm": 1e-3, "solver": "sgd"},
        {"clip_value": 1e-3, "solver": "sgd"},
        {"ema": 0.9},
        {"init": "orthogonal"},
        {"input_scale": 2.0},
        {"learning_rate": "cosine"},
        {"loss": "binary"},
    ],
    ids=named,
)
def test_each_extra_does_something(extra):
    plain = {"solver": extra["solver"]} if "solver" in extra else {}
    assert np.abs(proba(**extra) - proba(**plain)).max() > 1e-6


def test_dropout_is_for_training_alone():
    net = classifier(dropout=0.5).fit(X, Y)
    np.testing.assert_array_equal(net.predict_proba(X), net.predict_proba(X))


def test_batch_normalization_answers_by_its_running_state():
    net = classifier(norm="batch", max_iter=30).fit(X, Y)
    one = np.concatenate([net.predict_proba(row) for row in X[:, np.newaxis]])
    np.testing.assert_allclose(one, net.predict_proba(X), rtol=1e-10)
    assert net.weights_.state.any()


@pytest.mark.parametrize("name", part_registry.ACTIVATIONS)
def test_every_activation(name):
    net = classifier(activation=name).fit(X, Y)
    assert np.isfinite(net.predict_proba(X)).all()
    assert isinstance(net.network_.layers[1], type(part_registry.make("activation", name)))


@pytest.mark.parametrize("name", part_registry.INITIALIZERS)
def test_every_initializer(name):
    text = {"constant": "constant(value=0.1)", "normal": "normal(std=0.1)"}.get(name, name)
    text = "uniform(limit=0.1)" if name == "uniform" else text
    net = classifier(init=text, learning_rate_init=1e-9).fit(X, Y)
    init = part_registry.make("init", text)
    assert net.network_.layers[0].init == init
    drawn = net.coefs_[0]
    if name == "zeros":
        assert np.abs(drawn).max() < 1e-6
    elif name == "constant":
        np.testing.assert_allclose(drawn, 0.1, atol=1e-6)
    else:
        assert drawn.std() > 0.01
    assert np.abs(net.intercepts_[0]).max() < 1e-6  # an engine's biases begin at 0


def test_the_first_weights_auto_are_within_the_bound_of_glorot_and_bengio():
    net = classifier(learning_rate_init=1e-12, activation="logistic", max_iter=1).fit(X, Y)
    for W, b in zip(net.coefs_, net.intercepts_, strict=True):
        bound = np.sqrt(2 / sum(W.shape)) + 1e-9
        assert np.abs(W).max() < bound
        assert 0 < np.abs(b).max() < bound


# --- layers of one's own choice, images ---


@pytest.mark.parametrize(("images", "shape"), [(PIXELS, (8, 6, 1)), (COLOURS, (8, 6, 3))])
def test_convolutions_on_images_as_they_are(images, shape):
    net = classifier(layers=["conv4", "maxpool", "conv3x3/2", 5], norm="batch", dropout=0.1)
    net.fit(images, Y)
    assert net.network_.layers[0] == nn.Reshape(shape)
    assert kinds(net) == [
        *("Reshape", "Conv2D", "BatchNorm", "ReLU", "Dropout", "MaxPool2D"),
        *("Conv2D", "BatchNorm", "ReLU", "Dropout", "Flatten"),
        *("Dense", "BatchNorm", "ReLU", "Dropout", "Dense"),
    ]
    assert net.n_features_in_ == np.prod(shape)
    flat = images.reshape(60, -1)
    np.testing.assert_array_equal(net.predict_proba(images), net.predict_proba(flat))
    assert net.network_.dtype == "float32"


def test_images_of_another_shape_are_refused():
    net = classifier(layers=["conv4"]).fit(COLOURS, Y)
    turned = COLOURS.transpose(0, 3, 1, 2)
    for use in (
        net.predict,
        lambda X: net.fit(COLOURS, Y, X_val=X, y_val=Y),
        lambda X: net.partial_fit(X, Y),
    ):
        with pytest.raises(
            ValueError, match=r"images must have the shape \(8, 6, 3\).*\(3, 8, 6\)"
        ):
            use(turned)


def test_layer_objects_stand_as_they_are_with_their_own_initializers():
    mine = [nn.Dense(6, init=nn.Constant(0.5)), nn.Residual((nn.Dense(6), nn.SiLU())), 4]
    net = classifier(layers=mine, learning_rate_init=1e-12).fit(X, Y)
    assert net.network_.layers[:2] == tuple(mine[:2])
    np.testing.assert_allclose(net.coefs_[0], 0.5, atol=1e-9)
    assert kinds(net) == ["Dense", "Residual", "Dense", "ReLU", "Dense"]
    conv = classifier(layers=[nn.Reshape((8, 6, 1)), nn.Conv2D(3), nn.ReLU()]).fit(PIXELS, Y)
    assert kinds(conv) == ["Reshape", "Conv2D", "ReLU", "Flatten", "Dense"]


def test_no_hidden_layers_are_a_linear_model():
    net = classifier(layers=[]).fit(X, Y)
    logits = X @ net.coefs_[0] + net.intercepts_[0]
    e = np.exp(logits)
    np.testing.assert_allclose(net.predict_proba(X), e / e.sum(axis=1, keepdims=True))


# --- solvers, schedules, losses ---


@pytest.mark.parametrize("name", part_registry.OPTIMIZERS)
def test_every_solver_by_name_and_as_an_object(name):
    long = {"max_iter": 60, "learning_rate_init": 0.02, "batch_size": 20}
    net = classifier(solver=name, **long).fit(X, Y)
    assert net.loss_ < 0.99 * net.loss_curve_[0]
    given = {"momentum": 0.9} if name in ("momentum", "nesterov") else {}
    made = part_registry.make("optimizer", name, **given)
    if name not in ("sgd", "adam", "lbfgs"):  # those are scikit-learn's
        same = classifier(solver=made, **long).fit(X, Y)
        np.testing.assert_array_equal(weights(net), weights(same))
    assert hasattr(net, "partial_fit") == (name != "lbfgs")


@pytest.mark.parametrize("name", part_registry.SCHEDULES)
def test_every_schedule_by_name_object_and_function(name):
    made = part_registry.make("schedule", name)
    asked = []

    def own(t):
        asked.append(t)
        return made(t)

    with warnings.catch_warnings():
        if name == "constant":  # scikit-learn's, which has no end of its own
            warnings.simplefilter("ignore", ConvergenceWarning)
        else:
            warnings.simplefilter("error", ConvergenceWarning)
        net = classifier(learning_rate=name).fit(X, Y)
    found = [net, *(classifier(learning_rate=rate).fit(X, Y) for rate in (made, own))]
    for one, other in pairwise(found):
        np.testing.assert_array_equal(weights(one), weights(other))
    assert min(asked) >= 0
    assert max(asked) <= 1
    assert net.learning_rate_ == pytest.approx(1e-3 * made(1.0))


def test_the_rate_of_each_epoch_is_told_with_the_schedules_factor():
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
    parts_of.partial_fit(X, Y)  # beyond its end, the rate stays as it is there
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
def test_every_loss_for_numbers(name, outputs):
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


def test_no_weight_decay_is_the_solvers_own():
    own = proba(solver="adamw")
    assert np.array_equal(own, proba(solver="adamw", weight_decay=optim.AdamW().weight_decay))
    assert not np.array_equal(own, proba(solver="adamw", weight_decay=0.0))


@pytest.mark.parametrize("clip", [{"clip_norm": 1e-3}, {"clip_value": 1e-4}])
def test_clipping_bounds_each_step(clip):
    net = classifier(solver="gd", learning_rate_init=1.0, batch_size=60, max_iter=2, **clip)
    ways = [weights(net) for _ in net.fit_iter(X, Y)]
    step = ways[1] - ways[0]
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


# --- the average ---


def by_hand(norm, decay=0.8, epochs=3):
    """The average of the weights along the way, from epochs of one step."""
    net = classifier(norm=norm, batch_size=60, max_iter=epochs)
    way = [weights(net) for _ in net.fit_iter(X, Y)]
    start = classifier(norm=norm, batch_size=60, max_iter=1, learning_rate_init=1e-300)
    average = weights(start.fit(X, Y))
    for step, theta in enumerate(way):
        d = min(decay, (1 + step) / (10 + step))
        average += (1 - d) * (theta - average)
    return average


@pytest.mark.parametrize("norm", [None, "layer", "batch"])
def test_the_average_of_the_weights_answers(norm):
    net = classifier(norm=norm, ema=0.8, batch_size=60).fit(X, Y)
    np.testing.assert_allclose(weights(net), by_hand(norm), rtol=1e-10, atol=1e-13)
    if norm == "batch":  # the running state is that of the averaged weights
        fresh = net.weights_.copy()
        rows = Rows(X, dtype="float64")
        recompute_state(net.network_, fresh, rows, rng=np.random.default_rng(1), batch_size=60)
        np.testing.assert_allclose(net.weights_.state, fresh.state, rtol=1e-4)


def test_partial_fit_goes_on_from_the_raw_weights_and_their_average():
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


def test_to_look_at_the_average_changes_nothing():
    params = {"ema": 0.8, "norm": "batch", "dropout": 0.2}
    watched = classifier(**params).fit(X, Y, X_val=X[:9], y_val=Y[:9])
    np.testing.assert_array_equal(watched.predict_proba(X), proba(**params))


# --- validation rows ---


def test_validation_rows_are_watched_and_decide_nothing():
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
def test_loss_and_score_of_each_epoch_are_scikit_learns(params, score):
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
def test_a_regressors_validation_loss_is_told_as_its_loss(loss):
    y = np.exp(X[:, :2])
    net = regressor(loss=loss, alpha=0, batch_size=60)
    for epoch in net.fit_iter(X, y, X_val=X[40:], y_val=y[40:]):
        if loss == "squared_error":
            wanted = mean_squared_error(y[40:], net.predict(X[40:])) / 2
            assert epoch.validation_loss == pytest.approx(wanted, rel=1e-9)
    again = regressor(loss=loss, alpha=0, batch_size=60).fit(X, y, X_val=X, y_val=y)
    # The same rows: the loss after an epoch of one step is the next epoch's loss before its step.
    np.testing.assert_allclose(again.validation_loss_curve_[:-1], again.loss_curve_[1:], rtol=1e-9)


def test_early_stopping_by_rows_of_ones_own_takes_none_from_the_others():
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
def test_the_best_epoch_stands_also_after_a_break(scoring):
    net = classifier(early_stopping=True, learning_rate_init=0.3, scoring=scoring, max_iter=30)
    kept = []
    for epoch in net.fit_iter(X, Y):
        kept.append(weights(net))
        if epoch.epoch == 8:
            break
    best = int(np.argmax(net.validation_scores_))
    np.testing.assert_array_equal(weights(net), kept[best])
    assert net.n_iter_ == 8


def test_a_scorer_without_row_weights_goes_unweighted():
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


def test_validation_rows_may_be_data_frames_and_must_fit():
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
def test_fit_iter_is_fit_in_the_end(params):
    stepped = classifier(max_iter=15, **params)
    epochs = list(stepped.fit_iter(X, Y))
    whole = classifier(max_iter=15, **params).fit(X, Y)
    np.testing.assert_array_equal(weights(stepped), weights(whole))
    assert stepped.loss_curve_ == whole.loss_curve_ == [epoch.loss for epoch in epochs]
    assert stepped.n_iter_ == whole.n_iter_ == len(epochs)


def test_the_estimator_answers_between_epochs_and_after_a_break():
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
    np.testing.assert_array_equal(weights(net), old)  # nothing happens before it is asked
    iterator.close()
    np.testing.assert_array_equal(weights(net), old)


# --- pixels and frames ---


def test_pixels_stay_uint8_in_memory():
    images = np.random.default_rng(1).integers(0, 256, (12_000, 784), dtype=np.uint8)
    labels = np.arange(12_000) % 2
    net = MLPClassifier((2,), max_iter=1, random_state=0)
    net.fit(images[:300], labels[:300])  # what is imported is there
    for use in (lambda: net.fit(images, labels), lambda: net.predict_proba(images)):
        tracemalloc.start()
        try:
            use()
            assert tracemalloc.get_traced_memory()[1] < images.nbytes  # float32 would be 4 times
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize("kind", [np.asarray, csr_matrix, pd.DataFrame, pl.DataFrame])
def test_pixels_are_scaled_whatever_they_come_in(kind):
    flat = PIXELS.reshape(60, -1)
    net = classifier().fit(kind(flat), Y)
    wanted = classifier(input_scale=1 / 255).fit(flat, Y)
    np.testing.assert_allclose(net.predict_proba(kind(flat)), wanted.predict_proba(flat), rtol=1e-5)
    by_hand = classifier().fit((flat / 255).astype("f4"), Y)
    np.testing.assert_allclose(weights(net), weights(by_hand), rtol=1e-4, atol=1e-5)
    assert net.network_.dtype == "float32"


def test_the_same_pixels_as_floats_give_the_same_answers():
    flat = PIXELS.reshape(60, -1)
    net = classifier().fit(flat, Y)
    for dtype in (np.float64, np.float32, np.int64):
        np.testing.assert_array_equal(
            net.predict_proba(flat.astype(dtype)), net.predict_proba(flat)
        )


@pytest.mark.parametrize(("top", "scale"), [(1, 1), (127, 1), (128, 1 / 255), (255, 1 / 255)])
def test_small_uint8_numbers_are_no_pixels(top, scale):
    flat = np.minimum(PIXELS.reshape(60, -1), top)
    assert flat.max() == top
    net = classifier().fit(flat, Y)
    same = classifier(input_scale=scale).fit(flat, Y)
    np.testing.assert_array_equal(net.predict_proba(flat), same.predict_proba(flat))
    other = classifier(input_scale=0.5).fit(flat, Y)
    assert not np.array_equal(net.predict_proba(flat), other.predict_proba(flat))


def test_a_scale_of_ones_own_is_for_any_numbers():
    np.testing.assert_allclose(
        proba(input_scale=0.25), classifier().fit(X / 4, Y).predict_proba(X / 4), rtol=1e-12
    )


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_frames_keep_their_floats(frame, dtype):
    columns = {name: X[:, i].astype(dtype) for i, name in enumerate("abcde")}
    net = classifier().fit(frame(columns), Y)
    assert net.network_.dtype == net.predict_proba(frame(columns)).dtype == dtype
    assert net.feature_names_in_.tolist() == list("abcde")
    plain = classifier().fit(X.astype(dtype), Y)
    np.testing.assert_array_equal(
        net.predict_proba(frame(columns)), plain.predict_proba(X.astype(dtype))
    )


def test_missing_values_in_a_frame_of_pixels_are_refused():
    frame = pl.DataFrame({"a": [1, None, 255] * 20, "b": [1, 2, 3] * 20}, schema_overrides={
        "a": pl.UInt8, "b": pl.UInt8
    })  # fmt: skip
    with pytest.raises(ValueError, match="NaN"):
        classifier().fit(frame, Y)


# --- what is shown on the way ---


def test_verbose_prints_a_line_for_each_epoch(capsys):
    net = classifier(verbose=2, early_stopping=True).fit(X, Y)
    lines = capsys.readouterr().out.splitlines()
    wanted = []
    for i, (loss, score) in enumerate(zip(net.loss_curve_, net.validation_scores_, strict=True)):
        wanted += [f"Iteration {i + 1}, loss = {loss:.8f}", f"Validation score: {score:f}"]
    assert lines == wanted
    classifier(verbose=True, tol=1, n_iter_no_change=1, max_iter=9).fit(X, Y)
    assert (
        "did not improve more than tol=1.000000 for 1 consecutive epochs. Stopping."
        in (capsys.readouterr().out.splitlines()[-1])
    )
    classifier().fit(X, Y)
    assert capsys.readouterr().out == ""


class Terminal(rich.console.Console):
    """A console that takes its text for a terminal's."""

    text: io.StringIO

    def __init__(self):
        super().__init__(file=Terminal.text, force_terminal=True, width=100)


def test_a_bar_on_a_terminal(monkeypatch, capsys):
    Terminal.text = io.StringIO()
    monkeypatch.setattr(rich.console, "Console", Terminal)
    net = classifier(verbose=True, early_stopping=True, max_iter=4).fit(X, Y)
    shown = Terminal.text.getvalue()
    assert "4/4" in shown
    assert f"loss {net.loss_:.4f}   validation {net.validation_scores_[-1]:.4f}" in shown
    assert capsys.readouterr().out == ""  # no lines beside it
    classifier(verbose=1, tol=1, n_iter_no_change=1, max_iter=9).fit(X, Y)
    assert "Stopping." in Terminal.text.getvalue()
    classifier(verbose=2).fit(X, Y)
    assert "Iteration 3" in capsys.readouterr().out


def test_the_bar_is_taken_down_when_a_fit_fails(monkeypatch):
    Terminal.text = io.StringIO()
    monkeypatch.setattr(rich.console, "Console", Terminal)

    def failing(t):
        if t > 0.5:
            raise RuntimeError
        return 1.0

    with pytest.raises(RuntimeError):
        classifier(verbose=True, learning_rate=failing).fit(X, Y)
    assert Terminal.text.getvalue().endswith("\x1b[?25h")  # the cursor is back


# --- interruptions and accidents ---


def interrupting(at):
    def rate(t):
        if t > at:
            raise KeyboardInterrupt
        return 1.0

    return rate


def test_what_was_trained_stays_after_ctrl_c():
    net = classifier(learning_rate=interrupting(0.6), max_iter=10)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        net.fit(X, Y)
    assert net.n_iter_ == 6
    assert net.score(X, Y) > 0
    kept = classifier(learning_rate=interrupting(0.6), max_iter=10, early_stopping=True)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        kept.fit(X, Y)
    assert kept.best_validation_score_ == max(kept.validation_scores_)
    net.set_params(learning_rate=interrupting(0.05))
    before = weights(net)
    with pytest.raises(KeyboardInterrupt):  # not an epoch: as it was
        net.fit(X, Y)
    np.testing.assert_array_equal(weights(net), before)


OVERFLOWS = pytest.mark.filterwarnings("ignore:(overflow|invalid value):RuntimeWarning")


@OVERFLOWS
def test_a_training_that_diverges_is_an_error_and_nothing_changes():
    net = regressor().fit(X, Z)
    before = weights(net)
    text = "Solver produced non-finite parameter weights. The input data may contain large values"
    net.set_params(solver="sgd", learning_rate_init=1e200, max_iter=20)
    with pytest.raises(ValueError, match=text):
        net.fit(X, Z)
    np.testing.assert_array_equal(weights(net), before)
    with pytest.raises(ValueError, match=text):
        list(regressor(solver="sgd", learning_rate_init=1e200, max_iter=20).fit_iter(X, Z))


@OVERFLOWS
@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_a_diverging_partial_fit_leaves_nothing_behind(ema):
    net = regressor(ema=ema, solver="sgd").partial_fit(X, Z)
    before, curve = weights(net), list(net.loss_curve_)
    with pytest.raises(ValueError, match="non-finite"):  # after some of its steps
        net.partial_fit(X, Z * 1e153)
    np.testing.assert_array_equal(weights(net), before)
    assert net.loss_curve_ == curve
    for _ in range(3):
        net.partial_fit(X, Z)
    assert np.isfinite(weights(net)).all()
    assert len(net.loss_curve_) == len(curve) + 3


def explode(t):
    return 1.0 if t < 0.5 else 1e200


@OVERFLOWS
def test_with_early_stopping_the_best_epoch_before_it_diverged_is_kept():
    params = {"solver": "sgd", "early_stopping": True, "max_iter": 20, "learning_rate": explode}
    net = regressor(**params)
    with pytest.warns(ConvergenceWarning, match="diverged, and the best epoch before is kept"):
        net.fit(X, Z)
    assert np.isfinite(net.predict(X)).all()
    assert np.isnan(net.loss_curve_[-1])
    assert net.n_iter_ == len(net.loss_curve_) == len(net.validation_scores_) <= 20
    assert net.best_validation_score_ == np.nanmax(net.validation_scores_)
    stepped = regressor(**params)
    with pytest.warns(ConvergenceWarning, match="diverged"):
        epochs = list(stepped.fit_iter(X, Z))
    assert np.isnan(epochs[-1].loss)
    np.testing.assert_array_equal(weights(stepped), weights(net))


def test_the_score_of_huge_answers_is_minus_infinity():
    steep = nn.Constant(600 / np.abs(X).sum(axis=1).max())
    params = {"layers": [], "init": steep, "learning_rate_init": 1e-307}
    net = regressor(loss="poisson", early_stopping=True, solver="gd", **params)
    net.fit(np.abs(X), np.abs(Z))
    assert 1e160 < net.predict(np.abs(X)).max() < 1e308
    assert net.validation_scores_ == [-np.inf] * 3


def test_scores_that_are_no_numbers_are_no_gain():
    scoring = iter([1.0, *[float("nan")] * 50])
    net = classifier(
        scoring=lambda *_: next(scoring), early_stopping=True, max_iter=40, n_iter_no_change=3
    ).fit(X, Y)
    assert net.n_iter_ == 5
    assert net.best_validation_score_ == 1


# --- the same numbers again ---


@pytest.mark.parametrize(
    "params",
    [{"dropout": 0.3, "norm": "batch", "ema": 0.9}, {"early_stopping": True}, {"solver": "muon"}],
    ids=named,
)
def test_the_same_random_state_makes_the_same_bits(params):
    nets = joblib.Parallel(n_jobs=2, prefer="threads")(
        joblib.delayed(classifier(**params).fit)(X, Y) for _ in range(2)
    )
    here = classifier(**params).fit(X, Y)
    for net in nets:
        np.testing.assert_array_equal(weights(net), weights(here))
    other = classifier(**params).set_params(random_state=1).fit(X, Y)
    assert not np.array_equal(weights(other), weights(here))


# --- mistakes ---

IMAGES = "needs images"
MISTAKES = [
    ({"activation": "rleu"}, "activation must be one of 'logistic', .*Did you mean 'relu'"),
    ({"activation": "logistc"}, "Did you mean 'logistic'"),
    ({"activation": 5}, "activation must be a name, or an object such as .*; got 5"),
    ({"activation": nn.ReLU}, "activation must be a name, or an object"),
    ({"activation": nn.HeNormal()}, "activation must be a name, or an object"),
    ({"activation": ["relu"]}, "activation must be .* a list of 2.*got 1"),
    ({"activation": ["relu", None]}, "activation must be a name.*got None"),
    ({"activation": "leaky_relu(slop=1)"}, "Did you mean 'slope'"),
    ({"norm": "bacth"}, "norm must be one of 'batch', 'layer'.*Did you mean 'batch'"),
    ({"norm": 5}, "norm must be a name"),
    ({"norm": ["batch"] * 3}, "norm must be .* a list of 2.*got 3"),
    ({"dropout": 1}, r"'dropout' parameter .*\[0\.0, 1\.0\).*Got 1 "),
    ({"dropout": [0.1]}, "dropout must be .* a list of 2.*got 1"),
    ({"dropout": [0.1, 1.0]}, "dropout must be at least 0 and below 1; got 1.0"),
    ({"dropout": [0.1, "a"]}, "dropout must be at least 0 and below 1; got 'a'"),
    ({"init": "he_norml"}, "init must be one of 'auto', .*Did you mean 'he_normal'"),
    ({"init": None}, "init must be a name, or an object such as .*got None"),
    ({"init": nn.HeNormal}, "init must be a name"),
    ({"solver": "adm"}, "solver must be one of .*'adam'.*Did you mean 'adam'"),
    ({"solver": "adam(beta=1)"}, "solver adam .*Did you mean 'beta"),
    ({"solver": 5}, "solver must be a name, or an object such as"),
    ({"solver": optim.Adam}, "solver must be a name, or an object"),
    ({"solver": optim.LBFGS}, "solver must be a name, or an object"),
    ({"solver": optim.Lion(), "weight_decay": 0.1}, "weight_decay goes with the name of a solver"),
    ({"solver": "lbfgs", "dropout": 0.1}, "solver='lbfgs': .*Dropout"),
    ({"solver": "lbfgs", "norm": "batch"}, "solver='lbfgs': .*BatchNorm"),
    ({"solver": "lbfgs", "clip_norm": 1}, "solver='lbfgs' goes without clip_norm"),
    ({"solver": "lbfgs", "weight_decay": 1}, "solver='lbfgs' goes without weight_decay"),
    ({"solver": optim.LBFGS(), "ema": 0.5}, "goes without ema"),
    ({"learning_rate": "cosin"}, "learning_rate must be one of .*Did you mean 'cosine'"),
    ({"learning_rate": "adaptve"}, "Did you mean 'adaptive'"),
    ({"learning_rate": 0.1}, "learning_rate must be a name, or an object.*got 0.1"),
    ({"learning_rate": optim.Cosine}, "learning_rate must be a name"),
    ({"learning_rate": lambda t: "fast"}, "learning_rate must be a function.*gives 'fast'"),
    ({"loss": "log_los"}, "loss must be one of 'log_loss', .*Did you mean 'log_loss'"),
    ({"loss": None}, "loss must be a name"),
    ({"loss": nn.SoftmaxCrossEntropy}, "loss must be a name"),
    ({"loss": "squared", "label_smoothing": 0.1}, "label_smoothing goes with .*got 'squared'"),
    ({"loss": nn.BinaryCrossEntropy(), "label_smoothing": 0.1}, "label_smoothing goes with"),
    ({"layers": ["conv3"]}, IMAGES),
    ({"layers": [8, "maxpool"]}, IMAGES),
    ({"layers": ["cnv3"]}, "layers must be .*got 'cnv3'"),
    ({"layers": [0]}, "layers must be .*got '0'"),
    ({"layers": [True]}, "layers must hold .*got True"),
    ({"layers": [nn.Dense]}, "layers must hold"),
    ({"layers": "conv3"}, "'layers' parameter"),
    ({"layers": [nn.Conv2D(3)]}, r"layer 0 \(Conv2D\)"),
    ({"class_weight": "balancd"}, "'class_weight' parameter .*'balanced'"),
    ({"class_weight": {"cat": "a"}}, "class_weight must hold finite numbers.*got 'a' for 'cat'"),
    ({"class_weight": {"cat": -1, "dog": 1, "emu": 1}}, "class_weight must hold .*got -1 for"),
    ({"label_smoothing": 1}, "'label_smoothing' parameter"),
    ({"weight_decay": -1}, "'weight_decay' parameter"),
    ({"clip_norm": 0}, "'clip_norm' parameter"),
    ({"clip_value": -1}, "'clip_value' parameter"),
    ({"ema": 1.0}, "'ema' parameter"),
    ({"scoring": "acuracy"}, "scoring must be 'loss', .*Did you mean 'accuracy'"),
    ({"scoring": 5}, "'scoring' parameter"),
    ({"scoring": lambda *_: "high", "early_stopping": True}, "scoring must give a number.*'high'"),
    ({"input_scale": 0}, "'input_scale' parameter"),
    ({"input_scale": "255"}, "'input_scale' parameter"),
]


@pytest.mark.parametrize(("params", "message"), MISTAKES, ids=named)
def test_each_mistake_is_one_line_that_names_the_parameter(params, message):
    net = classifier(**params)
    for use in (net.fit, lambda X, Y: next(net.fit_iter(X, Y))):
        with pytest.raises(ValueError, match=message) as caught:
            use(X, Y)
        assert "\n" not in str(caught.value)
    assert not net.__sklearn_is_fitted__()


@pytest.mark.parametrize("loss", ["softmax", "binary", "log_loss", nn.SoftmaxCrossEntropy()])
def test_losses_for_labels_are_not_for_numbers(loss):
    with pytest.raises(ValueError, match=r"loss must be one for numbers.*MLPClassifier"):
        regressor(loss=loss).fit(X, Z)


def test_softmax_is_not_for_several_labels_a_row():
    several = (X[:, :3] > 0).astype(int)
    with pytest.raises(ValueError, match="loss='softmax' gives each row one label"):
        classifier(loss="softmax").fit(X, several)
    for loss in ("log_loss", "squared", "huber"):
        p = classifier(loss=loss, max_iter=30).fit(X, several).predict_proba(X)
        assert 0 <= p.min() < p.max() <= 1


def test_partial_fit_says_what_it_cannot_do():
    for params, message in (
        ({"class_weight": "balanced"}, "class_weight='balanced' is not supported for partial_fit"),
        ({"early_stopping": True}, "partial_fit does not support early_stopping"),
    ):
        with pytest.raises(ValueError, match=message):
            classifier(**params).partial_fit(X, Y, classes=np.unique(Y))


def test_negative_counts_are_not_for_poisson():
    with pytest.raises(ValueError, match="Poisson expects counts"):
        regressor(loss="poisson").fit(X, Z)


# --- all together ---

EXTRAS = {
    "activation": st.sampled_from(["relu", "gelu", "prelu", ["silu", "tanh"], nn.SELU()]),
    "norm": st.sampled_from([None, "batch", "layer", ["batch", None]]),
    "dropout": st.sampled_from([0.0, 0.4, [0.2, 0.0]]),
    "init": st.sampled_from(["auto", "he_normal", "orthogonal"]),
    "solver": st.sampled_from(["adam", "sgd", "lion", "muon", "adamw", optim.RMSProp()]),
    "learning_rate": st.sampled_from(["constant", "adaptive", "invscaling", "one_cycle", "step"]),
    "clip_norm": st.sampled_from([None, 0.5]),
    "clip_value": st.sampled_from([None, 0.1]),
    "ema": st.sampled_from([0.0, 0.9]),
    "early_stopping": st.booleans(),
    "shuffle": st.booleans(),
    "scoring": st.sampled_from([None, "loss"]),
    "batch_size": st.sampled_from(["auto", 1, 7]),
    "input_scale": st.sampled_from(["auto", 0.01]),
    "dtype": st.sampled_from(["float32", "float64", "uint8"]),
    "frame": st.sampled_from([np.asarray, pd.DataFrame, csr_matrix]),
}
ONE = st.fixed_dictionaries(EXTRAS)
TINY = np.random.default_rng(3).normal(size=(20, 4))


def data(dtype, frame):
    rows = np.abs(TINY * 90).astype(dtype) if dtype == "uint8" else TINY.astype(dtype)
    out = "float64" if dtype == "float64" else "float32"
    return frame(rows), out


@settings(max_examples=25)
@given(ONE, st.sampled_from(["two", "three", "several"]), st.floats(0, 0.5), st.booleans())
def test_any_extras_together_make_a_classifier(params, target, smoothing, balanced):
    rows, dtype = data(params.pop("dtype"), params.pop("frame"))
    y = {
        "two": TINY[:, 0] > 0,
        "three": np.repeat(["a", "b", "c"], [8, 6, 6]),
        "several": (TINY[:, :2] > 0).astype(int),
    }[target]
    params["class_weight"] = "balanced" if balanced else None
    net = classifier(**(params | {"max_iter": 2, "label_smoothing": smoothing})).fit(rows, y)
    p = net.predict_proba(rows)
    assert p.dtype == net.weights_.theta.dtype == dtype
    assert np.isfinite(p).all()
    assert (p >= 0).all()
    assert net.predict(rows).shape == y.shape
    assert np.isfinite(net.loss_curve_).all()
    if target != "several":
        np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)


@settings(max_examples=20)
@given(ONE, st.sampled_from(["squared_error", "huber", "absolute_error"]), st.sampled_from([1, 3]))
def test_any_extras_together_make_a_regressor(params, loss, outputs):
    rows, dtype = data(params.pop("dtype"), params.pop("frame"))
    y = np.abs(TINY[:, 0] if outputs == 1 else TINY[:, :outputs])
    net = regressor(loss=loss, **(params | {"max_iter": 2})).fit(rows, y)
    answers = net.predict(rows)
    assert answers.dtype == dtype
    assert answers.shape == y.shape
    assert np.isfinite(answers).all()
