"""Layers, activations, normalization, dropout and initial weights of the estimators."""

from __future__ import annotations

import numpy as np
import pytest
from mlp_cases import (
    COLORS,
    COUNTS,
    PIXELS,
    QUIET,
    X,
    Y,
    classifier,
    kinds,
    named,
    proba,
)

from graduel import nn, optim
from graduel.train.build import part_registry

pytestmark = QUIET


# --- layers ---


def test_the_order_of_norm_activation_and_dropout_of_each_layer():
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
def test_equivalent_parameters_give_equal_predictions(one, each):
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
def test_each_extra_changes_the_predictions(extra):
    plain = {"solver": extra["solver"]} if "solver" in extra else {}
    assert np.abs(proba(**extra) - proba(**plain)).max() > 1e-6


def test_dropout_is_off_in_predictions():
    net = classifier(dropout=0.5).fit(X, Y)
    np.testing.assert_array_equal(net.predict_proba(X), net.predict_proba(X))


def test_batch_normalization_predicts_with_its_running_state():
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
    assert np.abs(net.intercepts_[0]).max() < 1e-6  # biases start at 0


def test_initial_weights_are_within_the_bound_of_glorot_and_bengio():
    net = classifier(learning_rate_init=1e-12, activation="logistic", max_iter=1).fit(X, Y)
    for W, b in zip(net.coefs_, net.intercepts_, strict=True):
        bound = np.sqrt(2 / sum(W.shape)) + 1e-9
        assert np.abs(W).max() < bound
        assert 0 < np.abs(b).max() < bound


# --- the parameter layers, images ---


@pytest.mark.parametrize(("images", "shape"), [(PIXELS, (8, 6, 1)), (COLORS, (8, 6, 3))])
def test_convolutions_on_images(images, shape):
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


def test_images_of_another_shape_raise():
    net = classifier(layers=["conv4"]).fit(COLORS, Y)
    turned = COLORS.transpose(0, 3, 1, 2)
    for use in (
        net.predict,
        lambda X: net.fit(COLORS, Y, X_val=X, y_val=Y),
        lambda X: net.partial_fit(X, Y),
    ):
        with pytest.raises(
            ValueError, match=r"images must have the shape \(8, 6, 3\).*\(3, 8, 6\)"
        ):
            use(turned)


def test_layer_objects_are_used_unchanged():
    mine = [nn.Dense(6, init=nn.Constant(0.5)), nn.Residual((nn.Dense(6), nn.SiLU())), 4]
    net = classifier(layers=mine, learning_rate_init=1e-12).fit(X, Y)
    assert net.network_.layers[:2] == tuple(mine[:2])
    np.testing.assert_allclose(net.coefs_[0], 0.5, atol=1e-9)
    assert kinds(net) == ["Dense", "Residual", "Dense", "ReLU", "Dense"]
    conv = classifier(layers=[nn.Reshape((8, 6, 1)), nn.Conv2D(3), nn.ReLU()]).fit(PIXELS, Y)
    assert kinds(conv) == ["Reshape", "Conv2D", "ReLU", "Flatten", "Dense"]


def test_no_hidden_layers_give_a_linear_model():
    net = classifier(layers=[]).fit(X, Y)
    logits = X @ net.coefs_[0] + net.intercepts_[0]
    e = np.exp(logits)
    np.testing.assert_allclose(net.predict_proba(X), e / e.sum(axis=1, keepdims=True))
