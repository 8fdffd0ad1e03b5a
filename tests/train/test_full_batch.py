"""The full-batch loss, and training by a minimizer."""

from __future__ import annotations

import tracemalloc
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graduel.nn import (
    BatchNorm,
    BinaryCrossEntropy,
    Call,
    Dense,
    Dropout,
    Network,
    ReLU,
    Residual,
    SoftmaxCrossEntropy,
    SquaredError,
    Tanh,
)
from graduel.optim import LBFGS, Iteration
from graduel.train import DivergedError, Epoch, FullBatch, Rows

NET = Network((Dense(6), Tanh(), Dense(3)), (4,), dtype="float64")


def problem(n=57, seed=0, dtype="float64"):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 9, size=(n, 4)).astype(np.uint8)
    return Rows(X, 1 / 4, dtype), np.argmax(X[:, :3], axis=1)


def make(net=NET, n=57, **options):
    rows, y = problem(n, dtype=net.dtype)
    return FullBatch(net, rows, y, **{"rng": np.random.default_rng(1), **options})


def whole(fit, theta):
    """Return loss and gradient of one pass over all rows, with the penalty computed here."""
    weights = fit.weights.copy()
    weights.theta[...] = theta
    ws, rows = fit.network.workspace(weights), fit.rows
    x = rows.block(0, len(rows))
    loss = fit.network.loss_and_gradient(x, fit.y, ws, Call(train=True), fit.weight)
    gradient = ws.gradient.copy()
    for entry in fit.network.layout.entries:
        if entry.role == "weight":
            W = entry.view(theta)
            loss += fit.weight_decay / 2 * (W**2).sum()
            entry.view(gradient)[...] += fit.weight_decay * W
    return loss, gradient


@given(
    st.integers(1, 70),
    st.integers(1, 100),
    st.sampled_from([0.0, 0.3]),
    st.sampled_from(["none", "random", "zeros"]),
    st.sampled_from([SoftmaxCrossEntropy(), SquaredError(), BinaryCrossEntropy()]),
)
def test_the_sum_over_chunks_equals_one_pass(n, chunk, decay, kind, loss):
    rng = np.random.default_rng(n)
    rows, y = problem(n)
    if not isinstance(loss, SoftmaxCrossEntropy):
        y = rng.integers(2, size=(n, 3)).astype(float)
    weight = {"none": None, "random": rng.random(n), "zeros": 1.0 * (np.arange(n) % 7 == 0)}[kind]
    net = Network(NET.layers, (4,), loss, "float64")
    fit = FullBatch(net, rows, y, rng=rng, weight=weight, weight_decay=decay, chunk=chunk)
    for theta in (fit.weights.theta, rng.normal(size=net.layout.size)):
        before = theta.copy()
        value, gradient = fit.objective(theta)
        expected, slope = whole(fit, theta)
        assert value == pytest.approx(expected, rel=1e-12)
        np.testing.assert_allclose(gradient, slope, rtol=1e-9, atol=1e-13)
        np.testing.assert_array_equal(theta, before)


def test_an_evaluation_at_another_point_leaves_the_weights_unchanged():
    fit = make()
    here = fit.objective(fit.weights.theta)[0]
    before = fit.weights.theta.copy()
    assert fit.objective(before * 2)[0] != here
    np.testing.assert_array_equal(fit.weights.theta, before)


def test_the_gradient_equals_the_numerical_derivative():
    fit = make(weight_decay=0.1, chunk=20, weight=np.linspace(0, 1, 57))
    theta, rng = fit.weights.theta.copy(), np.random.default_rng(3)
    direction = rng.normal(size=len(theta))
    slope = fit.objective(theta)[1] @ direction
    high, low = (fit.objective(theta + h * direction)[0] for h in (1e-6, -1e-6))
    assert slope == pytest.approx((high - low) / 2e-6, rel=1e-6)


