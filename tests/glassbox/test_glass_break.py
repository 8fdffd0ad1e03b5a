"""Adversarial examples, ablated units, edited weights."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from table_glass import image_network, networks

from graduel.errors import UserError
from graduel.glassbox import (
    ablate_units,
    attack_direction,
    attack_example,
    backward,
    find_smallest_eps,
    forward,
    list_layers,
    measure_effect,
    perturb,
    set_weight,
    sweep_weight,
)
from graduel.nn import Dense, Network, ReLU, Residual, Sigmoid, Tanh


@settings(max_examples=50, deadline=None)
@given(networks(smooth=True))
def test_a_small_perturbation_raises_the_loss_as_predicted(case):
    net, weights, x, y = case
    direction = attack_direction(net, weights, x, y)
    before = backward(net, weights, x, y)
    np.testing.assert_array_equal(direction, np.sign(before.dx))
    after = backward(net, weights, perturb(x, direction, 1e-6, None), y)
    rise = 1e-6 * np.abs(before.dx).sum()
    assert after.loss - before.loss == pytest.approx(rise, rel=0.02, abs=1e-12)


@settings(deadline=None)
@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=9),
    st.floats(0, 2),
    st.integers(0, 2**31),
)
def test_perturbed_pixels_stay_in_range(x, eps, seed):
    direction = np.sign(np.random.default_rng(seed).normal(size=len(x)))
    moved = perturb(x, direction, eps)
    assert moved.min() >= 0
    assert moved.max() <= 1
    assert np.abs(moved - x).max() <= eps + 1e-12


def test_adversarial_examples_fool_the_network_more_than_the_trees(digit_net, digit_trees, mnist):
    net, weights = digit_net.network, digit_net.prediction_weights
    predictors = {
        "net": lambda X: net.predict(X, weights),
        "xgboost": lambda X: digit_trees.predict_proba(X * 255),
    }
    x, y = mnist.table[60_000:60_040] / np.float32(255), mnist.y[60_000:60_040]
    fooled = {"net": 0, "xgboost": 0}
    for row, label in zip(x, y, strict=True):
        result = attack_example(net, weights, row, int(label), 0.15, predictors)
        assert result.x.min() >= 0
        assert result.x.max() <= 1
        for name, outcome in result.outcomes.items():
            fooled[name] += outcome.fooled
            np.testing.assert_allclose(outcome.before, predictors[name](row[None])[0], rtol=1e-4)
            np.testing.assert_allclose(
                outcome.after, predictors[name](result.x[None])[0], rtol=1e-4
            )
    assert fooled["net"] > 30
    assert fooled["net"] > fooled["xgboost"]


def test_find_smallest_eps_brackets_the_change_of_class(digit_net, mnist):
    net, weights = digit_net.network, digit_net.prediction_weights
    predict = lambda X: net.predict(X, weights)  # noqa: E731
    x, y = mnist.table[60_000] / np.float32(255), int(mnist.y[60_000])
    direction = attack_direction(net, weights, x, y)
    result = find_smallest_eps(x, direction, predict)
    assert result.class_before == y != result.class_after
    assert predict(perturb(x, direction, result.eps)[None]).argmax() == result.class_after
    assert predict(perturb(x, direction, result.eps - 2e-5)[None]).argmax() == y
    assert find_smallest_eps(x, direction, predict, max_eps=result.eps / 2).eps is None


def test_only_a_correct_prediction_can_be_fooled():
    cases = {
        "correct, then wrong": ([0.9, 0.1], [0.2, 0.8], True),
        "correct throughout": ([0.9, 0.1], [0.8, 0.2], False),
        "wrong, then correct": ([0.1, 0.9], [0.8, 0.2], False),
        "wrong throughout": ([0.1, 0.9], [0.2, 0.8], False),
    }
    net = Network((Dense(2),), (3,))
    weights = net.init(np.random.default_rng(0))
    predictors = {
        name: (lambda X, both=(before, after): np.array(both))
        for name, (before, after, _) in cases.items()
    }
    result = attack_example(net, weights, [0.1, 0.2, 0.3], 0, 0.1, predictors).outcomes
    assert {name: result[name].fooled for name in result} == {
        name: fooled for name, (_, _, fooled) in cases.items()
    }


def test_a_negative_eps_is_rejected():
    with pytest.raises(UserError, match="eps must be at least 0"):
        perturb([0.5], np.ones(1), -0.1)


@pytest.mark.parametrize("activation", [ReLU(), Sigmoid(), Tanh()])
def test_an_ablated_unit_adds_nothing_to_the_next_layer(activation):
    net = Network((Dense(5), activation, Dense(4), ReLU(), Dense(3)), (6,), dtype="float64")
    rng = np.random.default_rng(0)
    weights, x = net.init(rng), rng.normal(size=6)
    before = weights.theta.copy()
    ablated = ablate_units(net, weights, 1, [1, 3])
    np.testing.assert_array_equal(weights.theta, before)
    a = forward(net, weights, x).columns[1].a.copy()
    a[[1, 3]] = 0
    W, b = (net.layout[f"2.{name}"].view(weights.theta) for name in "Wb")
    np.testing.assert_allclose(forward(net, ablated, x).columns[2].z, a @ W + b, rtol=1e-12)


def test_an_ablated_channel_adds_nothing_to_the_next_layer():
    net, weights, x = image_network(np.random.default_rng(0))
    for layer, path, after in ((1, "3", "4"), (2, "6", "7")):
        ablated = ablate_units(net, weights, layer, [2])
        output = forward(net, weights, x).layer(path).output.copy()
        n = {1: 3, 2: 4}[layer]
        output.reshape(-1, n)[:, 2] = 0
        rest = Network(net.layers[int(after) :], output.shape, dtype="float64")
        theta = np.concatenate(
            [
                net.layout[f"{i + int(after)}.{name}"].view(weights.theta).reshape(-1)
                for name in "Wb"
                for i, layer_ in enumerate(rest.layers)
                if rest.nodes[i].plan.params
            ]
        )
        expected = rest.predict(output[None], type(weights)(theta, np.empty(0)))[0]
        np.testing.assert_allclose(forward(net, ablated, x).predictions, expected, rtol=1e-10)


def test_set_weight_changes_one_weight():
    net = Network((Dense(5), ReLU(), Dense(3)), (6,), dtype="float64")
    rng = np.random.default_rng(0)
    weights, x = net.init(rng), rng.normal(size=6)
    changed = set_weight(net, weights, 2, 1, 4, 2.5)
    different = np.flatnonzero(changed.theta != weights.theta)
    assert len(different) == 1
    assert net.layout["2.W"].view(changed.theta)[4, 1] == 2.5
    bias = set_weight(net, weights, 1, 0, None, -1.0)
    assert net.layout["0.b"].view(bias.theta)[0] == -1
    effect = measure_effect(net, weights, bias, x)
    np.testing.assert_array_equal(effect.before, net.predict(x[None], weights)[0])
    np.testing.assert_array_equal(effect.after, net.predict(x[None], bias)[0])
    assert effect.class_changed == (effect.before.argmax() != effect.after.argmax())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda n, w: ablate_units(n, w, 2, [0]), "layer must be a hidden layer"),
        (lambda n, w: ablate_units(n, w, "1", [0]), "layer must be a hidden layer"),
        (lambda n, w: ablate_units(n, w, 1, [0, 5]), "unit must be from 0 to 4 in Dense"),
        (lambda n, w: set_weight(n, w, "1", 0, 0, 1), "layer must be a dense layer"),
        (lambda n, w: set_weight(n, w, 1, 0, 6, 1), "index must be from 0 to 5"),
        (lambda n, w: set_weight(n, w, 1, 0, 0, float("nan")), "value must be a finite"),
        (lambda n, w: set_weight(n, w, 1, 0, 0, 1e300), "value must be a finite float32"),
    ],
)
def test_invalid_edits_are_rejected(call, message):
    net = Network((Dense(5), ReLU(), Dense(3)), (6,))
    with pytest.raises(UserError, match=message):
        call(net, net.init(np.random.default_rng(0)))


def test_units_that_bypass_a_block_cannot_be_ablated():
    net = Network((Dense(4), Residual((Dense(4), Tanh())), Dense(3)), (6,))
    with pytest.raises(UserError, match="bypasses"):
        ablate_units(net, net.init(np.random.default_rng(0)), 1, [0])
    assert list_layers(net)[0].number == 1


@settings(max_examples=30, deadline=None)
@given(networks(), st.data())
def test_a_sweep_equals_the_edited_networks_predictions(case, data):
    net, weights, x, _ = case
    dense = [p for p in list_layers(net) if isinstance(p.layer, Dense) and "." not in p.path]
    place = data.draw(st.sampled_from(dense))
    unit = data.draw(st.integers(0, place.layer.units - 1))
    index = data.draw(st.none() | st.integers(0, place.shape_in[0] - 1))
    result = sweep_weight(net, weights, x, place.path, unit, index, reach=5, steps=11)
    assert len(result.values) == 11
    assert result.values[5] == result.now
    for value, predictions in zip(result.values, result.predictions, strict=True):
        edited = set_weight(net, weights, place.path, unit, index, value)
        np.testing.assert_allclose(predictions, forward(net, edited, x).predictions, atol=1e-9)
    best = result.predictions.argmax(axis=1)
    assert len(result.boundaries) == (best[1:] != best[:-1]).sum()
    for boundary in result.boundaries:
        sides = []
        for nudge in (-1e-4, 1e-4):
            edited = set_weight(net, weights, place.path, unit, index, boundary.value + nudge)
            sides.append(forward(net, edited, x).predictions)
        # Either side predicts the expected class, or the classes are nearly tied.
        for predictions, best in zip(sides, (boundary.below, boundary.above), strict=True):
            assert predictions[best] >= predictions.max() - 1e-3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 4}, "steps must be odd"),
        ({"reach": 0}, "reach must be above 0"),
        ({"reach": float("nan")}, "reach must be above 0"),
        ({"index": 6}, "index must be from 0 to 5"),
        ({"layer": "1"}, "must be a dense layer outside of blocks"),
    ],
)
def test_invalid_sweeps_are_rejected(options, message):
    net = Network((Dense(5), ReLU(), Dense(3)), (6,))
    with pytest.raises(UserError, match=message):
        sweep_weight(
            net,
            net.init(np.random.default_rng(0)),
            [0.0] * 6,
            **({"layer": 1, "unit": 0, "index": 0} | options),
        )
