"""Breaking it: the adversarial step, neurons switched off, a weight edited."""

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
def test_a_small_push_raises_the_loss_as_much_as_the_gradient_says(case):
    net, weights, x, y = case
    way = attack_direction(net, weights, x, y)
    before = backward(net, weights, x, y)
    np.testing.assert_array_equal(way, np.sign(before.dx))
    after = backward(net, weights, perturb(x, way, 1e-6, None), y)
    rise = 1e-6 * np.abs(before.dx).sum()
    assert after.loss - before.loss == pytest.approx(rise, rel=0.02, abs=1e-12)


@settings(deadline=None)
@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=9),
    st.floats(0, 2),
    st.integers(0, 2**31),
)
def test_pushed_pixels_stay_in_their_range(x, eps, seed):
    way = np.sign(np.random.default_rng(seed).normal(size=len(x)))
    moved = perturb(x, way, eps)
    assert moved.min() >= 0
    assert moved.max() <= 1
    assert np.abs(moved - x).max() <= eps + 1e-12


def test_the_network_falls_for_its_own_gradient_and_trees_are_asked(digit_net, digit_trees, mnist):
    net, weights = digit_net.network, digit_net.prediction_weights
    judges = {
        "net": lambda X: net.predict(X, weights),
        "xgboost": lambda X: digit_trees.predict_proba(X * 255),
    }
    x, y = mnist.table[60_000:60_040] / np.float32(255), mnist.y[60_000:60_040]
    falls = {"net": 0, "xgboost": 0}
    for row, label in zip(x, y, strict=True):
        result = attack_example(net, weights, row, int(label), 0.15, judges)
        assert result.x.min() >= 0
        assert result.x.max() <= 1
        for name, verdict in result.verdicts.items():
            falls[name] += verdict.falls
            np.testing.assert_allclose(verdict.before, judges[name](row[None])[0], rtol=1e-4)
            np.testing.assert_allclose(verdict.after, judges[name](result.x[None])[0], rtol=1e-4)
    assert falls["net"] > 30
    assert falls["net"] > falls["xgboost"]


def test_the_smallest_push_that_turns_an_answer(digit_net, mnist):
    net, weights = digit_net.network, digit_net.prediction_weights
    judge = lambda X: net.predict(X, weights)  # noqa: E731
    x, y = mnist.table[60_000] / np.float32(255), int(mnist.y[60_000])
    way = attack_direction(net, weights, x, y)
    result = find_smallest_eps(x, way, judge)
    assert result.answer_before == y != result.answer_after
    assert judge(perturb(x, way, result.eps)[None]).argmax() == result.answer_after
    assert judge(perturb(x, way, result.eps - 2e-5)[None]).argmax() == y
    assert find_smallest_eps(x, way, judge, max_eps=result.eps / 2).eps is None


def test_only_who_was_right_can_fall():
    answers = {
        "right, then wrong": ([0.9, 0.1], [0.2, 0.8], True),
        "right throughout": ([0.9, 0.1], [0.8, 0.2], False),
        "wrong, then right": ([0.1, 0.9], [0.8, 0.2], False),
        "wrong throughout": ([0.1, 0.9], [0.2, 0.8], False),
    }
    net = Network((Dense(2),), (3,))
    weights = net.init(np.random.default_rng(0))
    judges = {
        name: (lambda X, both=(before, after): np.array(both))
        for name, (before, after, _) in answers.items()
    }
    result = attack_example(net, weights, [0.1, 0.2, 0.3], 0, 0.1, judges).verdicts
    assert {name: result[name].falls for name in result} == {
        name: falls for name, (_, _, falls) in answers.items()
    }


def test_a_push_of_negative_strength_is_refused():
    with pytest.raises(UserError, match="eps must be at least 0"):
        perturb([0.5], np.ones(1), -0.1)


@pytest.mark.parametrize("activation", [ReLU(), Sigmoid(), Tanh()])
def test_a_unit_switched_off_adds_nothing_to_the_next_layer(activation):
    net = Network((Dense(5), activation, Dense(4), ReLU(), Dense(3)), (6,), dtype="float64")
    rng = np.random.default_rng(0)
    weights, x = net.init(rng), rng.normal(size=6)
    before = weights.theta.copy()
    off = ablate_units(net, weights, 1, [1, 3])
    np.testing.assert_array_equal(weights.theta, before)
    seen = forward(net, weights, x)
    a = seen.columns[1].a.copy()
    a[[1, 3]] = 0
    W, b = (net.layout[f"2.{name}"].view(weights.theta) for name in "Wb")
    np.testing.assert_allclose(forward(net, off, x).columns[2].z, a @ W + b, rtol=1e-12)