def test_a_linear_network_equals_scikit_learns_logistic_regression():
    from sklearn.linear_model import LogisticRegression

    rows, y = problem(200)
    X, decay = rows.block(0, 200), 0.01
    weight = np.random.default_rng(0).random(200)
    reference = LogisticRegression(C=1 / (decay * weight.sum()), tol=1e-10, max_iter=1000)
    reference.fit(X, y, sample_weight=weight)
    net = Network((Dense(3),), (4,), dtype="float64")
    fit = FullBatch(
        net, rows, y, weight=weight, weight_decay=decay, rng=np.random.default_rng(0), chunk=64,
        minimizer=LBFGS(tolerance=1e-9), steps=500,
    )  # fmt: skip
    weights = fit.fit()
    assert fit.last.gradient < 1e-7
    np.testing.assert_allclose(net.predict(X, weights), reference.predict_proba(X), atol=1e-6)
    np.testing.assert_allclose(net.layout["0.W"].view(weights.theta), reference.coef_.T, atol=1e-5)


def test_the_loss_gets_as_low_as_with_scipys_lbfgs():
    from scipy.optimize import minimize

    fit = make(weight_decay=0.01, steps=1000)
    start = fit.weights.theta.copy()
    best = minimize(
        lambda theta: tuple(np.copy(part) for part in fit.objective(theta)), start, jac=True,
        method="L-BFGS-B", options={"maxiter": 1000, "gtol": 1e-6},
    )  # fmt: skip
    epochs = list(fit.fit_iter())
    assert epochs[-1].loss == pytest.approx(best.fun, rel=0.05)
    assert epochs[-1].loss < 0.5 * fit.objective(start)[0]


def test_losses_decrease_and_progress_ends_at_1():
    fit = make(steps=30)
    epochs = list(fit.fit_iter())
    assert all(isinstance(epoch, Epoch) for epoch in epochs)
    losses = [epoch.loss for epoch in epochs]
    assert losses == sorted(losses, reverse=True)
    assert [epoch.epoch for epoch in epochs] == list(range(1, 31))
    assert [epoch.t for epoch in epochs] == pytest.approx([i / 30 for i in range(1, 31)])
    assert fit.last.end == "out of steps"
    assert fit.last.evaluations >= 30
    assert fit.objective(fit.weights.theta)[0] == pytest.approx(losses[-1])


def test_progress_is_1_after_early_convergence():
    fit = make(weight_decay=1.0, steps=500)
    *_, last = fit.fit_iter()
    assert fit.last.end == "converged"
    assert last.epoch < 500
    assert last.t == 1
    again = list(fit.fit_iter())  # already converged
    assert [(epoch.epoch, epoch.t) for epoch in again] == [(0, 1.0)]


def test_break_leaves_the_weights_at_the_accepted_point():
    fit = make(steps=30)
    for epoch in fit.fit_iter():
        if epoch.epoch == 3:
            break
    assert fit.objective(fit.weights.theta)[0] == pytest.approx(epoch.loss, rel=1e-12)
    assert next(fit.fit_iter()).loss < epoch.loss  # it continues from there


def test_float32_training_works_and_is_reproducible():
    net = Network((Dense(8), ReLU(), Dense(3)), (4,))
    first, second = (make(net, 300, steps=60, chunk=100).fit() for _ in range(2))
    assert first.theta.dtype == np.float32
    np.testing.assert_array_equal(first.theta, second.theta)
    rows, y = problem(300, dtype="float32")
    p = net.predict(rows.X, first, rows=rows.block)
    assert np.mean(p.argmax(axis=1) == y) > 0.95


def test_an_evaluation_allocates_less_than_rows_or_theta():
    net = Network((Dense(300), ReLU(), Dense(10)), (200,))
    rng = np.random.default_rng(0)
    rows = Rows(rng.integers(0, 9, size=(1100, 200)).astype(np.uint8))
    fit = FullBatch(net, rows, rng.integers(10, size=1100), rng=rng, weight_decay=0.1, chunk=500)
    fit.objective(fit.weights.theta)
    tracemalloc.start()
    fit.objective(fit.weights.theta)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60_000  # a chunk of rows is 400,000 bytes, θ 250,000


