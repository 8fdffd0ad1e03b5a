"""Optimizer wrappers: clipping, max-norm, decay and rates by role, alone and nested."""

from __future__ import annotations

import copy
import itertools
import pickle
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from graduel.layout import Layout
from graduel.optim import (
    SGD,
    AdaGrad,
    AdamW,
    ByRole,
    ClipNorm,
    ClipValue,
    Decay,
    Lion,
    MaxNorm,
    Muon,
    RMSProp,
    chunking,
)

LAYOUT = Layout.build(
    [
        ("0.W", (2, 2, 3, 4), "weight"),
        ("0.b", (4,), "bias"),
        ("1.gamma", (4,), "scale"),
        ("2.W", (4, 3), "weight"),
        ("2.a", (3,), "weight"),
        ("2.b", (3,), "bias"),
        ("3.r", (5,), "own"),
    ]
)
WRAPPERS = {
    "ClipNorm": lambda rule: ClipNorm(rule, 0.7),
    "ClipValue": lambda rule: ClipValue(rule, 0.2),
    "MaxNorm": lambda rule: MaxNorm(rule, 1.1),
    "Decay": lambda rule: Decay(rule, {"bias": 0.1, "own": 0.3}),
    "ByRole": lambda rule: ByRole(rule, {"bias": 2.0, "own": 0.5}, {"scale": SGD(0.9)}),
}


def draw(seed=0, steps=None):
    rng = np.random.default_rng(seed)
    size = LAYOUT.size if steps is None else (steps, LAYOUT.size)
    return rng.normal(size=size)


def run(rule, theta, grads, lr=0.1, layout=LAYOUT):
    theta = theta.copy()
    state = rule.init(layout, theta.dtype)
    for g in grads:
        rule.update(theta, g.copy(), state, lr)
    return theta


@pytest.mark.parametrize("inner", [SGD(0.9), AdamW(), Muon()], ids=repr)
def test_clipped_gradients_equal_gradients_clipped_by_hand(inner):
    theta, grads = draw(0), draw(1, 5)
    grads[1] = -abs(grads[1])
    by_norm = [g * min(1, 0.7 / np.sqrt((g**2).sum())) for g in grads]
    by_value = [np.clip(g, -0.2, 0.2) for g in grads]
    for rule, clipped in ((ClipNorm(inner, 0.7), by_norm), (ClipValue(inner, 0.2), by_value)):
        np.testing.assert_allclose(run(rule, theta, grads), run(inner, theta, clipped), rtol=1e-9)


@pytest.mark.parametrize("make", [ClipNorm, ClipValue])
def test_small_gradients_and_weights_are_unchanged(make):
    g = draw(2)
    np.testing.assert_array_equal(run(make(SGD(), 1e3), 0 * g, [g]), run(SGD(), 0 * g, [g]))


@settings(deadline=None)
@given(hnp.arrays(np.float32, st.integers(1, 40), elements=st.floats(width=32, allow_nan=False)))
def test_norm(vector):
    found = chunking.norm(vector)
    if not np.isfinite(vector).all():
        assert np.isnan(found)
    else:
        expected = np.sqrt((vector.astype(np.float64) ** 2).sum())
        assert found == pytest.approx(expected, rel=1e-5, abs=1e-18)


def test_norm_of_long_vectors(monkeypatch):
    vector = np.random.default_rng(3).normal(size=1000).astype(np.float32)
    expected = np.linalg.norm(vector.astype(np.float64))
    assert chunking.norm(vector) == pytest.approx(expected, rel=1e-6)
    monkeypatch.setattr(chunking, "CHUNK", 64)
    assert chunking.norm(vector) == pytest.approx(expected, rel=1e-6)
    vector *= np.float32(1e25)
    expected = np.linalg.norm(vector.astype(np.float64))
    assert chunking.norm(vector) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("make", [ClipNorm, ClipValue])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_gradients_that_are_not_finite_are_passed_on(make, bad):
    g = draw(4).astype(np.float32)
    g[3] = bad
    theta = run(make(SGD(), 1.0), np.zeros_like(g), [g])
    assert not np.isfinite(theta[3])
    assert np.isfinite(np.delete(theta, 3)).all()


