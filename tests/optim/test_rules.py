"""Update rules against naive implementations of the papers' formulas, tensor by tensor."""

from __future__ import annotations

import copy
import pickle
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graduel.layout import Layout
from graduel.optim import (
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    AMSGrad,
    Lion,
    Muon,
    RMSProp,
    chunking,
    optimizer,
)
from graduel.optim.optimizer import FLUSH_EVERY

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
    AdamW(beta1=0.5, beta2=0.9, eps=1e-2, weight_decay=0.3, hat=False),
    AMSGrad(),
    AMSGrad(beta1=0.5, beta2=0.6, eps=1e-3, weight_decay=0.3),
    AMSGrad(beta1=0.5, beta2=0.6, eps=1e-2, hat=False),
    AdaGrad(),
    AdaGrad(initial=0.5, eps=1e-3, weight_decay=0.3),
    RMSProp(),
    RMSProp(decay=0.5, eps=1e-3, momentum=0.8, weight_decay=0.3),
    Lion(),
    Lion(beta1=0.5, beta2=0.7, weight_decay=0.3),
    Muon(),
    Muon(first=True, last=True, others=SGD(0.5, weight_decay=0.2), others_rate=0.3),
    Muon(0.5, nesterov=False, weight_decay=0.3, steps=2, match_rms=False, first=True, last=True),
]


def naive(rule, theta, grads, lr, decays):
    """Take steps by the formulas, in float64 and without scaled moments."""
    if isinstance(rule, Muon) and not (decays and rule.first and rule.last):
        return naive(rule.others, theta, grads, lr * rule.others_rate, decays)
    theta, m, v, u = theta.copy(), *np.zeros((3, *theta.shape))
    for t, g in enumerate(grads, 1):
        if decays:
            theta = theta * (1 - lr * rule.weight_decay)
        if isinstance(rule, SGD):
            m = rule.momentum * m + g
            step = g + rule.momentum * m if rule.nesterov else m
        elif isinstance(rule, AdaGrad):
            v = v + g**2
            step = g / (np.sqrt(rule.initial + v) + rule.eps)
        elif isinstance(rule, RMSProp):
            v = rule.decay * v + (1 - rule.decay) * g**2
            m = rule.momentum * m + g / (np.sqrt(v) + rule.eps)
            step = m
        elif isinstance(rule, Lion):
            step = np.sign(rule.beta1 * m + (1 - rule.beta1) * g)
            m = rule.beta2 * m + (1 - rule.beta2) * g
        elif isinstance(rule, Muon):
            m = rule.momentum * m + (1 - rule.momentum) * g
            step = m if not rule.nesterov else (1 - rule.momentum) * g + rule.momentum * m
            n_in, n_out = g.shape
            k = 0.2 * max(n_in, n_out) ** 0.5 if rule.match_rms else max(1, n_out / n_in) ** 0.5
            step = k * equalized(step, rule.steps)
        else:
            m = rule.beta1 * m + (1 - rule.beta1) * g
            v = rule.beta2 * v + (1 - rule.beta2) * g**2
            u = np.maximum(u, v) if isinstance(rule, AMSGrad) else v
            m_hat, v_hat = m / (1 - rule.beta1**t), u / (1 - rule.beta2**t)
            step = m_hat / (np.sqrt(v_hat) + rule.eps)
            if not getattr(rule, "hat", True):
                step = m_hat * np.sqrt(1 - rule.beta2**t) / (np.sqrt(u) + rule.eps)
        theta = theta - lr * step
    return theta


def equalized(U, steps):
    """Apply Muon's polynomial to the singular values."""
    P, sigma, Q = np.linalg.svd(U, full_matrices=False)
    sigma = sigma / np.sqrt((sigma**2).sum())
    for _ in range(steps):
        sigma = 3.4445 * sigma - 4.775 * sigma**3 + 2.0315 * sigma**5
    return P * sigma @ Q


PENALIZING = [rule for rule in RULES if not isinstance(rule, Muon)]


@pytest.mark.parametrize("rule", PENALIZING, ids=repr)
def test_penalizing_rules_add_the_l2_penalty_to_the_gradient_of_weights(monkeypatch, rule):
    assert rule.penalizes
    monkeypatch.setattr(chunking, "CHUNK", 5)
    layout, rng = Layout.build(SHAPES), np.random.default_rng(0)
    theta, grads = rng.normal(size=layout.size), rng.normal(size=(7, layout.size))
    W, plain = layout.roles["weight"], theta.copy()
    mine, theirs = rule.init(layout, theta.dtype), rule.init(layout, theta.dtype)
    for g, penalty in zip(grads, (0.3, 0.3, 0.0, 2.0, 0.1, 0.1, 0.3), strict=True):
        squares, with_penalty = float(plain[W] @ plain[W]), g.copy()
        with_penalty[W] += penalty * plain[W]
        rule.update(plain, with_penalty, theirs, 0.1)
        mine.penalty = penalty
        rule.update(theta, g.copy(), mine, 0.1)
        assert mine.squares == pytest.approx(squares if penalty else 0)
    np.testing.assert_allclose(theta, plain, rtol=1e-12)


