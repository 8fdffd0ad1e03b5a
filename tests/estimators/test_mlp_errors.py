"""Errors for invalid parameters, and any parameters together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlp_cases import (
    QUIET,
    X,
    Y,
    Z,
    classifier,
    named,
    regressor,
)
from scipy.sparse import csr_matrix

from graduel import MLPClassifier, TabularMLPClassifier, nn, optim

pytestmark = QUIET


# --- errors ---

IMAGES = "needs images"
INVALID = [
    ({"activation": "rleu"}, "activation must be one of 'logistic', .*Did you mean 'relu'"),
    ({"activation": "logistc"}, "Did you mean 'logistic'"),
    ({"activation": 5}, "activation must be a name, or an object such as .*; got 5"),
    ({"activation": nn.ReLU}, "activation must be a name, or an object"),
    ({"activation": nn.HeNormal()}, "activation must be a name, or an object"),
    ({"activation": ["relu"]}, "activation must be .* a list of 2.*got a list of 1"),
    ({"activation": ["relu", None]}, "activation must be a name.*got None"),
    ({"activation": "leaky_relu(slop=1)"}, "Did you mean 'slope'"),
    ({"norm": "bacth"}, "norm must be one of 'batch', 'layer'.*Did you mean 'batch'"),
    ({"norm": 5}, "norm must be a name"),
    ({"norm": ["batch"] * 3}, "norm must be .* a list of 2.*got a list of 3"),
    ({"dropout": 1}, r"'dropout' parameter .*\[0\.0, 1\.0\).*Got 1 "),
    ({"dropout": [0.1]}, "dropout must be .* a list of 2.*got a list of 1"),
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
    ({"solver": optim.Lion(), "weight_decay": 0.1}, "weight_decay requires solver to be a name"),
    ({"solver": "lbfgs", "dropout": 0.1}, "solver='lbfgs': .*Dropout"),
    ({"solver": "lbfgs", "norm": "batch"}, "solver='lbfgs': .*BatchNorm"),
    ({"solver": "lbfgs", "clip_norm": 1}, "solver='lbfgs' does not support clip_norm"),
    ({"solver": "lbfgs", "weight_decay": 1}, "solver='lbfgs' does not support weight_decay"),
    ({"solver": optim.LBFGS(), "ema": 0.5}, "does not support ema"),
    ({"learning_rate": "cosin"}, "learning_rate must be one of .*Did you mean 'cosine'"),
    ({"learning_rate": "adaptve"}, "Did you mean 'adaptive'"),
    ({"learning_rate": 0.1}, "learning_rate must be a name, or an object.*got 0.1"),
    ({"learning_rate": optim.Cosine}, "learning_rate must be a name"),
    ({"learning_rate": lambda t: "fast"}, "learning_rate must be a function.*got 'fast'"),
    ({"loss": "log_los"}, "loss must be one of 'log_loss', .*Did you mean 'log_loss'"),
    ({"loss": None}, "loss must be a name"),
    ({"loss": nn.SoftmaxCrossEntropy}, "loss must be a name"),
    ({"loss": "squared", "label_smoothing": 0.1}, "label_smoothing requires .*got 'squared'"),
    ({"loss": nn.BinaryCrossEntropy(), "label_smoothing": 0.1}, "label_smoothing requires"),
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
    (
        {"scoring": lambda *_: "high", "early_stopping": True},
        "scoring must return a number.*'high'",
    ),
    ({"input_scale": 0}, "'input_scale' parameter"),
    ({"input_scale": "255"}, "'input_scale' parameter"),
]


@pytest.mark.parametrize(("params", "message"), INVALID, ids=named)
def test_invalid_parameters_raise_one_line_that_names_the_parameter(params, message):
    net = classifier(**params)
    for use in (net.fit, lambda X, Y: next(net.fit_iter(X, Y))):
        with pytest.raises(ValueError, match=message) as caught:
            use(X, Y)
        assert "\n" not in str(caught.value)
    assert not net.__sklearn_is_fitted__()


@pytest.mark.parametrize("loss", ["softmax", "binary", "log_loss", nn.SoftmaxCrossEntropy()])
def test_losses_for_classification_raise_in_a_regressor(loss):
    with pytest.raises(ValueError, match=r"loss must be a loss for regression.*MLPClassifier"):
        regressor(loss=loss).fit(X, Z)


def test_softmax_raises_for_several_labels_per_row():
    several = (X[:, :3] > 0).astype(int)
    with pytest.raises(ValueError, match="loss='softmax' expects one label per row"):
        classifier(loss="softmax").fit(X, several)
    for loss in ("log_loss", "squared", "huber"):
        p = classifier(loss=loss, max_iter=30).fit(X, several).predict_proba(X)
        assert 0 <= p.min() < p.max() <= 1


def test_parameters_that_partial_fit_does_not_support_raise():
    for params, message in (
        ({"class_weight": "balanced"}, "class_weight='balanced' is not supported for partial_fit"),
        ({"early_stopping": True}, "partial_fit does not support early_stopping"),
    ):
        with pytest.raises(ValueError, match=message):
            classifier(**params).partial_fit(X, Y, classes=np.unique(Y))


def test_negative_targets_raise_for_poisson():
    with pytest.raises(ValueError, match="Poisson expects counts"):
        regressor(loss="poisson").fit(X, Z)


# --- combinations ---

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
def test_any_combination_of_parameters_fits_a_classifier(params, target, smoothing, balanced):
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
def test_any_combination_of_parameters_fits_a_regressor(params, loss, outputs):
    rows, dtype = data(params.pop("dtype"), params.pop("frame"))
    y = np.abs(TINY[:, 0] if outputs == 1 else TINY[:, :outputs])
    net = regressor(loss=loss, **(params | {"max_iter": 2})).fit(rows, y)
    predictions = net.predict(rows)
    assert predictions.dtype == dtype
    assert predictions.shape == y.shape
    assert np.isfinite(predictions).all()


def test_features_and_labels_in_the_other_order():
    X, y = np.ones((6, 3)), np.array([0, 1] * 3)
    for labels in (y, pd.Series(y)):
        for kind in (MLPClassifier, TabularMLPClassifier):
            with pytest.raises(ValueError, match=r"got \(6,\) and \(6, 3\). Write fit\(X, y\)"):
                kind().fit(labels, X)


def test_a_lazy_frame_is_collected():
    X, y = np.arange(12.0).reshape(6, 2), np.array([0, 1] * 3)
    options = {"max_iter": 2, "random_state": 0, "tol": 0.0}
    one = MLPClassifier(**options).fit(pl.DataFrame(X).lazy(), y)
    other = MLPClassifier(**options).fit(pl.DataFrame(X), y)
    assert (one.predict_proba(pl.DataFrame(X).lazy()) == other.predict_proba(pl.DataFrame(X))).all()


def test_text_as_a_feature_has_a_remedy():
    frame = pd.DataFrame({"size": [1.0, 2.0], "colour": ["red", "blue"]})
    with pytest.raises(ValueError, match=r"or use graduel\.TabularMLPClassifier"):
        MLPClassifier().fit(frame, [0, 1])
