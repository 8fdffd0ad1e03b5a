"""Backward pass: against the engine, finite differences and textbook.py; its equations."""

from __future__ import annotations

import inspect
import json

import numpy as np
import pytest
from hypothesis import given, settings
from table_glass import image_network, networks

from graduel.errors import UserError
from graduel.glassbox import backward, compute_saliency, explain_gradients, list_layers, step
from graduel.glassbox.network.equations import find_lines
from graduel.nn import (
    BatchNorm,
    Dense,
    Network,
    ReLU,
    SoftmaxCrossEntropy,
    SquaredError,
    Weights,
    textbook,
)
from graduel.nn.workspace import Call


def loss_at(net, theta, state, x, y):
    ws = net.workspace(Weights(theta, state), gradient=False)
    raw = net.forward(x[np.newaxis], ws, Call())
    return net.loss.value_and_gradient(raw, y, None, ws.loss)[0]


def differences(f, at, eps=1e-6):
    result = np.empty(at.size)
    for i in range(at.size):
        above, below = at.copy(), at.copy()
        above.reshape(-1)[i] += eps
        below.reshape(-1)[i] -= eps
        result[i] = (f(above) - f(below)) / (2 * eps)
    return result.reshape(at.shape)


def target(net, y):
    if isinstance(net.loss, SoftmaxCrossEntropy):
        return np.array([y])
    return np.eye(3)[[y]]


@settings(max_examples=40, deadline=None)
@given(networks(dtype="float32"))
def test_gradients_equal_the_engines_bit_for_bit(case):
    net, weights, x, y = case
    back = backward(net, weights, x, y)
    ws = net.workspace(weights)
    loss, dx = net.loss_and_input_gradient(x[np.newaxis], target(net, y), ws, Call())
    assert back.loss == loss
    np.testing.assert_array_equal(back.dx, dx[0])
    np.testing.assert_array_equal(back.theta_gradient, ws.gradient)
    for one in back.layers:
        for name, gradient in one.gradients.items():
            entry = net.layout[f"{one.place.path}.{name}"]
            np.testing.assert_array_equal(gradient, entry.view(ws.gradient))