def moments(state):
    return getattr(state, "momentum", state).moments


@pytest.mark.parametrize("rule", RULES, ids=repr)
@pytest.mark.parametrize("lr", [1e-3, 0.5])
def test_rules_equal_naive_ones(rule, lr):
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
def test_results_do_not_depend_on_the_chunk_size(rule, monkeypatch):
    layout = Layout.build([("0.W", (20, 5), "weight"), ("0.b", (17,), "bias")])
    rng = np.random.default_rng(1)
    start, grads = rng.normal(size=layout.size), rng.normal(size=(67, layout.size))
    ends = []
    for size in (10_000, 117, 32, 1):
        monkeypatch.setattr(chunking, "CHUNK", size)
        theta = start.copy()
        state = rule.init(layout, theta.dtype)
        for g in grads:
            rule.update(theta, g, state, 0.1)
        ends.append(theta)
    for end in ends[1:]:
        # Muon divides by a norm, whose sum of squares depends on the chunks.
        np.testing.assert_allclose(end, ends[0], rtol=1e-9 if isinstance(rule, Muon) else 0)


@pytest.mark.parametrize("beta", [0.0, 0.05, 0.3, 0.5])
def test_small_decay_rates_do_not_flush_normal_numbers(beta):
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


ALL_MUON = Muon(weight_decay=0, match_rms=False, first=True, last=True)


@pytest.mark.parametrize(
    ("rule", "gradient", "start", "end", "lr", "steps", "decreasing"),
    [
        (SGD(), parabola, (3, -2), (0, 0), 0.05, 300, False),
        (SGD(momentum=0.9), parabola, (3, -2), (0, 0), 0.02, 400, False),
        (AdamW(weight_decay=0), parabola, (3, -2), (0, 0), 0.05, 800, False),
        (SGD(momentum=0.9, nesterov=True), parabola, (3, -2), (0, 0), 0.02, 400, False),
        (SGD(momentum=0.9), rosenbrock, (-1, 1), (1, 1), 2e-4, 20_000, False),
        (AdamW(weight_decay=0), rosenbrock, (-1, 1), (1, 1), 0.02, 6_000, True),
        (AMSGrad(weight_decay=0), parabola, (3, -2), (0, 0), 0.1, 800, False),
        (AMSGrad(weight_decay=0), rosenbrock, (-1, 1), (1, 1), 0.05, 6_000, False),
        (AdaGrad(), parabola, (3, -2), (0, 0), 1.0, 300, False),
        (AdaGrad(), rosenbrock, (-1, 1), (1, 1), 0.5, 8_000, False),
        # Steps that do not shrink with the gradient need a decreasing rate.
        (RMSProp(), parabola, (3, -2), (0, 0), 0.05, 800, True),
        (RMSProp(momentum=0.9), rosenbrock, (-1, 1), (1, 1), 0.002, 6_000, True),
        (Lion(weight_decay=0), parabola, (3, -2), (0, 0), 0.05, 800, True),
        (Lion(weight_decay=0), rosenbrock, (-1, 1), (1, 1), 0.003, 6_000, True),
        (ALL_MUON, parabola, (3, -2), (0, 0), 0.05, 800, True),
        (ALL_MUON, rosenbrock, (-1, 1), (1, 1), 0.02, 6_000, True),
    ],
    ids=lambda value: getattr(value, "__name__", repr(value)),
)
def test_rules_find_the_minimum(rule, gradient, start, end, lr, steps, decreasing):
    theta = np.array(start, np.float64)
    state = rule.init(Layout.build([("x", (2, 1), "weight")]), theta.dtype)
    for k in range(steps):
        rule.update(theta, gradient(theta), state, lr * (1 - k / steps) if decreasing else lr)
    np.testing.assert_allclose(theta, end, atol=1e-3)


def test_adagrad_flushes_denormal_sums():
    layout, rule = Layout.build([("0.b", (5,), "bias")]), AdaGrad()
    theta, state = np.ones(5, np.float32), rule.init(layout, np.float32)
    for _ in range(FLUSH_EVERY):
        rule.update(theta, np.full(5, 1e-21, np.float32), state, 1e-3)
    assert not state.moments[0].any()