def test_rows_are_never_changed():
    fit = make(chunk=10)
    before = fit.rows.X.copy()
    fit.objective(fit.weights.theta)
    np.testing.assert_array_equal(fit.rows.X, before)


@dataclass(frozen=True, slots=True)
class Descent:
    """A custom minimizer, which evaluates the loss at new arrays."""

    rate: float = 0.5

    def minimize(self, f, theta, steps):
        for step in range(1, steps + 1):
            trial = theta - self.rate * f(theta)[1]
            loss, gradient = f(trial)
            theta[...] = trial
            yield Iteration(step, loss, float(abs(gradient).max()), 2 * step)


def test_a_custom_minimizer_works():
    fit = make(minimizer=Descent(), steps=40, weight_decay=0.001)
    losses = [epoch.loss for epoch in fit.fit_iter()]
    assert losses[-1] < 0.6 * losses[0]
    assert losses[-1] == pytest.approx(fit.objective(fit.weights.theta)[0])


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ((Dense(3), Dropout(0.5)), r"layer 1 \(Dropout\) draws random numbers in training"),
        ((Dropout(lambda t: t), Dense(3)), r"layer 0 \(Dropout\) draws random"),
        ((BatchNorm(), Dense(3)), r"layer 0 \(BatchNorm\) mixes the rows of a batch"),
        (
            (Dense(3), Residual((Dense(3), Residual((Dropout(0.0), BatchNorm()))))),
            r"layer 1.1.1 \(BatchNorm\) mixes the rows .* Leave it out, or train by mini-batches",
        ),
        ((Residual((Dropout(0.0), Dropout(0.1))), Dense(3)), r"layer 0.1 \(Dropout\) draws"),
    ],
)
def test_layers_that_are_random_or_mix_rows_raise(layers, message):
    with pytest.raises(ValueError, match=message):
        make(Network(layers, (4,), dtype="float64"))


def test_dropout_of_rate_0_is_accepted():
    layers = (Dense(6), Residual((Dense(6), Dropout(0.0))), Dropout(0.0), Dense(3))
    fit = make(Network(layers, (4,), dtype="float64"), steps=3)
    assert len(list(fit.fit_iter())) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "steps must be positive; got 0"),
        ({"chunk": -1}, "chunk must be positive; got -1"),
        ({"weight_decay": -1}, "weight_decay must be at least 0; got -1"),
        ({"weight_decay": np.nan}, "weight_decay must be at least 0; got nan"),
        ({"rng": None}, "pass rng=… or weights=…"),
        ({"weight": np.ones(3)}, r"weight must be 57 finite numbers.*got shape \(3,\)"),
        ({"weight": -np.ones(57)}, r"of at least 0.*minimum -1\.0"),
        ({"weight": np.full(57, np.nan)}, "57 finite numbers"),
        ({"weight": np.zeros(57)}, "sum above 0; all are 0"),
    ],
)
def test_invalid_numbers_raise(options, message):
    with pytest.raises(ValueError, match=message):
        make(**options)


def test_sizes_that_do_not_match_raise():
    rows, y = problem()
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"expects rows of shape \(5,\); got .*\(4,\)"):
        FullBatch(Network((Dense(2),), (5,), dtype="float64"), rows, y, rng=rng)
    with pytest.raises(ValueError, match="the same length"):
        FullBatch(NET, rows, y[:-1], rng=rng)
    with pytest.raises(ValueError, match=r"rows must be float32.*got float64"):
        FullBatch(Network((Dense(3),), (4,)), rows, y, rng=rng)


def test_a_non_finite_initial_loss_raises():
    rows = Rows(np.full((5, 4), np.inf), dtype="float64")
    fit = FullBatch(NET, rows, np.zeros(5, int), rng=np.random.default_rng(0))
    with pytest.raises(DivergedError, match=r"the loss is (nan|inf) after 0 steps.*Scale the rows"):
        fit.fit()