def test_a_huge_but_finite_gradient_is_clipped():
    g = np.full(LAYOUT.size, 1e30, np.float32)
    theta = run(ClipNorm(SGD(), 1.0), np.zeros_like(g), [g], lr=1.0)
    np.testing.assert_allclose(theta, -1 / np.sqrt(len(g)), rtol=1e-5)


def columns(theta):
    return {
        name: LAYOUT[name].view(theta).reshape(-1, LAYOUT[name].shape[-1])
        for name in ("0.W", "2.W")
    }


def test_max_norm_bounds_the_incoming_weights_of_each_unit_and_nothing_else():
    theta, grads = draw(5), draw(6, 1)
    free, bound = run(SGD(), theta, grads), run(MaxNorm(SGD(), 1.5), theta, grads)
    for name, W in columns(free).items():
        lengths = np.sqrt((W**2).sum(axis=0))
        assert (lengths > 1.5).any()
        expected = W * np.minimum(1, 1.5 / lengths)
        np.testing.assert_allclose(columns(bound)[name], expected, rtol=1e-12)
    for entry in LAYOUT.entries:
        if entry.name not in columns(free):
            np.testing.assert_array_equal(entry.view(bound), entry.view(free))
    zero = run(MaxNorm(SGD(), 1.5), 0 * theta, 0 * grads)
    assert not zero.any()


def test_a_sublayout_covers_adjacent_entries():
    theta, grads = draw(18), draw(19, 1)
    layout = Layout.build((f"{i}.W", (4, 4), "weight") for i in range(4))
    rule = Muon(others=MaxNorm(SGD(), 0.5))
    moved = run(rule, theta[:64], grads[:, :64], layout=layout).reshape(4, 4, 4)
    longest = np.sqrt((moved**2).sum(axis=1)).max(axis=1)
    assert longest[0] == pytest.approx(0.5)
    assert longest[3] == pytest.approx(0.5)
    assert min(longest[1:3]) > 0.6


def test_decay_applies_to_the_named_roles():
    theta = draw(7)
    moved = run(Decay(SGD(), {"bias": 0.5, "own": 2.0}), theta, [0 * theta], lr=0.1)
    factors = {"bias": 0.95, "own": 0.8}
    for entry in LAYOUT.entries:
        expected = entry.view(theta) * factors.get(entry.role, 1.0)
        np.testing.assert_allclose(entry.view(moved), expected, rtol=1e-12)


def test_decay_of_weights_equals_the_rules_weight_decay():
    theta, grads = draw(8), draw(9, 6)
    around = Decay(AdamW(weight_decay=0), {"weight": 0.3})
    np.testing.assert_array_equal(
        run(around, theta, grads), run(AdamW(weight_decay=0.3), theta, grads)
    )


def test_by_role_applies_each_rule_to_its_role():
    theta, grads = draw(10), draw(11, 70)
    rule = ByRole(
        AdamW(),
        rates={"bias": 2.0, "scale": 0.0},
        rules={"own": Lion(), "weight": Muon(first=True)},
    )
    moved = run(rule, theta, grads, lr=0.01)
    alone = {"weight": (Muon(first=True), 1), "bias": (AdamW(), 2), "own": (Lion(), 1)}
    for role, where in LAYOUT.roles.items():
        own, rate = alone.get(role, (AdamW(), 0))
        layout = Layout.build((e.name, e.shape, e.role) for e in LAYOUT.entries if e.role == role)
        expected = run(own, theta[where], grads[:, where], 0.01 * rate, layout)
        np.testing.assert_array_equal(moved[where], expected)


def test_by_role_without_options_equals_the_rule():
    theta, grads = draw(12), draw(13, 5)
    for rule in (SGD(0.9), AdamW(), RMSProp(), AdaGrad(), Lion()):
        np.testing.assert_array_equal(
            run(ByRole(rule), theta, grads), run(rule, theta, grads), repr(rule)
        )


NESTS = list(itertools.permutations(WRAPPERS, 3))


