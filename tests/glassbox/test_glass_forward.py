"""Forward pass: against the engine and textbook.py; terms that sum to z."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from table_glass import image_network, networks

from graduel.errors import UserError
from graduel.glassbox import explain_neuron, explain_softmax, find_layer, forward, list_layers
from graduel.nn import Conv2D, Dense, Dropout, LayerNorm, Network, ReLU, Residual, Tanh, textbook


@settings(max_examples=60, deadline=None)
@given(networks(dtype="float32"))
def test_outputs_equal_the_engines_bit_for_bit(case):
    net, weights, x, _ = case
    result = forward(net, weights, x)
    outputs = net.trace(x[np.newaxis], weights)
    assert {one.place.path for one in result.layers} == set(outputs)
    for one in result.layers:
        np.testing.assert_array_equal(one.output, outputs[one.place.path][0])
    np.testing.assert_array_equal(result.predictions, net.predict(x[np.newaxis], weights)[0])
    np.testing.assert_array_equal(result.columns[-1].a, result.predictions)


@settings(max_examples=60, deadline=None)
@given(networks(), st.integers(0, 20), st.data())
def test_the_terms_of_every_neuron_add_up_to_its_z(case, top, data):
    net, weights, x, _ = case
    for place in list_layers(net):
        if not isinstance(place.layer, Dense):
            continue
        unit = data.draw(st.integers(0, place.layer.units - 1))
        one = explain_neuron(net, weights, x, place.path, unit, top)
        total = sum(term.product for term in one.terms) + one.rest + one.bias
        assert total == pytest.approx(one.z, rel=1e-9, abs=1e-12)
        assert len(one.terms) + one.n_rest == place.shape_in[0]
        sizes = [abs(term.product) for term in one.terms]
        assert sizes == sorted(sizes, reverse=True)
        assert all(term.product == term.x * term.w for term in one.terms)


def test_outputs_equal_the_textbook_networks():
    rng = np.random.default_rng(0)
    sizes = (6, 5, 4, 3)
    W, b = textbook.initialize(sizes, rng)
    net = Network((Dense(5), ReLU(), Dense(4), ReLU(), Dense(3)), (6,), dtype="float64")
    weights = net.init(rng)
    for i, (w, v) in enumerate(zip(W, b, strict=True)):
        v += rng.normal(size=v.shape)
        net.layout[f"{2 * i}.W"].view(weights.theta)[...] = w.T
        net.layout[f"{2 * i}.b"].view(weights.theta)[...] = v[:, 0]
    x = rng.normal(size=6)
    Z, A = textbook.forward(x[:, None], W, b)
    result = forward(net, weights, x)
    for l in (1, 2, 3):
        np.testing.assert_allclose(result.columns[l].z, Z[l - 1][:, 0], rtol=1e-12)
        np.testing.assert_allclose(result.columns[l].a, A[l][:, 0], rtol=1e-12)
        assert explain_neuron(net, weights, x, l, 1).z == pytest.approx(Z[l - 1][1, 0], rel=1e-12)
        assert explain_neuron(net, weights, x, l, 1).a == pytest.approx(A[l][1, 0], rel=1e-12)
    np.testing.assert_array_equal(result.columns[0].a, x)


def test_convolution_outputs_are_sums_over_their_windows():
    net, weights, x = image_network(np.random.default_rng(1))
    for layer, n_in in ((1, 18), (2, 18)):
        place = find_layer(net, layer)
        for unit in range(0, int(np.prod(place.shape_out)), 5):
            one = explain_neuron(net, weights, x, layer, unit, top=100)
            total = sum(term.product for term in one.terms) + one.bias
            assert total == pytest.approx(one.z, rel=1e-9, abs=1e-12)
            assert len(one.terms) <= n_in
            assert one.a == pytest.approx(max(0, one.z) if layer == 1 else np.tanh(one.z))
            inputs = forward(net, weights, x).layer(place.path).input.reshape(-1)
            assert all(term.x == inputs[term.index] for term in one.terms)


def test_columns_group_layers_up_to_the_next_weights():
    net = Network((Dense(5), LayerNorm(), Tanh(), Dropout(0.5), Dense(3)), (4,), dtype="float64")
    rng = np.random.default_rng(0)
    weights, x = net.init(rng), rng.normal(size=4)
    result = forward(net, weights, x, classes=("a", "b", "c"))
    assert [c.title for c in result.columns] == ["input", "LayerNorm · Tanh", "softmax"]
    np.testing.assert_array_equal(result.columns[1].z, result.layer("0").output)
    np.testing.assert_array_equal(result.columns[1].a, result.layer("2").output)
    assert result.columns[2].names == ("a", "b", "c")
    assert [one.place.forward.text for one in result.layers[:1]] == ["Z₁ = W₁ A₀ + b₁"]
    assert result.layers[4].place.forward.text == "Z₂ = W₂ A₁ + b₂"
    assert result.layers[2].place.takes == "Ẑ₁"


def test_layers_in_a_block_are_found_by_path():
    net = Network((Residual((Dense(3), Tanh(), Dense(4))), Dense(2)), (4,), dtype="float64")
    rng = np.random.default_rng(0)
    weights, x = net.init(rng), rng.normal(size=4)
    result = forward(net, weights, x)
    inside = sum(result.layer(f"0.{i}").input.size for i in range(3))
    assert inside == 4 + 3 + 3
    np.testing.assert_allclose(result.layer("0").output, x + result.layer("0.2").output)
    one = explain_neuron(net, weights, x, "0.2", 1, top=1)
    assert sum(t.product for t in one.terms) + one.rest + one.bias == pytest.approx(one.z)
    assert find_layer(net, 1).path == "1"


def test_weights_on_pixels_are_returned_as_an_image():
    net = Network((Dropout(0.2), Dense(5), ReLU(), Dense(3)), (12,))
    weights = net.init(np.random.default_rng(0))
    x = np.linspace(0, 1, 12)
    one = explain_neuron(net, weights, x, 1, 2, image=(4, 3, 1))
    W = net.layout["1.W"].view(weights.theta)
    np.testing.assert_array_equal(one.weights_image, W[:, 2].reshape(4, 3, 1))
    np.testing.assert_allclose(one.products_image.sum() + one.bias, one.z, rtol=1e-5)
    assert {t.name for t in one.terms if t.index == 11} == {"row 3, column 2"}
    assert explain_neuron(net, weights, x, 2, 0, image=(4, 3, 1)).weights_image is None
    named = explain_neuron(net, weights, x, 1, 0, names=[f"feature {i}" for i in range(12)])
    assert all(term.name == f"feature {term.index}" for term in named.terms)


@settings(deadline=None)
@given(st.lists(st.floats(-700, 700), min_size=1, max_size=12))
def test_softmax_steps_equal_the_textbooks(z):
    steps = explain_softmax(z)
    np.testing.assert_allclose(steps.a, textbook.softmax(np.array(z)[:, None])[:, 0], rtol=1e-12)
    np.testing.assert_array_equal(steps.exponentials / steps.total, steps.a)
    np.testing.assert_array_equal(steps.shifted, np.array(z) - max(z))


def test_results_are_plain_data():
    net, weights, x = image_network(np.random.default_rng(1))
    result = forward(net, weights, x)
    data = json.loads(json.dumps(result.as_dict(), allow_nan=False))
    np.testing.assert_allclose(data["columns"][-1]["a"], result.predictions)
    assert data["layers"][1]["place"]["title"] == "Conv2D, 8×7×2 → 8×7×3"
    short = json.loads(json.dumps(result.as_dict(max_size=10), allow_nan=False))
    assert short["x"]["shape"] == [112]
    assert json.dumps(explain_neuron(net, weights, x, 1, 7).as_dict(), allow_nan=False)


def test_non_finite_numbers_become_null():
    net = Network((Dense(2),), (2,), dtype="float64")
    weights = net.init(np.random.default_rng(0))
    with np.errstate(all="ignore"):
        data = forward(net, weights, [np.nan, 1.0]).as_dict()
    assert data["x"] == [None, 1.0]
    json.dumps(data, allow_nan=False)
    single = Network((Dense(2),), (2,))
    with np.errstate(all="ignore"):
        data = forward(single, single.init(np.random.default_rng(0)), [1e300, 1.0]).as_dict()
    assert data["x"] == [None, 1.0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda n, w: forward(n, w, [1.0, 2.0]), "takes 4 numbers an example; got an array of"),
        (lambda n, w: explain_neuron(n, w, [0.0] * 4, 3, 0), "layer must be from 1 to 2"),
        (
            lambda n, w: explain_neuron(n, w, [0.0] * 4, "9", 0),
            "must be one of the index paths 0, 1, 2",
        ),
        (lambda n, w: explain_neuron(n, w, [0.0] * 4, 1, 5), "unit must be from 0 to 4"),
        (lambda n, w: explain_neuron(n, w, [0.0] * 4, "1", 0), "a dense layer or a convolution"),
    ],
)
def test_invalid_arguments_are_rejected(call, message):
    net = Network((Dense(5), ReLU(), Dense(3)), (4,))
    with pytest.raises(UserError, match=message):
        call(net, net.init(np.random.default_rng(0)))


def test_custom_layers_have_the_kind_own():
    class Custom(Conv2D):
        __slots__ = ()

    assert list_layers(Network((Custom(2),), (5, 5, 1)))[0].kind == "own"