@settings(max_examples=40, deadline=None)
@given(networks(smooth=True))
def test_gradients_equal_central_differences(case):
    net, weights, x, y = case
    back = backward(net, weights, x, y)
    t = target(net, y)
    by_theta = differences(lambda v: loss_at(net, v, weights.state, x, t), weights.theta)
    by_x = differences(lambda v: loss_at(net, weights.theta, weights.state, v, t), x)
    np.testing.assert_allclose(back.theta_gradient, by_theta, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(back.dx, by_x, rtol=1e-4, atol=1e-7)


@settings(max_examples=40, deadline=None)
@given(networks())
def test_the_equations_hold_layer_by_layer(case):
    net, weights, x, y = case
    back = backward(net, weights, x, y)
    if isinstance(net.loss, SoftmaxCrossEntropy):
        # A class weight cancels for one example.
        np.testing.assert_allclose(back.dz, back.forward.predictions - back.target, atol=1e-12)
    np.testing.assert_array_equal(back.layers[0].dy, back.dz)
    np.testing.assert_array_equal(back.layers[-1].dx, back.dx)
    for one in back.layers:
        ahead = back.forward.layer(one.place.path)
        if isinstance(one.place.layer, Dense) and one.dy is not None:
            W = net.layout[f"{one.place.path}.W"].view(weights.theta)
            np.testing.assert_allclose(one.gradients["W"], np.outer(ahead.input, one.dy))
            np.testing.assert_allclose(one.gradients["b"], one.dy)
            np.testing.assert_allclose(one.dx, W @ one.dy)
        if isinstance(one.place.layer, ReLU):
            np.testing.assert_array_equal(one.gate, ahead.input > 0)
            np.testing.assert_array_equal(one.dx, np.where(one.gate, one.dy, 0))


def test_relu_gates_are_closed_where_z_is_not_positive():
    net = Network((Dense(9), ReLU(), Dense(3)), (4,))
    rng = np.random.default_rng(0)
    back = backward(net, net.init(rng), rng.normal(size=4).astype(np.float32), 1)
    gate = back.layer("1").gate
    np.testing.assert_array_equal(gate, back.forward.layer("1").input > 0)
    assert 0 < gate.sum() < 9
    assert back.layer("0").gate is None


def test_convolutions_have_correct_input_gradients():
    net, weights, x = image_network(np.random.default_rng(2))
    back = backward(net, weights, x, 2)
    by_x = differences(lambda v: loss_at(net, weights.theta, weights.state, v, np.array([2])), x)
    np.testing.assert_allclose(back.dx, by_x, rtol=1e-4, atol=1e-7)
    assert back.layer("1").gradients["W"].shape == (3, 3, 2, 3)


def test_gradients_equal_the_textbook_networks():
    rng = np.random.default_rng(0)
    W, b = textbook.initialize((6, 5, 3), rng)
    net = Network((Dense(5), ReLU(), Dense(3)), (6,), dtype="float64")
    weights = net.init(rng)
    for i, w in enumerate(W):
        net.layout[f"{2 * i}.W"].view(weights.theta)[...] = w.T
    x = rng.normal(size=6)
    Y = textbook.one_hot(np.array([1]), 3)
    Z, A = textbook.forward(x[:, None], W, b)
    dW, db = textbook.backward(Z, A, Y, W)
    back = backward(net, weights, x, 1)
    for l in (1, 2):
        result = back.layer(str(2 * (l - 1))).gradients
        np.testing.assert_allclose(result["W"].T, dW[l - 1], rtol=1e-10)
        np.testing.assert_allclose(result["b"], db[l - 1][:, 0], rtol=1e-10)
        row = explain_gradients(net, back, l, 2, top=3)
        assert [t.product for t in row.terms] == pytest.approx(
            [dW[l - 1][2, t.index] for t in row.terms]
        )
        assert all(t.product == pytest.approx(t.x * t.w) for t in row.terms)
        assert row.norm == pytest.approx(np.linalg.norm(dW[l - 1][2]))
    np.testing.assert_array_equal(back.target, Y[:, 0])
    assert back.loss == pytest.approx(textbook.cross_entropy(A[-1], Y))

    gradient_step = step(net, weights, x, 1, lr=0.05)
    W = [w - 0.05 * d for w, d in zip(W, dW, strict=True)]
    b = [v - 0.05 * d for v, d in zip(b, db, strict=True)]
    after = textbook.forward(x[:, None], W, b)[1][-1]
    np.testing.assert_allclose(gradient_step.after, after[:, 0], rtol=1e-10)
    assert gradient_step.loss_after == pytest.approx(textbook.cross_entropy(after, Y))
    assert gradient_step.helped == (gradient_step.loss_after < gradient_step.loss_before)


@settings(max_examples=40, deadline=None)
@given(networks(smooth=True))
def test_a_small_step_decreases_the_loss_as_predicted(case):
    net, weights, x, y = case
    before = weights.theta.copy()
    tiny = step(net, weights, x, y, lr=1e-6)
    np.testing.assert_array_equal(weights.theta, before)
    assert tiny.loss_before - tiny.loss_after == pytest.approx(tiny.expected, rel=0.02, abs=1e-11)


def test_a_step_that_is_too_large_does_not_help():
    net = Network((Dense(3),), (2,), dtype="float64", loss=SquaredError())
    weights = net.init(np.random.default_rng(0))
    long = step(net, weights, [1.0, 2.0], np.array([0.0, 1.0, 2.0]), lr=50)
    assert not long.helped
    assert long.as_dict()["helped"] is False


def test_each_equation_refers_to_the_line_that_computes_it():
    source = inspect.getsource(textbook).splitlines()
    result = find_lines()
    assert set(result) == set(range(1, 9))
    for number, line in result.items():
        assert f"({number})" in source[line.number - 1]
        assert line.text in source[line.number - 1]
    assert result[1].text == "Z.append(W[l] @ A[l] + b[l])"
    assert result[5].text == "dW[l] = 1 / m * dZ @ A[l].T"
    assert result[6].text.startswith("db[l] = ")
    assert result[7].text == "dZ = (W[l].T @ dZ) * (Z[l - 1] > 0)"
    assert result[8].text.startswith("W = [w - rate * d")


def test_equations_use_the_notation_of_the_derivation():
    net = Network((Dense(5), ReLU(), Dense(3)), (6,))
    first, gate, last = list_layers(net)
    assert [e.text for e in last.backward] == [
        "dW₂ = 1/m dZ₂ A₁ᵀ",
        "db₂ = 1/m Σ dZ₂",
        "dA₁ = W₂ᵀ dZ₂",
    ]
    assert [e.number for e in first.backward] == [5, 6, 7]
    assert gate.backward[0].text == "dZ₁ = dA₁ ⊙ (Z₁ > 0)"
    assert gate.forward.line.comment.startswith("(2)")
    back = backward(net, net.init(np.random.default_rng(0)), np.zeros(6), 0)
    assert back.output[-1].text == "dZ₂ = A₂ − Y"
    assert back.output[-1].line.text == "dZ = A[-1] - Y"
    assert "dx = " in list_layers(Network((BatchNorm(), Dense(2)), (3,)))[0].backward[0].text


@settings(max_examples=40, deadline=None)
@given(networks(smooth=True))
def test_the_input_gradient_equals_central_differences(case):
    net, weights, x, k = case

    def z(v):
        return net.forward(v[np.newaxis], net.workspace(weights, gradient=False), Call())[0, k]

    result = compute_saliency(net, weights, x, k)
    np.testing.assert_allclose(result.gradient, differences(z, x), rtol=1e-4, atol=1e-7)
    np.testing.assert_array_equal(result.times_input, result.gradient * x)
    assert result.z == z(x)


def test_results_are_plain_data_without_the_forward_pass():
    net, weights, x = image_network(np.random.default_rng(1))
    data = json.loads(json.dumps(backward(net, weights, x, 0).as_dict(50), allow_nan=False))
    assert "forward" not in data
    assert "theta_gradient" not in data
    direct = backward(net, weights, x, 0).layers[0].gradients["W"]
    np.testing.assert_array_equal(data["layers"][0]["gradients"]["W"], direct)
    assert data["layers"][-2]["dx"]["shape"] == [8, 7, 2]


@pytest.mark.parametrize("label", [3, -1, 0.5, [0, 1]])
def test_invalid_labels_are_rejected(label):
    net = Network((Dense(3),), (2,))
    with pytest.raises(UserError, match=r"label must be a class code|must be one class code"):
        backward(net, net.init(np.random.default_rng(0)), [0.0, 0.0], label)
