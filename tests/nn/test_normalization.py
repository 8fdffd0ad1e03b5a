"""Normalization of rows and images against the formula."""

from __future__ import annotations

import json
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from graduel.nn import (
    INFERENCE,
    BatchNorm,
    Call,
    Dense,
    Flatten,
    LayerNorm,
    Network,
    check_coordinates,
    check_gradients,
    check_poison,
)
from graduel.nn.layers import channel_ops

BOTH = [BatchNorm(), LayerNorm(eps=0.1)]


def made(layer, shape, dtype="float64", seed=0):
    """Return a network of the layer, random weights and a workspace."""
    rng = np.random.default_rng(seed)
    net = Network((layer,), shape, dtype=dtype)
    weights = net.init(rng)
    weights.theta += rng.normal(0, 0.3, size=weights.theta.shape).astype(dtype)
    return net, weights, net.workspace(weights)


def step(layer, x, dy, dtype="float64"):
    """Return y, dx, gradient and state of one step, as copies."""
    net, weights, ws = made(layer, x.shape[1:], dtype)
    call = Call(train=True)
    y = net.forward(x, ws, call).copy()
    assert y.flags.c_contiguous
    dx = layer.backward(dy, ws.scopes[0], call)
    return y, dx.copy(), ws.gradient.copy(), weights.state.copy()


@pytest.mark.parametrize("layer", BOTH, ids=repr)
def test_gradients_of_images_equal_central_differences(layer):
    rng = np.random.default_rng(1)
    net = Network((layer, Flatten(), Dense(3)), (2, 3, 4), dtype="float64")
    x, y = rng.normal(2, 3, size=(5, 2, 3, 4)), rng.integers(3, size=5)
    check_gradients(net, x, y, rng=rng, weight=rng.random(5))
    check_coordinates(net, x[:3], y[:3], rng=rng)
    check_poison(net, x, y, rng=rng)
    assert Network.from_spec(json.loads(json.dumps(net.to_spec()))) == net


@pytest.mark.parametrize("layer", BOTH, ids=repr)
def test_pixels_are_normalized_as_rows_of_channels(layer):
    rng = np.random.default_rng(2)
    x, dy = rng.normal(1, 2, size=(2, 6, 3, 5, 4))
    images = step(layer, x, dy.copy())
    rows = step(layer, x.reshape(-1, 4), dy.reshape(-1, 4).copy())
    for a, b in zip(images, rows, strict=True):
        np.testing.assert_allclose(a.ravel(), b.ravel(), rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("layer", BOTH, ids=repr)
def test_views_and_copies_give_the_same(layer):
    rng = np.random.default_rng(3)
    x, dy = rng.normal(size=(2, 6, 3, 5, 4))
    before, strided = x.copy(), np.asfortranarray(x)
    expected = step(layer, x, dy.copy())
    for a, b in zip(step(layer, strided, np.asfortranarray(dy)), expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13)
    np.testing.assert_array_equal(strided, before)


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(
        np.float64,
        hnp.array_shapes(min_dims=2, max_dims=4, max_side=5),
        elements=st.floats(-1e4, 1e4, width=32),
    ),
    st.sampled_from(["float32", "float64"]),
)
def test_normalized_features_and_examples_equal_the_formula(x, dtype):
    x = x.astype(dtype)
    for layer, axes in (
        (BatchNorm(momentum=0.5), tuple(range(x.ndim - 1))),
        (LayerNorm(), -1),
    ):
        net, weights, ws = made(layer, x.shape[1:], dtype)
        gamma, beta = (net.layout[f"0.{k}"].view(weights.theta) for k in ("gamma", "beta"))
        y = net.forward(x, ws, Call(train=True))
        exact = x.astype(np.float64)
        mean, var = (f(exact, axis=axes, keepdims=True) for f in (np.mean, np.var))
        expected = gamma * (exact - mean) / np.sqrt(var + 1e-5) + beta
        assert y.dtype == dtype
        # The rounding error of x̄ in x − x̄ is relative to the size of x.
        size = np.abs(exact).max(axis=axes, keepdims=True) / np.sqrt(var + 1e-5)
        room = (1 + size) * 20 * np.finfo(dtype).eps
        assert (np.abs(y - expected) <= room * (1 + np.abs(gamma))).all()


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(
        np.float64,
        hnp.array_shapes(min_dims=2, max_dims=4, max_side=5),
        elements=st.floats(-100, 100, width=32),
    ),
    st.sampled_from(["float32", "float64"]),
)
def test_sums_by_channel_are_sums_over_all_other_axes(x, dtype):
    x, (_, _, ws) = x.astype(dtype), made(BatchNorm(), x.shape[1:], dtype)
    w, axes = ws.scopes[0], tuple(range(x.ndim - 1))
    a, one = channel_ops.lines(x), np.empty(x.shape[-1], dtype)
    room = {"rtol": 1e-5, "atol": 1e-2} if dtype == "float32" else {"rtol": 1e-12, "atol": 1e-9}
    np.testing.assert_allclose(channel_ops.channel_sums(a, w, one), x.sum(axis=axes), **room)
    repeated = a + channel_ops.repeat_channels(one, a.shape[1], w)
    np.testing.assert_array_equal(repeated.reshape(x.shape), x + one)


