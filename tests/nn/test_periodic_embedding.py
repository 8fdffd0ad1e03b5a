"""Periodic embeddings against loops, for all choices of columns."""

from __future__ import annotations

import json
from math import cos, pi, sin

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_ensemble import allocated, alone

from graduel.nn import (
    INFERENCE,
    PBLD,
    Call,
    Dense,
    Network,
    ReLU,
    SquaredError,
    Tanh,
    check_coordinates,
    check_gradients,
    check_poison,
)


@st.composite
def cases(draw):
    """Draw a periodic embedding and the number of columns."""
    i = draw(st.integers(1, 4))
    columns = draw(st.none() | st.permutations(range(i)).map(tuple))
    if columns is not None:
        columns = columns[: draw(st.integers(0, i))]
    return PBLD(columns, draw(st.integers(1, 3)), draw(st.integers(2, 4)), std=0.7), i


@settings(max_examples=60, deadline=None)
@given(cases(), st.integers(0, 5), st.integers(0, 2**31))
def test_output_is_the_number_and_a_mix_of_cosines(case, n, seed):
    (layer, i), rng = case, np.random.default_rng(seed)
    w, x = alone(layer, (i,), rng), rng.normal(size=(n, i))
    before, F, d = x.copy(), layer.frequencies, layer.size
    numbers = list(range(i)) if layer.columns is None else list(layer.columns)
    rest = [j for j in range(i) if j not in numbers]
    y = layer.forward(x, w, INFERENCE)
    expected = np.zeros((n, len(numbers) * d + len(rest)))
    assert y.shape == expected.shape == (n, *layer.plan((i,)).out)
    dy = rng.normal(size=y.shape)
    dx = np.zeros((n, i))
    g = {name: np.zeros_like(value) for name, value in vars(w.p).items()}
    for row in range(n):
        for p, j in enumerate(numbers):
            expected[row, p * d] = x[row, j]
            dx[row, j] += dy[row, p * d]
            for e in range(d - 1):
                de = dy[row, p * d + 1 + e]
                total = w.p.c[p, e]
                g["c"][p, e] += de
                for f in range(F):
                    angle = 2 * pi * w.p.w[p, f] * x[row, j] + w.p.b[p, f]
                    total += w.p.A[p, f, e] * cos(angle)
                    g["A"][p, f, e] += de * cos(angle)
                    slope = -de * w.p.A[p, f, e] * sin(angle)
                    g["b"][p, f] += slope
                    g["w"][p, f] += slope * 2 * pi * x[row, j]
                    dx[row, j] += slope * 2 * pi * w.p.w[p, f]
                expected[row, p * d + 1 + e] = total
        for e, j in enumerate(rest):
            expected[row, len(numbers) * d + e] = x[row, j]
            dx[row, j] += dy[row, len(numbers) * d + e]
    np.testing.assert_allclose(y, expected, atol=1e-12)
    np.testing.assert_allclose(layer.backward(dy.copy(), w, INFERENCE), dx, atol=1e-11)
    for name, value in g.items():
        np.testing.assert_allclose(getattr(w.g, name), value, atol=1e-11)
    np.testing.assert_array_equal(x, before)
    layer.forward(x, w, INFERENCE)
    assert layer.backward(dy, w, INFERENCE, need_dx=False) is None
    np.testing.assert_allclose(w.g.w, g["w"], atol=1e-11)


@settings(max_examples=30, deadline=None)
@given(cases(), st.integers(1, 4), st.integers(0, 2**31))
def test_gradients_equal_central_differences(case, n, seed):
    (layer, i), rng = case, np.random.default_rng(seed)
    net = Network((Tanh(), layer, Tanh(), Dense(3)), (i,), dtype="float64")
    x, y = rng.normal(size=(n, i)), rng.integers(3, size=n)
    check_gradients(net, x, y, rng=rng)
    check_coordinates(net, x, y, rng=rng)
    check_poison(net, x, y, rng=rng)
    assert Network.from_spec(json.loads(json.dumps(net.to_spec()))) == net


def test_initial_values_and_roles():
    layer = PBLD(frequencies=200, size=5, std=0.3)
    net = Network((layer,), (50,))
    weights = net.init(np.random.default_rng(0))
    assert set(net.layout.roles) == {"periodic"}
    p = {entry.name[2:]: entry.view(weights.theta) for entry in net.layout.entries}
    assert p["w"].std() == pytest.approx(0.3, rel=0.02)
    assert np.abs(p["b"]).max() <= np.float32(pi)
    assert p["b"].std() == pytest.approx(pi / np.sqrt(3), rel=0.02)
    for name in "Ac":
        assert np.abs(p[name]).max() <= np.float32(1 / np.sqrt(200))
    assert net.output_shape == (250,)


def test_columns_are_in_the_given_order():
    layer = PBLD(columns=(2, 0), frequencies=1, size=2)
    w = alone(layer, (4,), np.random.default_rng(0))
    y = layer.forward(np.array([[10.0, 11, 12, 13]]), w, INFERENCE)
    assert y[0, [0, 2]].tolist() == [12, 10]
    assert y[0, 4:].tolist() == [11, 13]
    assert PBLD(columns=[np.int64(1)]).columns == (1,)


def test_a_step_allocates_no_array_of_batch_size():
    rng = np.random.default_rng(3)
    for layer in (PBLD(), PBLD(columns=tuple(range(15)))):
        assert allocated(layer, (20,), 40_000, rng) < 40_000 * 4  # less than one column


def test_steps_are_fitted_that_a_plain_network_smooths_over():
    rng = np.random.default_rng(4)
    x = rng.uniform(-2, 2, size=(256, 1)).astype("float32")
    y = np.sign(np.sin(8 * x[:, 0])).astype("float32")

    def error(*first):
        net = Network((*first, Dense(32), ReLU(), Dense(1)), (1,), SquaredError())
        weights = net.init(np.random.default_rng(5))
        ws, call = net.workspace(weights), Call(train=True)
        for _ in range(500):
            loss = net.loss_and_gradient(x, y, ws, call)
            weights.theta -= 0.05 * ws.gradient
        return loss

    assert error(PBLD(frequencies=16, size=8, std=1.0)) < 0.5 * error()


def test_errors():
    for wrong in ({"frequencies": 0}, {"size": 1}):
        with pytest.raises(ValueError, match="frequencies must be at least 1 and size at least 2"):
            PBLD(**wrong)
    for wrong in (0.0, -1.0, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="std must be a positive number; got"):
            PBLD(std=wrong)
    for wrong in ((0, 0), (-1,), (3, -2)):
        with pytest.raises(ValueError, match=r"columns must be distinct .*got"):
            PBLD(columns=wrong)
    with pytest.raises(ValueError, match=r"layer 0 \(PBLD\).*n_in above 5.*got \(5,\)"):
        Network((PBLD(columns=(0, 5)),), (5,))
    for shape in ((3, 4), ()):
        with pytest.raises(ValueError, match=r"PBLD expects input shape.*got \("):
            Network((PBLD(),), shape)
