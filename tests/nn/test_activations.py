"""Activations against their formulas, also far from zero and for NaN, views and images."""

from __future__ import annotations

import json
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import special

from graduel.nn import (
    ELU,
    GELU,
    SELU,
    Call,
    Constant,
    Dense,
    Flatten,
    HardSwish,
    Identity,
    LeakyReLU,
    Mish,
    Network,
    Normal,
    ParametricReLU,
    ReLU,
    Scale,
    Sigmoid,
    SiLU,
    Softplus,
    Tanh,
    check_coordinates,
    check_gradients,
    check_poison,
)

LAMBDA, ALPHA = 1.0507009873554805, 1.6732632423543772


def elu(x, alpha, scale=1.0):
    return scale * np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def cubic(x):
    near = np.clip(x, -100, 100)
    return x * (1 + np.tanh(np.sqrt(2 / np.pi) * (near + 0.044715 * near**3))) / 2


# layer, formula, derivative at −∞ and at +∞
TABLE = [
    (Identity(), lambda x: x, 1, 1),
    (ReLU(), lambda x: np.where(x > 0, x, 0), 0, 1),
    (LeakyReLU(), lambda x: np.where(x > 0, x, 0.01 * x), 0.01, 1),
    (LeakyReLU(0), lambda x: np.where(x > 0, x, 0), 0, 1),
    (LeakyReLU(1), lambda x: x, 1, 1),
    (ParametricReLU(), lambda x: np.where(x > 0, x, 0.25 * x), 0.25, 1),
    (ParametricReLU(Constant(-2.0)), lambda x: np.where(x > 0, x, -2 * x), -2, 1),
    (Sigmoid(), special.expit, 0, 0),
    (Tanh(), np.tanh, 0, 0),
    (Softplus(), lambda x: np.logaddexp(0, x), 0, 1),
    (ELU(), lambda x: elu(x, 1), 0, 1),
    (ELU(0.5), lambda x: elu(x, 0.5), 0, 1),
    (ELU(3.0), lambda x: elu(x, 3), 0, 1),
    (SELU(), lambda x: elu(x, ALPHA, LAMBDA), 0, LAMBDA),
    (SiLU(), lambda x: x * special.expit(x), 0, 1),
    (GELU(), lambda x: x * special.ndtr(x), 0, 1),
    (GELU(approximate=True), cubic, 0, 1),
    (Mish(), lambda x: x * np.tanh(np.logaddexp(0, x)), 0, 1),
    (HardSwish(), lambda x: x * np.clip(x / 6 + 0.5, 0, 1), 0, 1),
]
LAYERS = [row[0] for row in TABLE]
DTYPES = ["float32", "float64"]


def ids(part):
    return repr(part) if part in LAYERS else ""


def apply(layer, x, dy=None):
    """Return y, and if dy is given also dx and the gradient by θ, as copies."""
    net = Network((layer,), x.shape[1:], dtype=x.dtype.name)
    ws = net.workspace(net.init(np.random.default_rng(0)))
    call = Call(train=True)
    y = net.forward(x, ws, call)
    if dy is None:
        return y.copy()
    dx = layer.backward(dy, ws.scopes[0], call)
    return y.copy(), dx.copy(), ws.gradient.copy()


def arrays(dtype, size):
    """Draw a batch of rows or images with small and very large numbers."""
    shapes = hnp.array_shapes(min_dims=2, max_dims=4, max_side=5)
    elements = st.one_of(st.floats(-9, 9, width=32), st.floats(-size, size, width=32))
    return hnp.arrays(dtype, shapes, elements=elements)


@pytest.mark.parametrize(("layer", "formula"), [row[:2] for row in TABLE], ids=ids)
@settings(max_examples=60, deadline=None)
@given(x=arrays(np.float64, 2.0**100))
def test_an_activation_equals_its_formula(layer, formula, x):
    y = apply(layer, x)
    assert y.shape == x.shape
    assert (np.abs(y - formula(x)) <= 1e-15 * np.maximum(1, np.abs(x))).all()


@pytest.mark.parametrize(("layer", "formula"), [row[:2] for row in TABLE], ids=ids)
@settings(max_examples=30, deadline=None)
@given(x=arrays(np.float32, 2.0**100))
def test_float32_is_float64_to_rounding(layer, formula, x):
    y, dx, _ = apply(layer, x, np.ones_like(x))
    assert y.dtype == dx.dtype == np.float32
    exact = x.astype(np.float64)
    assert (np.abs(y - formula(exact)) <= 6e-7 * np.maximum(1, np.abs(exact))).all()
    np.testing.assert_allclose(dx, apply(layer, exact, np.ones_like(exact))[1], atol=4e-6)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("layer", "left", "right"), [(r[0], *r[2:]) for r in TABLE], ids=ids)