def test_running_means_of_images_are_per_channel_and_used_in_prediction():
    rng = np.random.default_rng(4)
    x = rng.normal([0.0, 5.0], [1.0, 3.0], size=(20, 6, 5, 2))
    net, weights, ws = made(BatchNorm(momentum=1), (6, 5, 2))
    net.forward(x, ws, Call(train=True))
    state = {entry.name: entry.view(weights.state) for entry in net.state_layout.entries}
    np.testing.assert_allclose(state["0.mean"], x.mean(axis=(0, 1, 2)))
    np.testing.assert_allclose(state["0.var"], x.var(axis=(0, 1, 2), ddof=1))
    gamma, beta = (net.layout[f"0.{k}"].view(weights.theta) for k in ("gamma", "beta"))
    expected = gamma * (x - state["0.mean"]) / np.sqrt(state["0.var"] + 1e-5) + beta
    np.testing.assert_allclose(net.forward(x, ws, INFERENCE), expected)


def test_mean_and_variance_of_many_pixels_in_float32():
    rng = np.random.default_rng(5)
    x = rng.normal(3, 0.5, size=(64, 28, 28, 3)).astype("float32")
    net, weights, ws = made(BatchNorm(momentum=1), (28, 28, 3), "float32")
    net.forward(x, ws, Call(train=True))
    state = {entry.name: entry.view(weights.state) for entry in net.state_layout.entries}
    np.testing.assert_allclose(state["0.mean"], x.mean(axis=(0, 1, 2), dtype=float), rtol=2e-5)
    np.testing.assert_allclose(state["0.var"], x.var(axis=(0, 1, 2), dtype=float), rtol=2e-4)


@pytest.mark.parametrize("layer", BOTH, ids=repr)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("value", [0.0, 1e4, -1e4])
def test_constant_features_give_beta(layer, dtype, value):
    net, weights, ws = made(layer, (4,), dtype)
    beta = net.layout["0.beta"].view(weights.theta)
    for n in (1, 7):
        x = np.full((n, 4), value, dtype)
        y = net.forward(x, ws, Call(train=True))
        np.testing.assert_allclose(y, np.broadcast_to(beta, y.shape), atol=1e-6)
        dx = layer.backward(np.ones_like(x), ws.scopes[0], Call(train=True))
        assert np.isfinite(dx).all()


@pytest.mark.parametrize("layer", BOTH, ids=repr)
def test_large_numbers_and_nan(layer):
    rng = np.random.default_rng(6)
    x = (1e4 * rng.normal(size=(9, 4))).astype("float32")
    y, dx, g, _ = step(layer, x, np.ones_like(x), "float32")
    assert all(np.isfinite(a).all() for a in (y, dx, g))
    x[2, 1] = np.nan
    y = step(layer, x, np.ones_like(x), "float32")[0]
    assert np.isnan(y[:, 1] if isinstance(layer, BatchNorm) else y[2]).all()


@pytest.mark.parametrize("layer", BOTH, ids=repr)
def test_a_step_allocates_no_array_of_batch_size(layer):
    rng = np.random.default_rng(7)
    x = rng.normal(size=(500, 4, 4, 64))
    dy = np.ones_like(x)
    net, _, ws = made(layer, x.shape[1:])
    for _ in range(2):
        tracemalloc.start()
        net.forward(x, ws, Call(train=True))
        layer.backward(dy, ws.scopes[0], Call(train=True))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < x.nbytes / 8


def test_backward_without_dx_assigns_the_rest():
    rng = np.random.default_rng(8)
    x, dy = rng.normal(size=(2, 6, 4))
    for layer in BOTH:
        _, _, g, _ = step(layer, x, dy.copy())
        net, _, ws = made(layer, (4,))
        net.forward(x, ws, Call(train=True))
        assert layer.backward(dy.copy(), ws.scopes[0], Call(train=True), need_dx=False) is None
        np.testing.assert_array_equal(ws.gradient, g)


def test_backward_after_prediction_takes_running_means_as_constants():
    rng = np.random.default_rng(9)
    layer, x, dy = BatchNorm(), *rng.normal(size=(2, 6, 4))
    net, weights, ws = made(layer, (4,))
    weights.theta += rng.normal(0, 0.1, weights.theta.shape)
    weights.state += rng.random(weights.state.shape)

    def along(x):
        return float((net.forward(x, net.workspace(weights), Call()) * dy).sum())

    net.forward(x, ws, Call())
    dx = layer.backward(dy.copy(), ws.scopes[0], Call())
    gradient = ws.gradient.copy()
    eps, nudge = 1e-6, np.zeros_like(x)
    nudge[2, 1] = eps
    assert dx[2, 1] == pytest.approx((along(x + nudge) - along(x - nudge)) / (2 * eps))
    for i in range(len(gradient)):
        start = weights.theta[i]
        weights.theta[i] = start + eps
        ahead = along(x)
        weights.theta[i] = start - eps
        assert gradient[i] == pytest.approx((ahead - along(x)) / (2 * eps))
        weights.theta[i] = start


def test_errors():
    with pytest.raises(ValueError, match="eps must be above 0; got 0"):
        LayerNorm(eps=0)
    with pytest.raises(ValueError, match="eps must be above 0; got nan"):
        LayerNorm(eps=float("nan"))
    for layer in BOTH:
        with pytest.raises(ValueError, match=r"Norm expects.*last axis.*got \(\)\. Put Reshape"):
            Network((layer,), ())