@pytest.mark.parametrize("names", NESTS[:: len(NESTS) // 20], ids="-".join)
@pytest.mark.parametrize("inner", [AdamW(), Muon(others=Decay(SGD(0.9), {"own": 0.1}))], ids=repr)
def test_wrappers_nest_in_any_order(names, inner):
    rule = inner
    for name in names:
        rule = WRAPPERS[name](rule)
    theta, grads = draw(14).astype(np.float32), draw(15, 6).astype(np.float32)
    state = rule.init(LAYOUT, theta.dtype)
    for g in grads[:3]:
        rule.update(theta, g.copy(), state, 0.05)
    again, other = theta.copy(), copy.deepcopy(state)
    for g in grads[3:]:
        rule.update(theta, g.copy(), state, 0.05)
        rule.update(again, g.copy(), other, 0.05)
    np.testing.assert_array_equal(again, theta)
    assert theta.dtype == np.float32
    assert np.isfinite(theta).all()
    if "MaxNorm" in names:
        outside = names[names.index("MaxNorm") + 1 :]
        for W in columns(theta).values() if not outside else ():
            assert (np.sqrt((W**2).sum(axis=0)) <= 1.1 * (1 + 1e-6)).all()


@pytest.mark.parametrize("name", WRAPPERS)
def test_wrappers_compare_by_value(name):
    rule = WRAPPERS[name](AdamW())
    assert eval(repr(rule)) == pickle.loads(pickle.dumps(rule)) == rule
    assert hash(rule) == hash(copy.deepcopy(rule))
    assert rule != WRAPPERS[name](SGD())


def test_mappings_are_stored_sorted():
    one = ByRole(SGD(), {"scale": 0.5, "bias": 2.0}, {"own": Lion(), "bias": SGD()})
    two = ByRole(SGD(), {"bias": 2.0, "scale": 0.5}, {"bias": SGD(), "own": Lion()})
    assert one == two
    assert one.rates == (("bias", 2.0), ("scale", 0.5))


@pytest.mark.parametrize("name", WRAPPERS)
def test_a_wrapped_step_allocates_no_array_of_the_size_of_theta(name, monkeypatch):
    monkeypatch.setattr(chunking, "CHUNK", 4096)
    shapes = [("0.W", (300, 200), "weight"), ("0.b", (200,), "bias"), ("0.s", (9,), "scale")]
    layout = Layout.build([*shapes, ("0.r", (9,), "own")])
    theta, g = np.ones((2, layout.size), np.float32)
    rule = WRAPPERS[name](SGD())
    state = rule.init(layout, np.float32)
    rule.update(theta, g, state, 0.01)
    g.fill(1)
    theta.fill(1)
    tracemalloc.start()
    try:
        rule.update(theta, g, state, 0.01)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < theta.nbytes / 4


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ClipNorm(SGD(), 0), "maximum must be above 0; got 0"),
        (lambda: ClipValue(SGD(), -1), "maximum must be above 0; got -1"),
        (lambda: MaxNorm(SGD(), float("nan")), "maximum must be above 0; got nan"),
        (lambda: Decay(SGD(), {"bias": -1}), "the decay of 'bias' must be at least 0; got -1"),
        (lambda: ByRole(SGD(), {"bias": -1}), "the rate of 'bias' must be at least 0; got -1"),
    ],
)
def test_parameters_out_of_range_raise(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    "rule",
    [
        Decay(SGD(), {"wieght": 0.1}),
        ByRole(SGD(), {"wieght": 0.1}),
        ByRole(SGD(), rules={"wieght": SGD()}),
        ClipNorm(ByRole(Decay(SGD(), {"wieght": 0.1})), 1.0),
    ],
    ids=repr,
)
def test_unknown_roles_raise_and_known_ones_are_listed(rule):
    message = (
        "role must be one of 'weight', 'bias', 'scale', 'embedding', 'periodic', 'activation', "
        "'ensemble', 'own'; got 'wieght'"
    )
    with pytest.raises(ValueError, match=message):
        rule.init(LAYOUT, "float64")


def test_built_in_roles_may_be_named_if_absent():
    rule = ByRole(Decay(SGD(), {"embedding": 0.1}), {"embedding": 2.0}, {"embedding": AdamW()})
    theta, grads = draw(16), draw(17, 2)
    np.testing.assert_array_equal(run(rule, theta, grads), run(SGD(), theta, grads))
