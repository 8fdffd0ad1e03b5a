"""EMA of the weights, and the state recomputed for it."""

from __future__ import annotations

import tracemalloc
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from graduel.nn import BatchNorm, Dense, Dropout, Network, Plan, ReLU, Residual, Spec, Weights
from graduel.optim import chunking
from graduel.train import Fit, Rows, WeightAverage, recompute_state

PLAIN = Network((Dense(8), ReLU(), Dense(2)), (5,))
NORMED = Network((Dense(6), BatchNorm(), ReLU(), Residual((Dense(6), BatchNorm())), Dense(2)), (5,))


def problem(n=200, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(2.0, 3.0, size=(n, 5)).astype("float32")
    return Rows(X), (X[:, 0] > 2).astype(int)


def naive(thetas, decay, warm):
    """Average a list of θ's by the formula, in float64."""
    average = thetas[0].astype(float)
    for step, theta in enumerate(thetas[1:]):
        d = min(decay, (1 + step) / (10 + step)) if warm else decay
        average = d * average + (1 - d) * theta
    return average


@pytest.mark.parametrize("warm", [True, False])
@pytest.mark.parametrize("chunk", [chunking.CHUNK, 7, 1])
@given(
    thetas=hnp.arrays(np.float64, (30, 17), elements=st.floats(-1e4, 1e4)),
    decay=st.floats(0, 1, exclude_max=True),
)
def test_update_follows_the_formula(thetas, decay, warm, chunk):
    weights = Weights(thetas[0].copy(), np.zeros(0))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunking, "CHUNK", chunk)
        average = WeightAverage(weights, decay, warm=warm)
        for theta in thetas[1:]:
            weights.theta[...] = theta
            average.update()
            np.testing.assert_array_equal(weights.theta, theta)
    np.testing.assert_allclose(average.theta, naive(thetas, decay, warm), rtol=1e-9, atol=1e-7)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_update_preserves_dtype_and_allocates_almost_nothing(dtype):
    weights = Weights(np.ones(300_000, dtype), np.zeros(0, dtype))
    average = WeightAverage(weights)
    average.update()
    tracemalloc.start()
    average.update()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000
    assert average.theta.dtype == dtype


def test_averaging_over_training_steps_gives_weights_that_predict():
    rows, y = problem()
    fit = Fit(PLAIN, rows, y, rng=np.random.default_rng(1), epochs=20, batch_size=20, lr=0.01)
    average, seen = WeightAverage(fit.weights, decay=0.98), [fit.weights.theta.copy()]
    for _ in fit.fit_steps():
        average.update()
        seen.append(fit.weights.theta.copy())
    np.testing.assert_allclose(average.theta, naive(seen, 0.98, warm=True), atol=1e-5)
    weights = average.weights(PLAIN)
    assert not np.shares_memory(weights.theta, average.theta)
    assert np.mean(PLAIN.predict(rows.X, weights).argmax(axis=1) == y) > 0.9


def trained(seed=1, network=NORMED):
    rows, y = problem()
    fit = Fit(network, rows, y, rng=np.random.default_rng(seed), epochs=8, batch_size=20, lr=0.01)
    average = WeightAverage(fit.weights, decay=0.9)
    for _ in fit.fit_steps():
        average.update()
    return rows, fit, average


def test_the_state_belongs_to_the_averaged_weights():
    rows, fit, average = trained()
    live = fit.weights.state.copy()
    weights = average.weights(
        NORMED, rows, rng=np.random.default_rng(0), batch_size=50, batches=400
    )
    np.testing.assert_array_equal(weights.theta, average.theta)
    np.testing.assert_array_equal(fit.weights.state, live)  # the weights in training are unchanged
    # The first normalization's inputs do not depend on the batch: mean and variance are known.
    net = NORMED
    W, b = (net.layout[name].view(weights.theta) for name in ("0.W", "0.b"))
    inputs = rows.X @ W + b
    mean, var = (net.state_layout[name].view(weights.state) for name in ("1.mean", "1.var"))
    np.testing.assert_allclose(mean, inputs.mean(axis=0), rtol=0.02, atol=0.02)
    np.testing.assert_allclose(var, inputs.var(axis=0, ddof=1), rtol=0.05)


