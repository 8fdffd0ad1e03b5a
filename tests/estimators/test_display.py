"""Plots, summary, HTML and docstrings of the estimators."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from graduel import MLPClassifier, MLPRegressor, TabularMLPClassifier, nn

mpl.use("Agg")
from matplotlib import pyplot as plt

RNG = np.random.default_rng(13)
X = RNG.normal(size=(60, 5))
CODES = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0.3)
IMAGES = RNG.integers(0, 256, size=(60, 8, 6), dtype=np.uint8)
COLORS = RNG.integers(0, 256, size=(60, 8, 6, 3), dtype=np.uint8)

pytestmark = pytest.mark.filterwarnings(
    "ignore:Stochastic Optimizer. Maximum iterations:sklearn.exceptions.ConvergenceWarning"
)


@pytest.fixture(autouse=True)
def closed():
    """Draw every figure (warnings are errors) and close it."""
    yield
    for number in plt.get_fignums():
        plt.figure(number).canvas.draw()
    plt.close("all")


def classifier(**params):
    params = {"hidden_layer_sizes": (6, 4), "max_iter": 5, "random_state": 0} | params
    return MLPClassifier(**params)


def lines(ax):
    return {line.get_label(): line.get_xydata() for line in ax.get_lines()}


# --- training ---


def test_only_losses_are_plotted_without_validation_rows():
    net = classifier().fit(X, CODES)
    ax = net.plot_training()
    assert ax.figure.axes == [ax]
    (curve,) = ax.get_lines()
    np.testing.assert_array_equal(curve.get_xydata()[:, 0], np.arange(1, 6))
    np.testing.assert_array_equal(curve.get_ydata(), net.loss_curve_)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch", "loss")


@pytest.mark.parametrize(
    ("scoring", "label"),
    [
        (None, "validation accuracy"),
        ("neg_log_loss", "validation neg_log_loss"),
        ("loss", "validation −loss"),
        (lambda *_: 0.5, "validation score"),
    ],
)
def test_validation_losses_and_scores_are_plotted(scoring, label):
    net = classifier(scoring=scoring).fit(X, CODES, X_val=X[:9], y_val=CODES[:9])
    ax = net.plot_training()
    above, below = ax.figure.axes
    assert above is ax
    np.testing.assert_array_equal(lines(above)["validation"][:, 1], net.validation_loss_curve_)
    np.testing.assert_array_equal(lines(above)["training"][:, 1], net.loss_curve_)
    assert [text.get_text() for text in above.get_legend().get_texts()] == [
        "training",
        "validation",
    ]
    np.testing.assert_array_equal(below.get_lines()[0].get_ydata(), net.validation_scores_)
    assert below.get_ylabel() == label
    assert below.get_xlabel() == "epoch"
    best = int(np.argmax(net.validation_scores_))
    title = f"best: {net.validation_scores_[best]:.4g} at epoch {best + 1}"
    assert below.get_title(loc="right") == title


def test_the_score_of_a_regressor_is_named():
    net = MLPRegressor(max_iter=5, random_state=0).fit(X, X[:, 0], X_val=X, y_val=X[:, 0])
    assert net.plot_training().figure.axes[1].get_ylabel() == "validation R²"


def test_given_axes_get_only_the_losses():
    _, mine = plt.subplots(1, 2)
    net = classifier(early_stopping=True).fit(X, CODES)
    assert net.plot_training(ax=mine[0]) is mine[0]
    assert set(lines(mine[0])) == {"training", "validation"}
    assert not mine[1].lines
    assert plt.get_fignums() == [1]


@pytest.mark.parametrize("change", ["one epoch", "no numbers", "warm", "infinite"])
def test_curves_of_every_kind_are_drawn(change):
    net = classifier(early_stopping=True, warm_start=True).fit(X, CODES)
    if change == "one epoch":
        net.set_params(max_iter=1, warm_start=False).fit(X, CODES)
    elif change == "warm":
        first = classifier(warm_start=True).fit(X, CODES)
        net = first.fit(X, CODES, X_val=X, y_val=CODES)
        curve = lines(net.plot_training())["validation"]
        np.testing.assert_array_equal(curve[:, 0], np.arange(6, 11))
    elif change == "no numbers":
        net.validation_scores_[:] = [np.nan] * 5
    else:
        net.loss_curve_[-1] = net.validation_loss_curve_[-1] = np.nan
        net.validation_scores_[-1] = -np.inf
    net.plot_training()


# --- weights ---


def test_pixels_are_drawn_as_images_each_on_its_own_scale():
    net = classifier(hidden_layer_sizes=(12,)).fit(IMAGES, CODES)
    figure = net.plot_weights()
    shown = [ax for ax in figure.axes if ax.images]
    assert len(shown) == 12
    for i, ax in enumerate(shown):
        drawn = ax.images[0]
        np.testing.assert_array_equal(drawn.get_array(), net.coefs_[0][:, i].reshape(8, 6))
        low, high = drawn.get_clim()
        assert high == -low == np.abs(net.coefs_[0][:, i]).max()
    assert len({ax.images[0].get_cmap().name for ax in shown}) == 1
    assert "12 units" in figure.get_suptitle()
    assert "5 of 12 units" in net.plot_weights(max_units=5).get_suptitle()


def test_channels_are_averaged_and_square_inputs_taken_for_images():
    net = classifier().fit(COLORS, CODES)
    drawn = net.plot_weights().axes[0].images[0].get_array()
    mean = net.coefs_[0][:, 0].reshape(8, 6, 3).mean(axis=2)
    np.testing.assert_allclose(drawn, mean, rtol=1e-6)
    square = classifier().fit(np.tile(X, 5), CODES)
    assert square.plot_weights().axes[0].images[0].get_array().shape == (5, 5)


def test_kernels_of_a_convolution():
    net = classifier(layers=["conv7", "conv5x1", 4]).fit(COLORS, CODES)
    figure = net.plot_weights()
    W = net.coefs_[0]
    assert W.shape == (3, 3, 3, 7)
    for i, ax in enumerate(ax for ax in figure.axes if ax.images):
        kernel = W[:, :, :, i].mean(axis=2)
        np.testing.assert_allclose(ax.images[0].get_array(), kernel, rtol=1e-6)
    (table, *_) = net.plot_weights(1).axes
    assert table.images[0].get_array().shape == (7, 5)
    assert (table.get_xlabel(), table.get_ylabel()) == ("unit", "input")


def test_named_features_and_deep_layers_are_tables():
    names = ["age", "income (€ / year)", "a very long name of a feature", "$x_1$", "<b>&"]
    net = classifier().fit(pd.DataFrame(X, columns=names), CODES)
    (table, bar) = net.plot_weights().axes
    np.testing.assert_array_equal(table.images[0].get_array(), net.coefs_[0])
    assert [text.get_text() for text in table.get_yticklabels()] == [
        "age",
        "income (€ / year)",
        "a very long name of a feature",
        r"\$x_1\$",  # not a formula
        "<b>&",
    ]
    assert bar.get_ylabel() == "weight"
    (deep, _) = net.plot_weights(-1).axes
    assert deep.images[0].get_array().shape == (4, 3)
    assert deep.get_ylabel() == "input"
    np.testing.assert_array_equal(deep.images[0].get_array(), net.coefs_[2])


@pytest.mark.parametrize("units", [1, 3, 300])
def test_tables_of_any_size(units):
    net = classifier(hidden_layer_sizes=(units,)).fit(np.tile(X, 11), CODES)
    net.plot_weights()
    net.plot_weights(1)
    net.coefs_[0][...] = 0  # all weights are 0
    net.plot_weights()


@pytest.mark.parametrize("layer", [3, -4, 99])
def test_an_invalid_layer_raises(layer):
    with pytest.raises(ValueError, match=f"layer must be from 0 to 2, .* got {layer}"):
        classifier().fit(X, CODES).plot_weights(layer)


@pytest.mark.parametrize("max_units", [0, -1])
def test_fewer_than_one_unit_raises(max_units):
    with pytest.raises(ValueError, match=f"max_units must be at least 1; got {max_units}"):
        classifier().fit(IMAGES, CODES).plot_weights(max_units=max_units)


# --- summary ---


def test_the_summary():
    net = classifier(norm="batch", early_stopping=True).fit(X, CODES)
    first, *table, last = net.summary().splitlines()
    assert first == (
        f"MLPClassifier: 5 features to 3 classes, {net.weights_.theta.size:,} parameters, float64"
    )
    assert any("BatchNorm" in line for line in table)
    assert last == (
        f"{net.n_iter_} epochs, loss {net.loss_:.4g}, "
        f"best validation score {net.best_validation_score_:.4g}"
    )
    one = classifier(max_iter=1).fit(X[:, :1], CODES > 0)
    assert "1 feature to 2 classes" in one.summary()
    assert one.summary().splitlines()[-1].startswith("1 epoch, loss")
    several = classifier(layers=["conv2"]).fit(IMAGES, np.stack([CODES > 0, CODES > 1], 1) * 1)
    assert "images of 8 × 6 × 1 to 2 labels" in several.summary()
    assert "to 1 number," in MLPRegressor(max_iter=1).fit(X, X[:, 0]).summary()
    assert "to 2 numbers," in MLPRegressor(max_iter=1).fit(X, X[:, :2]).summary()


def test_the_summary_counts_iterations_of_minimizers():
    net = classifier(solver="lbfgs", max_iter=999, alpha=1.0).fit(X, CODES)
    assert f"{net.n_iter_} iterations, loss" in net.summary()


def test_summary_and_plots_before_fit_raise():
    net = MLPClassifier()
    for show in (net.summary, net.plot_training, net.plot_weights):
        with pytest.raises(NotFittedError):
            show()
    assert not plt.get_fignums()


# --- HTML ---


class Tags(HTMLParser):
    """Parser that checks that tags are closed in order, and collects tags and text."""

    OPEN = ("input", "line", "circle", "path", "meta", "br", "rect", "img", "link")

    def __init__(self, html):
        super().__init__()
        self.stack, self.tags, self.words, self.kinds = [], [], [], []
        self.feed(html)
        assert not self.stack

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in self.OPEN:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if tag not in self.OPEN:
            assert self.stack.pop() == tag

    def handle_data(self, data):
        if not self.stack or self.stack[-1] not in ("style", "script"):
            self.words.append(data)

    @property
    def text(self):
        return " ".join(self.words)


def drawing(net):
    html = net._repr_html_()
    at = html.index('<div class="graduel-network"')
    return Tags(html[at:])


def test_the_html_of_a_fitted_network_draws_it():
    page = drawing(classifier(hidden_layer_sizes=(6, 200)).fit(X, CODES))
    tags = [tag for tag, _ in page.tags]
    assert tags.count("circle") == 5 + 6 + 7 + 3
    assert tags.count("line") == 5 * 6 + 6 * 7 + 7 * 3
    assert [word for word in page.words if word in ("input", "hidden", "output")] == [
        "input",
        "hidden",
        "hidden",
        "output",
    ]
    assert {"5", "6", "200", "3"} <= set(page.words)
    svg = next(attributes for tag, attributes in page.tags if tag == "svg")
    assert svg["role"] == "img"
    assert svg["aria-label"] == "Network from 5 features to 3 classes"
    assert "MLPClassifier: 5 features to 3 classes" in page.text
    assert {"details", "summary", "pre"} <= set(tags)


def test_only_fitted_networks_are_drawn():
    assert "graduel-network" not in MLPClassifier()._repr_html_()
    Tags(MLPClassifier()._repr_html_())


@pytest.mark.parametrize(
    "net",
    [
        lambda: classifier(layers=["conv4", "maxpool", 3], norm="batch").fit(IMAGES, CODES),
        lambda: classifier(layers=[]).fit(X, CODES),
        lambda: classifier(layers=[nn.Residual((nn.Dense(5), nn.ReLU()))]).fit(X, CODES),
        lambda: classifier(hidden_layer_sizes=(3,) * 9).fit(X, CODES > 0),
        lambda: MLPRegressor(max_iter=2).fit(X, X[:, 0]),
    ],
)
def test_every_network_has_a_drawing(net):
    page = drawing(net())
    assert page.words[0].startswith("Network from")
    centers = [(float(a["cx"]), float(a["cy"])) for tag, a in page.tags if tag == "circle"]
    assert len(set(centers)) == len(centers)
    svg = next(a for tag, a in page.tags if tag == "svg")
    for x, y in centers:
        assert 0 < x < float(svg["width"])
        assert 0 < y < float(svg["height"])


def test_convolutions_are_drawn():
    page = drawing(classifier(layers=["conv4", "maxpool", 3]).fit(IMAGES, CODES))
    at = page.words.index("input")
    assert page.words[at - 1 : at + 7] == [  # units, then the kind of layer
        "48",
        "input",
        "4",
        "channels",
        "3",
        "hidden",
        "3",
        "output",
    ]


NASTY = '<script>alert("1")</script>\'&amp;'


def test_nasty_names_and_labels_are_escaped():
    frame = pd.DataFrame(X, columns=[NASTY, *"abcd"])
    net = classifier(activation=["relu", Custom()]).fit(frame, np.array(["a", NASTY, "c"])[CODES])
    html = net._repr_html_()
    assert "<script>alert" not in html
    assert "<img src" not in html
    drawing(net)


class Custom(nn.Identity):
    """A custom layer whose text contains HTML."""

    def __repr__(self):
        return "Custom<img src=x>"


def test_the_html_of_a_pipeline_is_valid():
    pipe = make_pipeline(StandardScaler(), classifier())
    before = pipe._repr_html_()
    after = pipe.fit(X, CODES)._repr_html_()
    for html in (before, after):
        Tags(html)
        assert "MLPClassifier" in html
    assert "5 features to 3 classes" not in before


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor, TabularMLPClassifier])
def test_the_docstring_describes_every_parameter(kind):
    described = re.findall(r"^ *([a-z_0-9, ]+) : ", kind.__doc__, re.MULTILINE)
    names = {name for line in described for name in line.split(", ")}
    assert set(kind().get_params()) <= names
    assert {"n_iter_", "n_features_in_"} <= names
    assert "{" not in kind.__doc__.partition("Examples")[0]