@pytest.mark.parametrize(
    "rule",
    [
        SGD(momentum=0.9),
        AdamW(),
        AMSGrad(),
        RMSProp(momentum=0.9),
        Lion(beta2=0.9),
        replace(ALL_MUON, momentum=0.9),
    ],
    ids=repr,
)
def test_moments_never_become_denormal(rule):
    layout = Layout.build([("0.W", (10, 5), "weight")])
    theta, state = np.ones(50, np.float32), None
    state = rule.init(layout, np.float32)
    tiny = np.finfo(np.float32).tiny
    rule.update(theta, np.full(50, 1e-3, np.float32), state, 1e-3)
    for _ in range(20 * FLUSH_EVERY):
        rule.update(theta, np.zeros(50, np.float32), state, 1e-3)
        for moment in moments(state):
            assert ((moment == 0) | (np.abs(moment) >= tiny)).all()
    assert not moments(state)[-1 if isinstance(rule, RMSProp) else 0].any()
    assert np.isfinite(theta).all()


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_float32_stays_float32_and_follows_float64(rule):
    layout, rng = Layout.build(SHAPES), np.random.default_rng(3)
    theta = rng.normal(size=layout.size)
    single, double = theta.astype(np.float32), theta.copy()
    states = rule.init(layout, np.float32), rule.init(layout, np.float64)
    for _ in range(20):
        g = rng.normal(size=layout.size).astype(np.float32)
        rule.update(single, g, states[0], 0.01)
        rule.update(double, g.astype(np.float64), states[1], 0.01)
    assert {moment.dtype for moment in moments(states[0])} <= {np.dtype("float32")}
    np.testing.assert_allclose(single, double, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_a_step_allocates_no_array_of_the_size_of_theta(rule, monkeypatch):
    monkeypatch.setattr(chunking, "CHUNK", 4096)
    monkeypatch.setattr(optimizer, "FLUSH_EVERY", 2)
    layout = Layout.build(
        [("0.W", (900, 60), "weight"), ("1.W", (60, 600), "weight"), ("1.b", (600,), "bias")]
    )
    theta, g = np.ones((2, layout.size), np.float32)
    state = rule.init(layout, np.float32)
    rule.update(theta, g, state, 0.01)
    tracemalloc.start()
    try:
        for _ in range(2):
            rule.update(theta, g, state, 0.01)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < theta.nbytes / 4


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_a_state_can_be_pickled_and_resumed(rule):
    layout, rng = Layout.build(SHAPES), np.random.default_rng(4)
    theta, grads = rng.normal(size=layout.size), rng.normal(size=(2 * FLUSH_EVERY, layout.size))
    state, ends = rule.init(layout, theta.dtype), []
    for g in grads[:5]:
        rule.update(theta, g, state, 0.1)
    for other in (state, copy.deepcopy(state), pickle.loads(pickle.dumps(state))):
        ends.append(theta.copy())
        for g in grads[5:]:
            rule.update(ends[-1], g, other, 0.1)
    np.testing.assert_array_equal(ends[1], ends[0])
    np.testing.assert_array_equal(ends[2], ends[0])


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_rules_compare_by_value(rule):
    assert eval(repr(rule)) == pickle.loads(pickle.dumps(rule)) == rule
    assert hash(rule) == hash(replace(rule))


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
        (lambda: SGD(momentum=1.5), "momentum must be at least 0 and at most 1; got 1.5"),
        (lambda: SGD(weight_decay=-1), "weight_decay must be at least 0; got -1"),
        (lambda: AdamW(beta2=1.5), "beta2 must be at least 0 and below 1; got 1.5"),
        (lambda: AdamW(eps=-1), "eps must be at least 0"),
        (lambda: SGD(nesterov=True), "nesterov=True needs momentum above 0"),
        (lambda: AMSGrad(beta1=-0.1), "beta1 must be at least 0 and below 1; got -0.1"),
        (lambda: AdaGrad(initial=-1), "initial must be at least 0; got -1"),
        (lambda: AdaGrad(eps=float("nan")), "eps must be at least 0; got nan"),
        (lambda: AdaGrad(weight_decay=-1), "weight_decay must be at least 0"),
        (lambda: RMSProp(decay=1), "decay must be at least 0 and below 1; got 1"),
        (lambda: RMSProp(eps=-1), "eps must be at least 0"),
        (lambda: RMSProp(momentum=1), "momentum must be at least 0 and below 1"),
        (lambda: RMSProp(weight_decay=-1), "weight_decay must be at least 0"),
        (lambda: Lion(beta1=1), "beta1 must be at least 0 and below 1; got 1"),
        (lambda: Lion(beta2=1), "beta2 must be at least 0 and below 1; got 1"),
        (lambda: Lion(weight_decay=-1), "weight_decay must be at least 0"),
        (lambda: Muon(momentum=1), "momentum must be at least 0 and below 1; got 1"),
        (lambda: Muon(weight_decay=-1), "weight_decay must be at least 0"),
        (lambda: Muon(others_rate=-1), "others_rate must be at least 0; got -1"),
        (lambda: Muon(eps=0), "eps must be above 0; got 0"),
        (lambda: Muon(steps=0), "steps must be at least 1; got 0"),
    ],
)
def test_parameters_out_of_range_raise(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_layout_is_ordered_by_role_and_has_unique_names():
    layout = Layout.build([("a", (2,), "own"), ("b", (3,), "bias"), ("c", (4,), "weight")])
    assert [(e.name, e.start, e.stop) for e in layout.entries] == [
        ("c", 0, 4),
        ("b", 4, 7),
        ("a", 7, 9),
    ]
    assert layout.roles == {"weight": slice(0, 4), "bias": slice(4, 7), "own": slice(7, 9)}
    with pytest.raises(ValueError, match="unique names"):
        Layout.build([("a", (2,), "bias"), ("a", (2,), "bias")])