def test_recompute_state_forgets_the_old_state_and_has_little_noise():
    rows, fit, _ = trained()
    ends = []
    for seed in range(6):
        weights = fit.weights.copy()
        weights.state[...] = 50.0  # far off
        recompute_state(NORMED, weights, rows, rng=np.random.default_rng(seed), batch_size=20)
        ends.append(weights.state)
    assert np.max(np.abs(ends[0])) < 40
    noise = np.std(ends, axis=0) / (np.abs(np.mean(ends, axis=0)) + 1)
    assert noise.max() < 0.06


def test_full_batches_give_the_exact_mean_and_variance():
    rows, _ = problem()
    net = Network(NORMED.layers[:2], (5,))
    weights = net.init(np.random.default_rng(0))
    recompute_state(net, weights, rows, rng=np.random.default_rng(0), batch_size=999, batches=600)
    inputs = rows.X.astype(float) @ net.layout["0.W"].view(weights.theta)
    mean, var = net.state_layout.entries
    np.testing.assert_allclose(mean.view(weights.state), inputs.mean(axis=0), atol=1e-4)
    np.testing.assert_allclose(var.view(weights.state), inputs.var(axis=0, ddof=1), rtol=1e-4)


@dataclass(frozen=True, slots=True)
class Counter:
    """Layer whose state records the rows of the last batch and the number of calls."""

    row_wise: ClassVar[bool] = True
    deterministic: ClassVar[bool] = True
    smooth: ClassVar[bool] = True

    def plan(self, shape):
        return Plan(shape, state={"last": Spec((1,)), "calls": Spec((1,))})

    def forward(self, x, w, call):
        assert call.train
        assert call.t == 1
        w.s.last[...] = len(x)
        w.s.calls += 1
        return x

    def backward(self, dy, w, call, *, need_dx=True):
        return dy


@pytest.mark.parametrize(("batches", "mean"), [(2, 2), (3, 2.5), (10, 8), (25, 19)])
def test_the_state_is_the_mean_over_the_second_half_of_batches(batches, mean):
    rows, _ = problem(n=70)
    net = Network((Counter(),), (5,))
    weights = net.init(np.random.default_rng(0))
    theta = weights.theta
    recompute_state(
        net, weights, rows, rng=np.random.default_rng(0), batch_size=32, batches=batches
    )
    np.testing.assert_allclose(weights.state, [32, mean])  # never the short batch of 6
    assert weights.theta is theta


def test_dropout_is_active_while_the_state_is_recomputed():
    rows, _ = problem()
    net = Network((Dropout(0.5), BatchNorm()), (5,))
    weights = net.init(np.random.default_rng(0))
    recompute_state(net, weights, rows, rng=np.random.default_rng(0), batch_size=100)
    var = net.state_layout["1.var"].view(weights.state)
    expected = 2 * (rows.X.astype(float) ** 2).mean(axis=0) - rows.X.mean(axis=0) ** 2
    np.testing.assert_allclose(var, expected, rtol=0.1)


def test_the_same_seed_gives_the_same_state_and_no_state_draws_nothing():
    rows, _, average = trained()
    first, second = (
        average.weights(NORMED, rows, rng=np.random.default_rng(3), batches=20) for _ in range(2)
    )
    np.testing.assert_array_equal(first.state, second.state)
    weights, rng = PLAIN.init(np.random.default_rng(0)), np.random.default_rng(0)
    recompute_state(PLAIN, weights, rows, rng=rng)
    assert rng.bit_generator.state == np.random.default_rng(0).bit_generator.state


def test_invalid_arguments_raise():
    rows, _, average = trained()
    with pytest.raises(ValueError, match="decay must be at least 0 and below 1; got 1"):
        WeightAverage(average.weights(NORMED, rows, rng=np.random.default_rng(0)), decay=1)
    with pytest.raises(ValueError, match=r"state of this network \(1.mean, …\).*pass the training"):
        average.weights(NORMED)
    for options in ({"batches": 1}, {"batch_size": 0}):
        with pytest.raises(ValueError, match="expected at least 2 batches"):
            average.weights(NORMED, rows, rng=np.random.default_rng(0), **options)
