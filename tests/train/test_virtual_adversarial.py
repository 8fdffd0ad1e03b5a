"""Virtual adversarial training: the direction, the gradient, and what the loop promises."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from thread_workers import run_threads

from graduel import MLPClassifier
from graduel.errors import UserError
from graduel.nn import (
    BatchNorm,
    BinaryCrossEntropy,
    Dense,
    Dropout,
    EnsembleDense,
    EnsembleMean,
    EnsembleOutput,
    Network,
    Noise,
    ReLU,
    SoftmaxCrossEntropy,
    SquaredError,
    Tanh,
)
from graduel.nn.workspace import Call
from graduel.train import Fit, VirtualAdversarial
from graduel.train.build.network_builder import check_recipe
from graduel.train.loop.parallel import DataParallel
from graduel.train.loop.virtual_adversarial import divergence, log_probabilities
from graduel.train.recipes import NetRecipe

PLAIN = (Dense(6), Tanh(), Dense(3))
NETWORKS = {
    "plain": Network(PLAIN, (4,), dtype="float64"),
    "normalized": Network((Dense(6), BatchNorm(), Tanh(), Dense(3)), (4,), dtype="float64"),
    "random": Network(
        (Noise(0.2), Dense(8), Dropout(0.3), Tanh(), Dense(3)), (4,), dtype="float64"
    ),
    "weighted": Network(PLAIN, (4,), SoftmaxCrossEntropy(class_weight=(1, 2, 5)), "float64"),
    "binary": Network((Dense(6), Tanh(), Dense(1)), (4,), BinaryCrossEntropy(), "float64"),
    "labels": Network((Dense(6), Tanh(), Dense(2)), (4,), BinaryCrossEntropy(), "float64"),
    "ensemble": Network(
        (EnsembleDense(6, 3), Tanh(), EnsembleOutput(3, 3)), (4,), EnsembleMean(), "float64"
    ),
}


def problem(network, n=7, seed=0):
    rng = np.random.default_rng(seed)
    k = network.output_shape[-1]
    if network.loss == BinaryCrossEntropy():
        y = rng.integers(2, size=(n, k))
    else:
        y = rng.integers(k, size=n)
    return rng.normal(size=(n, 4)), y, network.init(rng)


class Fixed(VirtualAdversarial):
    """Virtual adversarial training with neighbors that a test sets."""

    given = None

    def neighbors(self, network, x, direction, log_p, ws, call):
        network.forward(x, ws, call)  # draws as often as the pass that it replaces
        return x + self.given


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("weighted", [False, True])
def test_the_gradient_is_that_of_the_loss_plus_the_divergence_of_constant_neighbors(name, weighted):
    network = NETWORKS[name]
    x, y, weights = problem(network)
    rng = np.random.default_rng(1)
    weight = rng.uniform(0.5, 2, len(x)) if weighted else None
    r, direction = rng.normal(size=x.shape), rng.normal(size=weights.theta.shape)
    vat = Fixed(weight=0.7)
    object.__setattr__(vat, "given", r)

    def call():
        return Call(train=True, rng=np.random.default_rng(5))

    ws = network.workspace(weights)
    vat.loss_and_gradient(network, x, y, ws, call(), weight)
    analytic = float(ws.gradient @ direction)
    log_p = log_probabilities(network.loss, network.forward(x, ws, call()))

    def value(step):
        moved = type(weights)(weights.theta + step * direction, weights.state.copy())
        ws = network.workspace(moved)
        loss = network.loss_and_gradient(x, y, ws, call(), weight)
        change, _ = divergence(network.loss, log_p, network.forward(x + r, ws, call()))
        w = np.ones(len(x)) if weight is None else weight
        if name == "weighted":
            w = w * np.array([1, 2, 5])[y]
        return loss + 0.7 * float(np.average(change, weights=w))

    numeric = (value(1e-6) - value(-1e-6)) / 2e-6
    assert analytic == pytest.approx(numeric, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_divergence_is_that_of_its_definition_and_its_gradient_is_right(name):
    network = NETWORKS[name]
    rng = np.random.default_rng(2)
    first, raw, direction = rng.normal(size=(3, 5, *network.output_shape))
    log_p = log_probabilities(network.loss, first)
    change, gradient = divergence(network.loss, log_p, raw)
    log_q = log_probabilities(network.loss, raw)
    distributions = (np.exp(log_p) * (log_p - log_q)).sum(axis=-1)
    one = distributions.reshape(len(raw), -1)
    expected = one.mean(axis=1) if name == "ensemble" else one.sum(axis=1)
    np.testing.assert_allclose(change, expected, rtol=1e-12)
    assert (change >= 0).all()
    ahead, back = (divergence(network.loss, log_p, raw + h * direction)[0] for h in (1e-6, -1e-6))
    np.testing.assert_allclose(
        (ahead - back) / 2e-6, (gradient * direction).reshape(len(raw), -1).sum(axis=1), rtol=1e-6
    )
    np.testing.assert_allclose(np.exp(log_q).sum(axis=-1), 1, rtol=1e-12)
    if name == "binary":
        sigma = network.loss.link(raw.copy())[:, 0]
        np.testing.assert_allclose(np.exp(log_q)[:, 0, 0], sigma, rtol=1e-12)


def test_the_direction_is_one_power_iteration_on_the_hessian():
    """For a linear softmax model the Hessian by r is W (diag p − p pᵀ) Wᵀ."""
    network = Network((Dense(3),), (4,), dtype="float64")
    x, _, weights = problem(network)
    ws, d = network.workspace(weights), np.random.default_rng(3).normal(size=x.shape)
    call = Call(train=True)
    raw = network.forward(x, ws, call).copy()
    vat = VirtualAdversarial(radius=2.0, probe=1e-5)
    moved = vat.neighbors(network, x, d, log_probabilities(network.loss, raw), ws, call)
    W = network.layout["0.W"].view(weights.theta)
    for i, p in enumerate(network.loss.link(raw)):
        g = W @ (np.diag(p) - np.outer(p, p)) @ W.T @ d[i]
        np.testing.assert_allclose(moved[i] - x[i], 2 * g / np.linalg.norm(g), rtol=1e-3)


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6), radius=st.floats(0.1, 5), n=st.integers(2, 20))
def test_neighbors_lie_at_the_radius_and_change_predictions_more_than_random_ones(seed, radius, n):
    network = NETWORKS["plain"]
    x, _, weights = problem(network, n, seed)
    ws, call = network.workspace(weights), Call(train=True)
    d = np.random.default_rng(seed).normal(size=x.shape)
    log_p = log_probabilities(network.loss, network.forward(x, ws, call))
    r = VirtualAdversarial(radius).neighbors(network, x, d, log_p, ws, call) - x
    np.testing.assert_allclose(np.linalg.norm(r, axis=1), radius, rtol=1e-9)

    def mean_change(r):
        small = x + 1e-3 * r / np.linalg.norm(r, axis=1, keepdims=True)
        return divergence(network.loss, log_p, network.forward(small, ws, call))[0].mean()

    assert mean_change(r) > mean_change(d)


def test_rows_without_a_gradient_do_not_move():
    network = NETWORKS["plain"]
    x, y, weights = problem(network)
    weights.theta[...] = 0
    ws = network.workspace(weights)
    loss = VirtualAdversarial().loss_and_gradient(
        network, x, y, ws, Call(train=True, rng=np.random.default_rng(0))
    )
    assert loss == pytest.approx(np.log(3))
    assert np.isfinite(ws.gradient).all()


def test_running_means_are_those_of_the_rows_alone():
    network = NETWORKS["normalized"]
    x, y, weights = problem(network)
    plain = weights.copy()
    network.loss_and_gradient(x, y, network.workspace(plain), Call(train=True))
    call = Call(train=True, rng=np.random.default_rng(0))
    VirtualAdversarial().loss_and_gradient(network, x, y, network.workspace(weights), call)
    np.testing.assert_array_equal(weights.state, plain.state)


@pytest.mark.parametrize("name", ["plain", "random"])
def test_a_weight_of_0_gives_the_gradient_of_the_loss(name):
    network = NETWORKS[name]
    x, y, weights = problem(network)
    ws = network.workspace(weights)
    loss = network.loss_and_gradient(x, y, ws, Call(train=True, rng=np.random.default_rng(0)))
    expected = ws.gradient.copy()
    call = Call(train=True, rng=np.random.default_rng(0))
    assert VirtualAdversarial(weight=0).loss_and_gradient(network, x, y, ws, call) == loss
    np.testing.assert_array_equal(ws.gradient, expected)


def test_a_step_allocates_no_array_of_the_size_of_its_rows():
    network = Network((Dense(32), ReLU(), Dense(3)), (784,))
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(256, 784)).astype("float32"), rng.integers(3, size=256)
    ws, call = network.workspace(network.init(rng)), Call(train=True, rng=rng)
    vat = VirtualAdversarial()
    vat.loss_and_gradient(network, x, y, ws, call)
    tracemalloc.start()
    try:
        vat.loss_and_gradient(network, x, y, ws, call)
        assert tracemalloc.get_traced_memory()[1] < x.nbytes / 4
    finally:
        tracemalloc.stop()


def test_fits_with_one_seed_are_equal_and_predictions_smoother_than_without():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4)).astype("float32")
    y = (X[:, 0] * X[:, 1] > 0).astype(int)
    network = Network((Dense(32), ReLU(), Dense(2)), (4,))

    def fit(smoothness):
        return Fit(network, X, y, rng=0, epochs=30, lr=0.01, smoothness=smoothness).fit()

    one, other, plain = fit(VirtualAdversarial(0.5)), fit(VirtualAdversarial(0.5)), fit(None)
    np.testing.assert_array_equal(one.theta, other.theta)
    ws = {name: network.workspace(w) for name, w in (("vat", one), ("plain", plain))}
    changes = {}
    for name, space in ws.items():
        call = Call(train=True, rng=np.random.default_rng(1))
        log_p = log_probabilities(network.loss, network.forward(X, space, call))
        moved = VirtualAdversarial(0.5).neighbors(
            network, X, rng.normal(size=X.shape).astype("float32"), log_p, space, call
        )
        changes[name] = divergence(network.loss, log_p, network.forward(moved, space, call))[0]
    assert changes["vat"].mean() < changes["plain"].mean() / 2


def test_workers_have_equal_weights_and_nearly_the_loss_of_one_process():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(96, 4)).astype("float32")
    y = (X[:, 0] > 0).astype(int)
    network = Network((Dense(16), BatchNorm(), ReLU(), Dense(2)), (4,))

    def work(collective):
        fit = Fit(
            network,
            X,
            y,
            rng=0,
            epochs=3,
            batch_size=32,
            smoothness=VirtualAdversarial(0.5),
            parallel=DataParallel(collective, 7),
        )
        return [epoch.loss for epoch in fit.fit_iter()], fit.weights.theta

    (losses, theta), (others, same) = run_threads(2, work)
    np.testing.assert_array_equal(theta, same)
    assert losses == others
    alone = Fit(
        network, X, y, rng=0, epochs=3, batch_size=32, smoothness=VirtualAdversarial(0.5)
    ).fit_iter()
    np.testing.assert_allclose(losses, [epoch.loss for epoch in alone], rtol=0.05)


@pytest.mark.parametrize("labels", [2, 3, "several"])
def test_an_estimator_trains_with_it(labels):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 5))
    y = (X[:, :2] > 0).astype(int) if labels == "several" else rng.integers(labels, size=120)
    model = MLPClassifier((8,), max_iter=3, learning_rate="cosine", random_state=0)
    plain, smooth = (model.set_params(vat=vat).fit(X, y).loss_ for vat in (0.0, 1.0))
    assert np.isfinite(smooth)
    assert smooth != plain


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"radius must be a positive number; got -1"):
        VirtualAdversarial(-1)
    with pytest.raises(ValueError, match="weight must be a number of at least 0; got inf"):
        VirtualAdversarial(weight=np.inf)
    with pytest.raises(UserError, match=r"vat requires loss=softmax or binary; got loss=squared"):
        check_recipe(NetRecipe(vat=1.0, loss="squared"), 4, 2, loss=SquaredError())
    with pytest.raises(UserError, match="lbfgs does not support vat"):
        check_recipe(NetRecipe(vat=1.0, dropout=0, optimizer="lbfgs"), 4, 2)
    with pytest.raises(ValueError, match="does not support vat"):
        MLPClassifier(solver="lbfgs", vat=1.0).fit(np.eye(4), [0, 1, 0, 1])
    with pytest.raises(ValueError, match="vat expects loss='log_loss'"):
        MLPClassifier(loss="squared", vat=1.0).fit(np.eye(4), [0, 1, 0, 1])

    class Columns:
        numeric, categorical, numbers = 2, (12,), (0, 1)

    with pytest.raises(UserError, match="vat moves numbers, but this table has category codes"):
        check_recipe(NetRecipe(vat=1.0), 3, 2, inputs=Columns())
