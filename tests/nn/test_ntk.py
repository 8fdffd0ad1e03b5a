"""NTK parametrization, calibration, parametric activations and scheduled dropout."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_ensemble import allocated, alone

from graduel.nn import (
    ELU,
    INFERENCE,
    SELU,
    BatchNorm,
    Call,
    Constant,
    Dense,
    Dropout,
    EnsembleDense,
    EnsembleOutput,
    Flatten,
    Mish,
    Network,
    Normal,
    NTKDense,
    Parametric,
    ParametricReLU,
    Residual,
    Scale,
    Signs,
    Tanh,
    check_poison,
)
from graduel.nn.layers.ntk import calibrate_units


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 5), st.integers(1, 5), st.integers(1, 5), st.integers(0, 2**31))
def test_it_is_a_dense_layer_with_scaled_weights(n, i, o, seed):
    rng = np.random.default_rng(seed)
    layer, plain, x = NTKDense(o), Dense(o), rng.normal(size=(n, i))
    before, w, v = x.copy(), alone(layer, (i,), rng), alone(plain, (i,), rng)
    v.p.W[...], v.p.b[...] = w.p.W / np.sqrt(i), w.p.b
    np.testing.assert_allclose(
        layer.forward(x, w, INFERENCE), plain.forward(x, v, INFERENCE), atol=1e-13
    )
    dy = rng.normal(size=(n, o))
    expected = plain.backward(dy.copy(), v, INFERENCE)
    np.testing.assert_allclose(layer.backward(dy.copy(), w, INFERENCE), expected, atol=1e-13)
    np.testing.assert_allclose(w.g.W, v.g.W / np.sqrt(i), atol=1e-13)
    np.testing.assert_allclose(w.g.b, v.g.b, atol=1e-13)
    np.testing.assert_array_equal(x, before)
    assert layer.backward(dy, w, INFERENCE, need_dx=False) is None


def test_a_step_changes_the_output_equally_at_each_width():
    rng = np.random.default_rng(0)
    for i in (10, 1000):
        net = Network((NTKDense(500),), (i,), dtype="float64")
        weights, x = net.init(rng), rng.normal(size=(200, i))
        y = net.predict(x, weights)
        raw = net.forward(x, net.workspace(weights)).copy()
        assert y.shape == raw.shape
        assert raw.std() == pytest.approx(1, rel=0.05)
        weights.theta += 0.01 * rng.choice(
            [-1, 1], size=weights.theta.shape
        )  # the size of an Adam step
        moved = net.forward(x, net.workspace(weights)) - raw
        assert moved.std() == pytest.approx(0.01 * np.sqrt(2), rel=0.1)


CALIBRATED = [
    (NTKDense(6, calibrated=True), (5,)),
    (EnsembleDense(6, 3, adapter=Signs(), calibrated=True), (5,)),
    (EnsembleDense(6, 3, adapter=Signs(), scaled=True, calibrated=True), (5,)),
    (EnsembleDense(6, 3, adapter=Signs(), scaled=True, calibrated=True), (3, 5)),
]


@pytest.mark.parametrize(("layer", "shape"), CALIBRATED, ids=lambda case: str(case)[:40])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_calibrated_units_have_variance_one_and_a_zero_on_a_row(layer, shape, dtype):
    rng = np.random.default_rng(1)
    x = (rng.normal(size=(80, *shape)) * 30 + 100).astype(dtype)
    x[..., 2] = 7  # a column that is constant
    net = Network((layer,), shape, dtype=dtype)
    weights = net.init(rng)
    net.calibrate(x, weights, rng)
    y = net.forward(x, net.workspace(weights)).astype(np.float64)
    flat = y.reshape(-1, 6) - np.broadcast_to(
        net.layout["0.b"].view(weights.theta), y.shape
    ).reshape(-1, 6)
    tolerance = 1e-3 if dtype == "float32" else 1e-9
    np.testing.assert_allclose(flat.std(axis=0), 1, rtol=tolerance)
    zero = np.abs(y).min(axis=0)
    assert (zero < tolerance).all()
    chosen = np.abs(y).argmin(axis=0).ravel()
    assert len(set(chosen.tolist())) > 3  # a separate row for each unit and member


@pytest.mark.parametrize(("layer", "shape"), CALIBRATED, ids=lambda case: str(case)[:40])
def test_calibration_on_constant_rows_changes_nothing(layer, shape):
    rng = np.random.default_rng(2)
    for value, n in ((0.0, 50), (1e4, 2000), (1000.3, 50), (3.0, 1)):
        x = np.full((n, *shape), value, "float32")
        net = Network((layer,), shape)
        weights = net.init(rng)
        W = net.layout["0.W"].view(weights.theta)
        before = W.copy()
        net.calibrate(x, weights, rng)
        assert np.isfinite(weights.theta).all()
        if len(shape) == 1 and isinstance(layer, NTKDense):
            np.testing.assert_array_equal(W, before)
        y = net.forward(x, net.workspace(weights))
        assert np.abs(y).min() <= 1e-5 * max(1, value)
    empty = net.init(np.random.default_rng(3))
    before = empty.theta.copy()
    net.calibrate(x[:0], empty, rng)
    np.testing.assert_array_equal(empty.theta, before)


def test_calibration_is_reproducible_and_works_without_a_generator():
    x = np.random.default_rng(4).normal(size=(60, 5)).astype("float32")
    for layer, shape in CALIBRATED[:3]:
        net = Network((layer, Flatten(), Dense(3)), shape)
        found = []
        for seed in (7, 7, 8):
            weights = net.init(np.random.default_rng(0))
            net.calibrate(x, weights, np.random.default_rng(seed))
            found.append(weights.theta.tobytes())
        assert found[0] == found[1] != found[2]
        w = alone(layer, shape, np.random.default_rng(0))
        layer.calibrate(x.astype(float), w, Call())
        y = layer.forward(x.astype(float), w, INFERENCE)
        np.testing.assert_allclose(y[0], 0, atol=1e-12)  # without a generator, the first row


def test_calibration_divides_by_the_std():
    rng = np.random.default_rng(5)
    z = rng.normal(size=(40, 3)) * [1e-9, 5, 1e8] + [1, 0, 0]
    W, kept = rng.normal(size=(4, 3)), z.copy()
    before = W.copy()
    b = calibrate_units(z, W, Call(rng=rng))
    np.testing.assert_array_equal(W[:, 0], before[:, 0])  # a constant unit
    np.testing.assert_allclose(W[:, 1:], before[:, 1:] / kept[:, 1:].std(axis=0))
    for j, bias in enumerate(b):
        assert (z[:, j] == -bias).any()


def test_layers_are_calibrated_in_order_and_plain_ones_are_unchanged():
    rng = np.random.default_rng(6)
    one = NTKDense(8, calibrated=True)
    net = Network((one, Parametric(), BatchNorm(), one, Tanh(), NTKDense(3)), (5,), dtype="float64")
    weights, x = net.init(rng), 10 * rng.normal(size=(100, 5))
    last = net.layout["5.W"].view(weights.theta).copy()
    state = weights.state.copy()
    net.calibrate(x, weights, rng)
    seen = net.trace(x, weights)
    for name in ("0", "3"):
        np.testing.assert_allclose(seen[name].std(axis=0), 1, rtol=1e-9)
    np.testing.assert_array_equal(net.layout["5.W"].view(weights.theta), last)
    np.testing.assert_array_equal(weights.state, state)


@pytest.mark.parametrize("f", [SELU(), Mish(), Tanh()])
@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4)])
def test_parametric_activation(f, shape):
    rng = np.random.default_rng(7)
    x, dy = rng.normal(size=(6, *shape)), rng.normal(size=(6, *shape))
    plain = alone(f, shape, rng)
    expected = f.forward(x, plain, INFERENCE).copy()
    slope = f.backward(np.ones_like(dy), plain, INFERENCE).copy()
    for alpha in (0.0, 1.0, None):
        layer = Parametric(f, Constant(1.0 if alpha is None else alpha))
        w = alone(layer, shape, rng)
        if alpha is not None:
            w.p.alpha[...] = alpha
        a, before = w.p.alpha.copy(), x.copy()
        y = layer.forward(x, w, INFERENCE)
        np.testing.assert_allclose(y, (1 - a) * x + a * expected, atol=1e-14)
        dx = layer.backward(dy.copy(), w, INFERENCE)
        np.testing.assert_allclose(dx, dy * (1 - a + a * slope), atol=1e-13)
        total = (dy * (expected - x)).reshape(-1, 4).sum(axis=0)
        np.testing.assert_allclose(w.g.alpha, total, atol=1e-13)
        np.testing.assert_array_equal(x, before)
        assert layer.backward(dy.copy(), w, INFERENCE, need_dx=False) is None
        np.testing.assert_allclose(w.g.alpha, total, atol=1e-13)


def test_a_parametric_activation_may_contain_a_trainable_one():
    rng = np.random.default_rng(8)
    net = Network((Parametric(ParametricReLU()), Dense(3)), (4,), dtype="float64")
    assert [e.name for e in net.layout.entries if e.role == "activation"] == ["0.alpha"]
    check_poison(net, rng.normal(size=(5, 4)), rng.integers(3, size=5), rng=rng)
    ws = net.workspace(net.init(rng))
    ws.gradient.fill(np.nan)
    net.loss_and_gradient(rng.normal(size=(5, 4)), rng.integers(3, size=5), ws, Call(train=True))
    assert np.isfinite(ws.gradient).all()
    assert Network.from_spec(json.loads(json.dumps(net.to_spec()))) == net
    assert Parametric(Dropout()).deterministic is False
    assert Parametric(BatchNorm()).row_wise is False
    assert Parametric(Mish()).smooth


def one_pass_networks():
    """Dense layers before parametric activations, first in the network and after other layers."""
    scaled = EnsembleDense(6, 3, Normal(1.0), Signs(), scaled=True)
    return [
        (NTKDense(7), Parametric(SELU(), Normal(0.7)), NTKDense(3)),
        (Tanh(), Scale(), NTKDense(7), Parametric(ELU(0.7), Normal(0.7)), Dropout(0.3), Dense(3)),
        (EnsembleDense(6, 3), Parametric(SELU(), Normal(0.7)), Flatten(), Dense(3)),
        (
            Scale(),
            scaled,
            Parametric(ELU(), Normal(0.7)),
            scaled,
            Parametric(),
            Flatten(),
            Dense(3),
        ),
    ]


@pytest.mark.parametrize("layers", one_pass_networks(), ids=str)
def test_a_dense_layer_and_its_parametric_activation_make_one_pass(layers):
    rng = np.random.default_rng(13)
    net = Network(layers, (5,), dtype="float64")
    weights, x, y = net.init(rng), rng.normal(size=(11, 5)), rng.integers(3, size=11)
    weights.theta += rng.normal(0, 0.3, weights.theta.shape)
    results = []
    for watch in (None, lambda *_: None):  # a watched call sees each layer alone
        ws, call = net.workspace(weights), Call(True, np.random.default_rng(0), watch=watch)
        ws.gradient.fill(np.nan)
        results.append((*net.loss_and_input_gradient(x, y, ws, call), ws.gradient))
    for fused, apart in zip(*results, strict=True):
        np.testing.assert_allclose(fused, apart, rtol=1e-9, atol=1e-12)
    check_poison(net, x, y, rng=rng)


def test_a_step_allocates_no_array_of_batch_size():
    rng = np.random.default_rng(9)
    for layer in (NTKDense(30), Parametric(), Parametric(Mish())):
        assert allocated(layer, (25,), 40_000, rng) < 40_000 * 4  # less than one column
    for dense in (NTKDense(30), EnsembleDense(15, 2)):
        both = Residual((dense, Parametric(), Flatten(), NTKDense(25)))
        assert allocated(both, (25,), 40_000, rng) < 40_000 * 4


def test_scheduled_dropout_decays_over_the_second_half():
    net = Network((Dropout(0.4, scheduled=True),), (20_000,), dtype="float64")
    ws = net.workspace(net.init(np.random.default_rng(0)))
    x = np.ones((1, 20_000))

    def dropped(t):
        call = Call(train=True, rng=np.random.default_rng(1), t=t)
        y = net.forward(x, ws, call)
        kept = y[y > 0]
        rate = float(np.mean(y == 0))
        np.testing.assert_allclose(kept, kept[0])
        return rate, 1 - 1 / kept[0]

    for t, share in ((0.0, 1), (0.25, 1), (0.5, 1), (0.75, 0.5)):
        rate, drop_rate = dropped(t)
        assert drop_rate == pytest.approx(0.4 * share, abs=2**-17)  # the rate has sixteen bits
        assert rate == pytest.approx(0.4 * share, abs=0.02)
    assert 0.2 > dropped(0.8)[1] > dropped(0.95)[1] > 0
    assert net.forward(x, ws, Call(train=True, t=1.0)) is x  # rate 0: no mask is drawn
    assert net.forward(x, ws, INFERENCE) is x
    assert Network.from_spec(json.loads(json.dumps(net.to_spec()))) == net
    old = net.to_spec()
    del old["layers"][0]["scheduled"]
    assert Network.from_spec(old).layers == (Dropout(0.4),)
    with pytest.raises(ValueError, match="scheduled=True needs a rate that is a number; got"):
        Dropout(lambda t: t, scheduled=True)


def test_errors():
    with pytest.raises(ValueError, match="units must be a positive integer; got 0"):
        NTKDense(0)
    for shape in ((3, 4), (0,), ()):
        with pytest.raises(ValueError, match=r"\(NTKDense\).*\(n_in,\); got .*Flatten"):
            Network((NTKDense(2),), shape)
    with pytest.raises(ValueError, match=r"keeps the shape \(5,\); got Dense .*\(3,"):
        Network((Parametric(Dense(3)),), (5,))
    with pytest.raises(ValueError, match="Parametric expects examples"):
        Network((Parametric(),), ())
    spec = Network((EnsembleOutput(2, 3),), (3, 4)).to_spec()
    spec["layers"][0]["type"] = "EnsembleOuput"
    with pytest.raises(ValueError, match=r"Did you mean 'EnsembleOutput'\?"):
        Network.from_spec(spec)
