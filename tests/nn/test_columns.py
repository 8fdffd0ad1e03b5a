"""The embedding layer for categories: against loops, for all batch shapes."""

from __future__ import annotations

import json
import tracemalloc
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graduel.nn import (
    INFERENCE,
    Call,
    Columns,
    Dense,
    Network,
    ReLU,
    Residual,
    Scope,
    Tanh,
    check_coordinates,
    check_gradients,
    check_poison,
)


def alone(layer, rng, dtype="float64"):
    """Return the scope of one layer, with weights drawn and its gradient poisoned."""
    net = Network((layer,), (layer.numeric + len(layer.categorical),), dtype=dtype)
    weights = net.init(rng)
    weights.theta += rng.normal(0, 0.1, weights.theta.shape).astype(dtype)
    ws = net.workspace(weights)
    ws.gradient.fill(np.nan)
    return ws.scopes[0]


def rows(layer, n, rng, dtype="float64"):
    x = rng.normal(size=(n, layer.numeric + len(layer.categorical))).astype(dtype)
    for j, codes in enumerate(layer.categorical):
        x[:, layer.numeric + j] = rng.integers(codes, size=n)
    return x


@st.composite
def layers(draw):
    categorical = tuple(draw(st.lists(st.integers(1, 6), max_size=3)))
    size = draw(st.integers(1, 5) | st.tuples(*[st.integers(1, 5)] * len(categorical)))
    return Columns(draw(st.integers(0, 3)), categorical, size)


@settings(max_examples=100, deadline=None)
@given(layers(), st.integers(0, 9), st.integers(0, 2**31))
def test_forward_looks_up_rows_and_backward_sums_over_them(layer, n, seed):
    rng = np.random.default_rng(seed)
    w, x, p = alone(layer, rng), rows(layer, n, rng), layer.numeric
    before = x.copy()
    E = [getattr(w.p, f"E{j}") for j in range(len(layer.categorical))]
    y = layer.forward(x, w, INFERENCE)
    expected = np.zeros((n, *layer.plan(x.shape[1:]).out))
    for i in range(n):
        expected[i] = np.concatenate(
            [x[i, :p], *(e[int(c)] for e, c in zip(E, x[i, p:], strict=True))]
        )
    np.testing.assert_array_equal(y, expected)
    dy = rng.normal(size=y.shape)
    dx = layer.backward(dy.copy(), w, INFERENCE)
    np.testing.assert_array_equal(dx[:, :p], dy[:, :p])
    assert dx.shape == x.shape
    assert not dx[:, p:].any()
    start = p
    for j, e in enumerate(E):
        expected = np.zeros_like(e)
        for i in range(n):
            expected[int(x[i, p + j])] += dy[i, start : start + e.shape[1]]
        np.testing.assert_allclose(getattr(w.g, f"E{j}"), expected, atol=1e-14)
        start += e.shape[1]
    np.testing.assert_array_equal(x, before)
    w.g.__dict__.update({name: g.fill(np.nan) or g for name, g in vars(w.g).items()})
    assert layer.backward(dy, w, INFERENCE, need_dx=False) is None
    assert all(np.isfinite(g).all() for g in vars(w.g).values())


@settings(max_examples=50, deadline=None)
@given(layers(), st.integers(1, 5), st.integers(0, 2**31))
def test_gradients_equal_central_differences(layer, n, seed):
    rng = np.random.default_rng(seed)
    x, y = rows(layer, n, rng), rng.integers(3, size=n)
    net = Network((layer, Tanh(), Dense(3)), x.shape[1:], dtype="float64")
    if x.shape[1]:
        check_gradients(net, x, y, rng=rng)
        check_coordinates(net, x, y, rng=rng)
    check_poison(net, x, y, rng=rng)
    assert Network.from_spec(json.loads(json.dumps(net.to_spec()))) == net


def test_codes_are_rounded_and_clipped():
    layer = Columns(0, (3,), 1)
    w = alone(layer, np.random.default_rng(0))
    w.p.E0[:, 0] = [10, 11, 12]
    x = np.array([[0.0], [0.4], [0.6], [1.49], [1.51], [2.0], [7.0], [1e30], [-3.0], [np.nan]])
    expected = [10, 10, 11, 11, 12, 12, 12, 12, 10, 10]
    assert layer.forward(x, w, INFERENCE)[:, 0].tolist() == expected
    layer.backward(np.ones((10, 1)), w, INFERENCE)
    assert w.g.E0[:, 0].tolist() == [4, 2, 4]
    assert not layer.smooth
    assert layer.row_wise
    assert layer.deterministic