def test_a_channel_switched_off_adds_nothing_to_the_next_layer():
    net, weights, x = image_network(np.random.default_rng(0))
    for layer, path, after in ((1, "3", "4"), (2, "6", "7")):
        off = ablate_units(net, weights, layer, [2])
        given_ = forward(net, weights, x).layer(path).output.copy()
        n = {1: 3, 2: 4}[layer]
        given_.reshape(-1, n)[:, 2] = 0
        rest = Network(net.layers[int(after) :], given_.shape, dtype="float64")
        theta = np.concatenate(
            [
                net.layout[f"{i + int(after)}.{name}"].view(weights.theta).reshape(-1)
                for name in "Wb"
                for i, layer_ in enumerate(rest.layers)
                if rest.nodes[i].plan.params
            ]
        )
        expected = rest.predict(given_[None], type(weights)(theta, np.empty(0)))[0]
        np.testing.assert_allclose(forward(net, off, x).answers, expected, rtol=1e-10)


def test_one_weight_becomes_another():
    net = Network((Dense(5), ReLU(), Dense(3)), (6,), dtype="float64")
    rng = np.random.default_rng(0)
    weights, x = net.init(rng), rng.normal(size=6)
    changed = set_weight(net, weights, 2, 1, 4, 2.5)
    different = np.flatnonzero(changed.theta != weights.theta)
    assert len(different) == 1
    assert net.layout["2.W"].view(changed.theta)[4, 1] == 2.5
    bias = set_weight(net, weights, 1, 0, None, -1.0)
    assert net.layout["0.b"].view(bias.theta)[0] == -1
    seen = measure_effect(net, weights, bias, x)
    np.testing.assert_array_equal(seen.before, net.predict(x[None], weights)[0])
    np.testing.assert_array_equal(seen.after, net.predict(x[None], bias)[0])
    assert seen.turned == (seen.before.argmax() != seen.after.argmax())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda n, w: ablate_units(n, w, 2, [0]), "only units of hidden layers"),
        (lambda n, w: ablate_units(n, w, "1", [0]), "only units of hidden layers"),
        (lambda n, w: ablate_units(n, w, 1, [0, 5]), "unit must be from 0 to 4 in Dense"),
        (lambda n, w: set_weight(n, w, "1", 0, 0, 1), "layer must be a dense layer"),
        (lambda n, w: set_weight(n, w, 1, 0, 6, 1), "index must be from 0 to 5"),
        (lambda n, w: set_weight(n, w, 1, 0, 0, float("nan")), "must be a finite"),
        (lambda n, w: set_weight(n, w, 1, 0, 0, 1e300), "must be a finite float32"),
    ],
)
def test_mistakes_are_told_in_a_line(call, message):
    net = Network((Dense(5), ReLU(), Dense(3)), (6,))
    with pytest.raises(UserError, match=message):
        call(net, net.init(np.random.default_rng(0)))


def test_units_that_bypass_a_block_cannot_be_ablated():
    net = Network((Dense(4), Residual((Dense(4), Tanh())), Dense(3)), (6,))
    with pytest.raises(UserError, match="bypass a block"):
        ablate_units(net, net.init(np.random.default_rng(0)), 1, [0])
    assert list_layers(net)[0].number == 1


@settings(max_examples=30, deadline=None)
@given(networks(), st.data())
def test_a_sweep_answers_as_the_edited_network_does(case, data):
    net, weights, x, _ = case
    dense = [p for p in list_layers(net) if isinstance(p.layer, Dense) and "." not in p.path]
    place = data.draw(st.sampled_from(dense))
    unit = data.draw(st.integers(0, place.layer.units - 1))
    index = data.draw(st.none() | st.integers(0, place.shape_in[0] - 1))
    result = sweep_weight(net, weights, x, place.path, unit, index, reach=5, steps=11)
    assert len(result.values) == 11
    assert result.values[5] == result.now
    for value, answers in zip(result.values, result.answers, strict=True):
        edited = set_weight(net, weights, place.path, unit, index, value)
        np.testing.assert_allclose(answers, forward(net, edited, x).answers, atol=1e-9)
    best = result.answers.argmax(axis=1)
    assert len(result.turns) == (best[1:] != best[:-1]).sum()
    for turn in result.turns:
        sides = []
        for nudge in (-1e-4, 1e-4):
            edited = set_weight(net, weights, place.path, unit, index, turn.value + nudge)
            sides.append(forward(net, edited, x).answers)
        # On its two sides stand the two answers, or they are all but equal there.
        for answers, best in zip(sides, (turn.below, turn.above), strict=True):
            assert answers[best] >= answers.max() - 1e-3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 4}, "steps must be odd"),
        ({"reach": 0}, "reach must be above 0"),
        ({"reach": float("nan")}, "reach must be above 0"),
        ({"index": 6}, "index must be from 0 to 5"),
        ({"layer": "1"}, "must be a dense layer of the row"),
    ],
)
def test_sweeps_that_cannot_be_are_refused(options, message):
    net = Network((Dense(5), ReLU(), Dense(3)), (6,))
    with pytest.raises(UserError, match=message):
        sweep_weight(
            net,
            net.init(np.random.default_rng(0)),
            [0.0] * 6,
            **({"layer": 1, "unit": 0, "index": 0} | options),
        )