def test_far_from_zero_nothing_overflows(layer, left, right, dtype):
    x = np.array([[-1e30, -1e4, -500.0, 500.0, 1e4, 1e30]], dtype)
    with np.errstate(all="raise", under="ignore"):
        y, dx, _ = apply(layer, x, np.ones_like(x))
    assert np.isfinite(y).all()
    # A float32 sigmoid stays above 1e-38; times 1e30 that is 2e-8, not 0.
    np.testing.assert_allclose(dx, [[left] * 3 + [right] * 3], rtol=1e-6, atol=3e-8)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layer", LAYERS, ids=ids)
def test_nan_is_passed_on(layer, dtype):
    x = np.array([[0.5, np.nan, -1.0]], dtype)
    np.testing.assert_array_equal(np.isnan(apply(layer, x)), np.isnan(x))


@pytest.mark.parametrize("layer", LAYERS, ids=ids)
def test_views_and_copies_give_the_same(layer):
    rng = np.random.default_rng(1)
    x, dy = rng.normal(0, 2, size=(2, 4, 3, 5))
    strided = np.asfortranarray(x), np.asfortranarray(dy)
    before = x.copy()
    got, expected = apply(layer, *strided), apply(layer, x, dy.copy())
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)
    np.testing.assert_array_equal(strided[0], before)


@pytest.mark.parametrize("layer", [*LAYERS, Scale()], ids=ids)
def test_an_activation_of_images_has_the_right_gradient(layer):
    rng = np.random.default_rng(2)
    net = Network((layer, Flatten(), Dense(3)), (3, 2, 4), dtype="float64")
    x, y = rng.normal(0, 2, size=(5, 3, 2, 4)), rng.integers(3, size=5)
    check_gradients(net, x, y, rng=rng)
    check_coordinates(net, x[:2], y[:2], rng=rng)
    check_poison(net, x, y, rng=rng)
    assert Network.from_spec(json.loads(json.dumps(net.to_spec()))) == net


@pytest.mark.parametrize("layer", [*LAYERS, Scale()], ids=ids)
def test_backward_may_be_called_again_or_not_for_dx(layer):
    rng = np.random.default_rng(3)
    x, dy = rng.normal(size=(2, 6, 4))
    net = Network((layer,), (4,), dtype="float64")
    ws, call = net.workspace(net.init(rng)), Call(train=True)
    net.forward(x, ws, call)
    first = layer.backward(dy.copy(), ws.scopes[0], call).copy()
    g = ws.gradient.copy()
    ws.gradient.fill(np.nan)
    assert layer.backward(dy.copy(), ws.scopes[0], call, need_dx=False) is None
    np.testing.assert_array_equal(ws.gradient, g)
    np.testing.assert_array_equal(layer.backward(dy.copy(), ws.scopes[0], call), first)


@pytest.mark.parametrize("layer", [*LAYERS, Scale()], ids=ids)
def test_a_step_allocates_no_array_of_batch_size(layer):
    x = np.random.default_rng(4).normal(size=(1000, 512))
    dy = np.ones_like(x)
    net = Network((layer,), (512,), dtype="float64")
    ws, call = net.workspace(net.init(np.random.default_rng(0))), Call(train=True)
    for _ in range(2):
        tracemalloc.start()
        net.forward(x, ws, call)
        layer.backward(dy, ws.scopes[0], call)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < x.nbytes / 8


def test_trained_slopes_and_factors_are_per_channel():
    rng = np.random.default_rng(5)
    x, dy = rng.normal(size=(2, 6, 3, 2, 4))
    for layer, share in ((ParametricReLU(Normal(1.0)), np.minimum(x, 0)), (Scale(Normal(1.0)), x)):
        net = Network((layer,), x.shape[1:], dtype="float64")
        weights = net.init(rng)
        (s,) = (entry.view(weights.theta) for entry in net.layout.entries)
        assert list(net.layout.roles) == ["scale"]
        assert s.shape == (4,)
        ws, call = net.workspace(weights), Call(train=True)
        y = net.forward(x, ws, call)
        np.testing.assert_allclose(y, x - share + s * share)
        dx = layer.backward(dy.copy(), ws.scopes[0], call)
        np.testing.assert_allclose(dx, dy * np.where(share != 0, s, 1))
        np.testing.assert_allclose(ws.gradient, (dy * share).sum(axis=(0, 1, 2)))


def test_an_elu_is_smooth_where_alpha_is_one():
    assert ELU().smooth
    assert not ELU(0.5).smooth
    assert not ELU(2.0).smooth


def test_errors():
    with pytest.raises(ValueError, match="alpha must be above 0; got 0"):
        ELU(0)
    with pytest.raises(ValueError, match="slope must be at least 0 and at most 1; got -1"):
        LeakyReLU(-1)
    with pytest.raises(ValueError, match="slope must be at least 0 and at most 1; got nan"):
        LeakyReLU(float("nan"))
    with pytest.raises(ValueError, match=r"approximate must be True \(tanh\).*got 'none'"):
        GELU("none")
    for layer in (ParametricReLU(), Scale()):
        name = type(layer).__name__
        with pytest.raises(ValueError, match=rf"{name} expects.*last axis.*got \(\)\. Put Reshape"):
            Network((layer,), ())