def test_the_largest_codes_are_exact_in_float32():
    layer, none = Columns(0, (2**24,), 1), SimpleNamespace()
    x = np.array([[2.0**24 - 1], [2.0**23 + 1], [3]], np.float32)
    E = np.arange(2**24, dtype=np.float32)[:, None]
    w = Scope("0", SimpleNamespace(E0=E), none, none, ())
    np.testing.assert_array_equal(layer.forward(x, w, INFERENCE), x)


def test_unseen_categories_start_at_zero():
    net = Network((Columns(1, (400, 3)),), (3,))
    weights = net.init(np.random.default_rng(0))
    E = net.layout["0.E0"].view(weights.theta)
    assert not E[0].any()
    assert np.linalg.norm(E[1:], axis=1).mean() == pytest.approx(1, abs=0.1)
    assert net.layout.roles == {"embedding": slice(0, 400 * 8 + 3 * 3)}


def test_float32_stays_float32_and_batches_may_shrink():
    rng = np.random.default_rng(1)
    layer = Columns(2, (5, 2))
    net = Network((layer, ReLU(), Dense(3)), (4,))
    x, y = rows(layer, 9, rng, "float32"), rng.integers(3, size=9)
    ws, weights = None, net.init(rng)
    ws = net.workspace(weights)
    expected = net.forward(x, ws).copy()
    assert expected.dtype == np.float32
    for n in (9, 1, 4, 0, 9):
        np.testing.assert_allclose(net.forward(x[:n], ws), expected[:n], atol=1e-6)
        net.loss_and_gradient(x[:n], y[:n], ws, Call(train=True)) if n else None
    assert all(b.dtype.kind != "f" or b.dtype == np.float32 for b in ws.buffers())
    order = rng.permutation(9)
    np.testing.assert_array_equal(net.predict(x[order], weights), net.predict(x, weights)[order])


def test_gradients_of_parts_of_a_batch_add_up_by_weight():
    rng = np.random.default_rng(2)
    layer = Columns(2, (5, 2))
    net = Network((Residual((layer, Dense(4))), Tanh(), Dense(3)), (4,), dtype="float64")
    x, y, weight = rows(layer, 10, rng), rng.integers(3, size=10), rng.random(10)
    ws, call = net.workspace(net.init(rng)), Call(train=True)
    net.loss_and_gradient(x, y, ws, call, weight)
    whole, parts = ws.gradient.copy(), 0.0
    for part in (slice(0, 3), slice(3, 10)):
        net.loss_and_gradient(x[part], y[part], ws, call, weight[part])
        parts += weight[part].sum() / weight.sum() * ws.gradient
    np.testing.assert_allclose(parts, whole, atol=1e-14)


def test_a_step_allocates_no_array_of_batch_size():
    rng = np.random.default_rng(3)
    layer = Columns(20, (50, 1000, 7))
    w, x = alone(layer, rng, "float32"), rows(layer, 20_000, rng, "float32")
    dy = rng.normal(size=(20_000, *layer.plan((23,)).out)).astype("float32")
    layer.backward(layer.forward(x, w, INFERENCE), w, INFERENCE)
    tracemalloc.start()
    for n in (20_000, 3000, 20_000):
        layer.forward(x[:n], w, INFERENCE)
        layer.backward(dy[:n], w, INFERENCE)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000 * 4  # less than one column


def test_a_network_fits_a_rule_over_categories():
    rng = np.random.default_rng(4)
    codes = rng.integers(1, 30, size=(500, 2))
    y = (codes.sum(axis=1) % 2).astype(int)
    x = np.column_stack([rng.normal(size=500), codes]).astype("float32")
    net = Network((Columns(1, (30, 30)), Dense(16), Tanh(), Dense(2)), (3,))
    weights = net.init(rng)
    ws, call = net.workspace(weights), Call(train=True)
    for _ in range(300):
        loss = net.loss_and_gradient(x, y, ws, call)
        weights.theta -= 1.0 * ws.gradient
    assert loss < 0.2


def test_errors():
    with pytest.raises(ValueError, match="numeric must be 0 or a positive integer; got -1"):
        Columns(-1)
    for wrong in ((0,), (3, -1), (2**24 + 1,)):
        with pytest.raises(ValueError, match=r"categorical must be.*16,777,216; got"):
            Columns(1, wrong)
    with pytest.raises(ValueError, match=r"one for each of 2 category columns; got \(4,\)"):
        Columns(1, (3, 3), (4,))
    for wrong in (0, (2, 0)):
        with pytest.raises(ValueError, match="size must be positive; got"):
            Columns(1, (3, 3), wrong)
    with pytest.raises(ValueError, match="size must be positive; got 0"):
        Columns(1, (), 0)
    with pytest.raises(ValueError, match=r"layer 0 \(Columns\).*2 numeric.*\(3,\); got \(4,\)"):
        Network((Columns(2, (3,)),), (4,))
