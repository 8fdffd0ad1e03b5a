"""Update rules against naive ones, one tensor at a time, as the papers write them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graduel.layout import Layout
from graduel.optim import SGD, Adam, AdamW, base
from graduel.optim.base import FLUSH_EVERY

SHAPES = [("0.W", (3, 4), "weight"), ("0.b", (4,), "bias"), ("1.W", (4, 2), "weight")]
RULES = [
    SGD(),
    SGD(momentum=0.9),
    SGD(momentum=0.5, weight_decay=0.1),
    SGD(momentum=0.9, weight_decay=0.1, nesterov=True),
    Adam(),
    AdamW(),
    AdamW(beta1=0.5, beta2=0.9, eps=1e-3, weight_decay=0.3),
    AdamW(weight_decay=0.0),
]


def naive(rule, theta, grads, lr, decays):
    """Step as the formulas say, in float64, without any scaling of moments."""
    theta, m, v = theta.copy(), np.zeros_like(theta), np.zeros_like(theta)
    for t, g in enumerate(grads, 1):
        if decays:
            theta = theta * (1 - lr * rule.weight_decay)
        if isinstance(rule, SGD):
            m = rule.momentum * m + g
            theta = theta - lr * (g + rule.momentum * m if rule.nesterov else m)
        else:
            m = rule.beta1 * m + (1 - rule.beta1) * g
            v = rule.beta2 * v + (1 - rule.beta2) * g**2
            m_hat, v_hat = m / (1 - rule.beta1**t), v / (1 - rule.beta2**t)
            theta = theta - lr * m_hat / (np.sqrt(v_hat) + rule.eps)
    return theta


@pytest.mark.parametrize("rule", RULES, ids=repr)
@pytest.mark.parametrize("lr", [1e-3, 0.5])
def test_a_rule_equals_the_naive_one_tensor_by_tensor(rule, lr):
    layout, rng = Layout.build(SHAPES), np.random.default_rng(0)
    theta = rng.normal(size=layout.size)
    grads = rng.normal(size=(150, layout.size))
    expected = {
        e.name: naive(
            rule, e.view(theta), [e.view(g) for g in grads], lr, decays=e.role == "weight"
        )
        for e in layout.entries
    }
    state = rule.init(layout, theta.dtype)
    for g in grads:
        before = g.copy()
        rule.update(theta, g, state, lr)
        np.testing.assert_array_equal(g, before)
    for e in layout.entries:
        np.testing.assert_allclose(e.view(theta), expected[e.name], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_chunks_make_no_difference(rule, monkeypatch):
    layout = Layout.build([("0.W", (500,), "weight"), ("0.b", (17,), "bias")])
    rng = np.random.default_rng(1)
    start, grads = rng.normal(size=layout.size), rng.normal(size=(70, layout.size))
    ends = []
    for size in (10_000, 517, 64, 1):
        monkeypatch.setattr(base, "CHUNK", size)
        theta = start.copy()
        state = rule.init(layout, theta.dtype)
        for g in grads:
            rule.update(theta, g, state, 0.1)
        ends.append(theta)
    for end in ends[1:]:
        np.testing.assert_array_equal(end, ends[0])


@pytest.mark.parametrize("beta", [0.0, 0.05, 0.3, 0.5])
def test_a_short_memory_is_not_taken_for_a_denormal_number(beta):
    rule, layout = AdamW(beta1=beta, beta2=beta, eps=1e-3), Layout.build([("x", (9,), "bias")])
    rng = np.random.default_rng(2)
    theta, grads = rng.normal(size=9), 1e-3 * rng.normal(size=(FLUSH_EVERY + 2, 9))
    expected = naive(rule, theta, grads, 0.1, decays=False)
    theta, state = theta.astype(np.float32), rule.init(layout, np.float32)
    for g in grads:
        rule.update(theta, g.astype(np.float32), state, 0.1)
    np.testing.assert_allclose(theta, expected, rtol=2e-4, atol=2e-4)


def parabola(x):
    return np.array([2.0, 20.0]) * x


def rosenbrock(x):
    a, b = x
    return np.array([-2 * (1 - a) - 400 * a * (b - a * a), 200 * (b - a * a)])


@pytest.mark.parametrize(
    ("rule", "gradient", "start", "end", "lr", "steps"),
    [
        (SGD(), parabola, (3, -2), (0, 0), 0.05, 300),
        (SGD(momentum=0.9), parabola, (3, -2), (0, 0), 0.02, 400),
        (AdamW(weight_decay=0), parabola, (3, -2), (0, 0), 0.05, 800),
        (SGD(momentum=0.9, nesterov=True), parabola, (3, -2), (0, 0), 0.02, 400),
        (SGD(momentum=0.9), rosenbrock, (-1, 1), (1, 1), 2e-4, 20_000),
        (AdamW(weight_decay=0), rosenbrock, (-1, 1), (1, 1), 0.02, 6_000),
    ],
    ids=lambda value: getattr(value, "__name__", repr(value)),
)
def test_a_rule_finds_the_minimum(rule, gradient, start, end, lr, steps):
    theta = np.array(start, np.float64)
    state = rule.init(Layout.build([("x", (2,), "scale")]), theta.dtype)
    for _ in range(steps):
        rule.update(theta, gradient(theta), state, lr)
    np.testing.assert_allclose(theta, end, atol=1e-3)


@pytest.mark.parametrize("rule", [SGD(momentum=0.9), AdamW()], ids=repr)
def test_moments_never_become_denormal(rule):
    layout = Layout.build([("0.W", (50,), "weight")])
    theta, state = np.ones(50, np.float32), None
    state = rule.init(layout, np.float32)
    tiny = np.finfo(np.float32).tiny
    rule.update(theta, np.full(50, 1e-3, np.float32), state, 1e-3)
    for _ in range(20 * FLUSH_EVERY):
        rule.update(theta, np.zeros(50, np.float32), state, 1e-3)
        for moment in state.moments:
            assert ((moment == 0) | (np.abs(moment) >= tiny)).all()
    assert not state.moments[0].any()


@settings(deadline=None)
@given(st.floats(0, 0.99), st.floats(0, 10), st.integers(1, 40))
def test_sgd_keeps_float32_and_its_shape(momentum, decay, n):
    rule, layout = SGD(momentum, decay), Layout.build([("0.W", (n,), "weight")])
    theta = np.ones(n, np.float32)
    rule.update(theta, np.ones(n, np.float32), rule.init(layout, theta.dtype), 0.01)
    np.testing.assert_allclose(theta, 1 - 0.01 * decay - 0.01, rtol=1e-5)
    assert theta.dtype == np.float32


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGD(momentum=1), "momentum must be at least 0 and below 1; got 1"),
        (lambda: SGD(weight_decay=-1), "weight_decay must be at least 0; got -1"),
        (lambda: AdamW(beta2=1.5), "beta2 must be at least 0 and below 1; got 1.5"),
        (lambda: AdamW(eps=-1), "eps must be at least 0"),
        (lambda: SGD(nesterov=True), "nesterov needs a momentum above 0"),
    ],
)
def test_numbers_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_layout_is_ordered_by_role_and_names_differ():
    layout = Layout.build([("a", (2,), "own"), ("b", (3,), "bias"), ("c", (4,), "weight")])
    assert [(e.name, e.start, e.stop) for e in layout.entries] == [
        ("c", 0, 4),
        ("b", 4, 7),
        ("a", 7, 9),
    ]
    assert layout.roles == {"weight": slice(0, 4), "bias": slice(4, 7), "own": slice(7, 9)}
    with pytest.raises(ValueError, match="names in a layout must differ"):
        Layout.build([("a", (2,), "bias"), ("a", (2,), "bias")])
