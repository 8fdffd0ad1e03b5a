"""Mini-batches and the training loop."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graduel.nn import Dense, Dropout, Network, ReLU
from graduel.nn.workspace import Call
from graduel.optim import SGD, AdamW, ClipNorm, WarmUp
from graduel.train import DivergedError, Fit, Rows
from graduel.train.loop.batches import iter_batches


def problem(n=300, seed=0, dtype=np.uint8):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 256, size=(n, 12)).astype(dtype)
    return Rows(X, 1 / 255), (X[:, 0] > X[:, 1]).astype(np.uint8)


NET = Network((Dense(16), ReLU(), Dropout(0.1), Dense(2)), (12,))
PLAIN = Network((Dense(16), ReLU(), Dense(2)), (12,))


def make(seed=0, network=NET, **options):
    rows, y = problem()
    return Fit(network, rows, y, rng=np.random.default_rng(seed), **{"lr": 1e-2, **options})


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(1, 50), st.sampled_from([np.uint8, np.float64, np.int16]))
def test_an_epoch_contains_every_row_once(n, size, dtype):
    X = np.arange(3 * n).reshape(n, 3).astype(dtype)
    rows, order = Rows(X, 0.5), np.random.default_rng(0).permutation(n)
    seen = []
    for x, index in iter_batches(rows, size, order):
        assert 1 <= len(x) <= size
        assert x.dtype == np.float32
        np.testing.assert_array_equal(x, (X[index] * 0.5).astype(np.float32))
        seen += list(index)
    np.testing.assert_array_equal(seen, order)
    np.testing.assert_array_equal(rows.block(0, n), (X * 0.5).astype(np.float32))


def test_every_epoch_shuffles_all_rows_anew():
    fit = make()
    first, second = fit.order(), fit.order()
    assert sorted(first) == sorted(second) == list(range(300))
    assert list(first) != list(second)


def naive_step(fit, index):
    """Return loss and θ after one gradient descent step with row weights and penalty."""
    network, weights, a = fit.network, fit.weights.copy(), fit.penalty
    ws, x = network.workspace(weights), fit.rows.block(0, len(fit.rows))[index]
    w = np.ones(len(index)) if fit.weight is None else fit.weight[index]
    loss = network.loss_and_gradient(x, fit.y[index], ws, Call(train=True), w)
    W = network.layout.roles["weight"]
    loss += a / 2 * np.sum(weights.theta[W] ** 2) / w.sum()
    ws.gradient[W] += a * weights.theta[W] / w.sum()
    return loss, weights.theta - fit.lr * ws.gradient


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("penalty", [0.0, 3.0])
@pytest.mark.parametrize("rule", [SGD(), ClipNorm(SGD(), 1e9)], ids=["own", "wrapped"])
def test_row_weights_and_penalty_follow_the_formula(weighted, penalty, rule):
    weight = np.random.default_rng(1).integers(0, 4, 300) if weighted else None
    options = {"weight": weight, "penalty": penalty, "optimizer": rule, "lr": 0.3}
    fit = make(network=PLAIN, batch_size=128, epochs=2, **options)
    order = np.random.default_rng(2).permutation(300)
    fit.order = lambda: order
    steps = fit.fit_steps()
    for start in (0, 128, 256):
        loss, theta = naive_step(fit, order[start : start + 128])
        assert next(steps).loss == pytest.approx(loss, rel=1e-5)
        np.testing.assert_allclose(fit.weights.theta, theta, rtol=1e-5, atol=1e-6)


def test_a_batch_of_weight_zero_changes_nothing():
    weight = np.zeros(300)
    weight[-1] = 1
    fit = make(weight=weight, penalty=1.0, optimizer=SGD(), batch_size=50)
    fit.order = lambda: np.arange(300)
    before, step = fit.weights.theta.copy(), next(fit.fit_steps())
    assert step.loss == 0
    np.testing.assert_array_equal(fit.weights.theta, before)


def test_a_fit_continues_from_an_optimizer_state():
    whole = make(network=PLAIN, epochs=2, batch_size=128)
    orders = [np.random.default_rng(i).permutation(300) for i in range(2)]
    whole.order = iter(orders).__next__
    whole.fit()
    first = make(network=PLAIN, epochs=1, batch_size=128)
    first.order = lambda: orders[0]
    first.fit()
    state = {"weights": first.weights, "optimizer_state": first.optimizer_state}
    second = make(network=PLAIN, epochs=1, batch_size=128, **state)
    second.order = lambda: orders[1]
    np.testing.assert_array_equal(second.fit().theta, whole.weights.theta)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"penalty": -1.0}, "penalty must be at least 0; got -1"),
        ({"weight": np.ones(3)}, "weight must be 300 finite numbers"),
        ({"weight": np.full(300, -1.0)}, "of at least 0"),
        ({"weight": np.zeros(300)}, "all are 0"),
    ],
)
def test_invalid_row_weights_and_penalty_raise(options, message):
    with pytest.raises(ValueError, match=message):
        make(**options)


def test_steps_and_epochs_report_the_progress():
    fit = make(epochs=3, batch_size=128)
    steps = list(fit.fit_steps())
    assert [s.step for s in steps] == list(range(1, 10))
    assert [s.n for s in steps] == [128, 128, 44] * 3
    assert [s.epoch for s in steps] == [1] * 3 + [2] * 3 + [3] * 3
    assert steps[-1].t == 1
    again = make(epochs=3, batch_size=128)
    epochs = list(again.fit_iter())
    assert [e.epoch for e in epochs] == [1, 2, 3]
    first = steps[:3]
    assert epochs[0].loss == pytest.approx(sum(s.loss * s.n for s in first) / 300)


@pytest.mark.parametrize("optimizer", [SGD(momentum=0.9), AdamW()], ids=repr)
def test_training_reduces_the_loss(optimizer):
    fit = make(epochs=40, batch_size=32, optimizer=optimizer, lr=0.02, schedule=WarmUp())
    losses = [epoch.loss for epoch in fit.fit_iter()]
    assert losses[-1] < 0.4 * losses[0]
    rows, y = problem(seed=1)
    X = rows.block(0, len(rows))
    assert np.mean(NET.predict(X, fit.weights).argmax(axis=1) == y) > 0.85


def test_the_same_seed_gives_the_same_bits_and_another_does_not():
    first, second, other = (make(seed, epochs=2).fit() for seed in (5, 5, 6))
    np.testing.assert_array_equal(first.theta, second.theta)
    assert (first.theta != other.theta).any()


def test_break_stops_and_rows_are_unchanged():
    rows, y = problem()
    before = rows.X.copy()
    fit = Fit(NET, rows, y, rng=np.random.default_rng(0))
    for step in fit.fit_steps():
        if step.step == 2:
            break
    assert fit.step == 2
    with pytest.raises(RuntimeError, match="this fit has already started"):
        fit.fit()
    np.testing.assert_array_equal(rows.X, before)


def test_a_single_step_changes_the_weights():
    rows, y = problem()
    ends = [
        Fit(
            NET,
            rows,
            y,
            rng=np.random.default_rng(0),
            lr=lr,
            schedule=WarmUp(),
            epochs=1,
            batch_size=999,
        )
        .fit()
        .theta
        for lr in (1e-3, 1e-2)
    ]
    assert (ends[0] != ends[1]).all()


def test_a_network_can_be_replaced_during_training():
    fit = make(epochs=2)
    for step in fit.fit_steps():
        if step.step == 2:
            layers = (Dense(16), ReLU(), Dropout(0.6), Dense(2))
            fit.network = replace(fit.network, layers=layers)
    assert fit.network.layers[2] == Dropout(0.6)
    other = Network((Dense(8), ReLU(), Dense(2)), (12,))
    with pytest.raises(ValueError, match="only by one of equal layout"):
        fit.network = other


def test_a_step_allocates_less_than_a_batch_or_theta():
    net = Network((Dense(256), ReLU(), Dropout(0.2), Dense(128), ReLU(), Dense(10)), (784,))
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, size=(128 * 70, 784), dtype=np.uint8)
    fit = Fit(net, Rows(X, 1 / 255), rng.integers(10, size=len(X)), rng=rng, epochs=1)
    steps = fit.fit_steps()
    for _ in range(3):
        next(steps)
    tracemalloc.start()
    for _ in range(3):
        next(steps)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 128 * 128 * 4  # the smallest hidden batch; θ is 15 times as large
    list(steps)  # past a flush of the moments


def test_a_non_finite_loss_raises_with_a_remedy():
    rows, y = problem()
    fit = Fit(NET, rows, y, rng=np.random.default_rng(0), optimizer=SGD(), lr=1e30)
    with (
        np.errstate(all="ignore"),
        pytest.raises(
            DivergedError,
            match=r"at step \d+ of .*in layer \d.*lower the learning rate",
        ),
    ):
        fit.fit()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lr": 0}, "lr must be positive; got 0"),
        ({"epochs": -1}, "epochs must be positive; got -1"),
        ({"batch_size": 0}, "batch_size must be positive; got 0"),
    ],
)
def test_numbers_that_are_not_positive_raise(options, message):
    with pytest.raises(ValueError, match=message):
        make(**options)


def test_sizes_that_do_not_match_raise():
    rows, y = problem()
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"expects rows of shape \(5,\); got .*\(12,\)"):
        Fit(Network((Dense(2),), (5,)), rows, y, rng=rng)
    with pytest.raises(ValueError, match="the same length"):
        Fit(NET, rows, y[:-1], rng=rng)
    with pytest.raises(ValueError, match=r"rows must be float64.*got float32"):
        Fit(replace(NET, dtype="float64"), rows, y, rng=rng)
    with pytest.raises(ValueError, match="rows must have shape"):
        Rows(np.zeros((3, 4, 5)))
