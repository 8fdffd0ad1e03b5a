"""Ensemble layers against k separate networks, and the ensemble loss."""

from __future__ import annotations

import json
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graduel.nn import (
    INFERENCE,
    BatchNorm,
    BinaryCrossEntropy,
    Call,
    Dense,
    EnsembleDense,
    EnsembleMean,
    EnsembleOutput,
    HeNormal,
    Huber,
    Network,
    Poisson,
    ReLU,
    Signs,
    SoftmaxCrossEntropy,
    SquaredError,
    Tanh,
    check_coordinates,
    check_gradients,
    check_poison,
)


def alone(layer, shape, rng, dtype="float64"):
    """Return the scope of one layer, with perturbed weights and a poisoned gradient."""
    net = Network((layer,), shape, dtype=dtype)
    weights = net.init(rng)
    weights.theta += rng.normal(0, 0.3, weights.theta.shape).astype(dtype)
    ws = net.workspace(weights)
    ws.gradient.fill(np.nan)
    return ws.scopes[0]


def allocated(layer, shape, n, rng):
    """Return the peak allocation in bytes of steps after the first."""
    w, x = alone(layer, shape, rng, "float32"), rng.normal(size=(n, *shape)).astype("float32")
    dy = rng.normal(size=(n, *layer.plan(shape).out)).astype("float32")
    layer.forward(x, w, INFERENCE)
    layer.backward(dy.copy(), w, INFERENCE)
    tracemalloc.start()
    for m in (n, n // 3, n):
        layer.forward(x[:m], w, INFERENCE)
        layer.backward(dy[:m], w, INFERENCE)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(0, 5),
    k=st.integers(1, 4),
    i=st.integers(1, 4),
    o=st.integers(1, 4),
    shared=st.booleans(),
    scaled=st.booleans(),
    seed=st.integers(0, 2**31),
)
def test_ensemble_dense_equals_k_dense_layers(n, k, i, o, shared, scaled, seed):
    rng = np.random.default_rng(seed)
    layer = EnsembleDense(o, k, adapter=Signs(), scaled=scaled)
    shape = (i,) if shared else (k, i)
    w, x = alone(layer, shape, rng), rng.normal(size=(n, *shape))
    before, p, c = x.copy(), w.p, 1 / np.sqrt(i) if scaled else 1.0
    y = layer.forward(x, w, INFERENCE)
    dy = rng.normal(size=(n, k, o))
    want_y, want_dx, dW = np.zeros((n, k, o)), np.zeros((n, k, i)), np.zeros((i, o))
    dr, ds, db = np.zeros((k, i)), np.zeros((k, o)), np.zeros((k, o))
    for h in range(k):
        xh = x if shared else x[:, h]
        # Member h is a dense layer whose matrix is diag(r) W diag(s).
        whole = c * p.r[h][:, None] * p.W * p.s[h]
        want_y[:, h] = xh @ whole + p.b[h]
        want_dx[:, h] = dy[:, h] @ whole.T
        d_whole = xh.T @ dy[:, h]
        dW += c * d_whole * p.r[h][:, None] * p.s[h]
        dr[h] = c * (d_whole * p.W * p.s[h]).sum(axis=1)
        ds[h] = c * (d_whole * p.W * p.r[h][:, None]).sum(axis=0)
        db[h] = dy[:, h].sum(axis=0)
    np.testing.assert_allclose(y, want_y, atol=1e-12)
    dx = layer.backward(dy.copy(), w, INFERENCE)
    np.testing.assert_allclose(dx, want_dx.sum(axis=1) if shared else want_dx, atol=1e-12)
    for name, expected in (("W", dW), ("r", dr), ("s", ds), ("b", db)):
        np.testing.assert_allclose(getattr(w.g, name), expected, atol=1e-12)
    np.testing.assert_array_equal(x, before)
    layer.forward(x, w, INFERENCE)
    assert layer.backward(dy, w, INFERENCE, need_dx=False) is None
    np.testing.assert_allclose(w.g.W, dW, atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 5),
    st.integers(1, 4),
    st.integers(1, 4),
    st.integers(1, 4),
    st.booleans(),
    st.integers(0, 2**31),
)
def test_the_output_layer_has_a_matrix_for_each_member(n, k, i, o, scaled, seed):
    rng = np.random.default_rng(seed)
    layer = EnsembleOutput(o, k, scaled=scaled)
    w, x, dy = alone(layer, (k, i), rng), rng.normal(size=(n, k, i)), rng.normal(size=(n, k, o))
    before, c = x.copy(), 1 / np.sqrt(i) if scaled else 1.0
    y = layer.forward(x, w, INFERENCE)
    dx = layer.backward(dy.copy(), w, INFERENCE)
    for h in range(k):
        np.testing.assert_allclose(y[:, h], c * x[:, h] @ w.p.W[h] + w.p.b[h], atol=1e-12)
        np.testing.assert_allclose(dx[:, h], c * dy[:, h] @ w.p.W[h].T, atol=1e-12)
        np.testing.assert_allclose(w.g.W[h], c * x[:, h].T @ dy[:, h], atol=1e-12)
        np.testing.assert_allclose(w.g.b[h], dy[:, h].sum(axis=0), atol=1e-12)
    np.testing.assert_array_equal(x, before)
    assert layer.backward(dy, w, INFERENCE, need_dx=False) is None


def test_initial_values_and_roles():
    net = Network((EnsembleDense(200, 3, adapter=Signs()), EnsembleOutput(50, 3)), (300,))
    weights = net.init(np.random.default_rng(0))
    p = {entry.name: entry.view(weights.theta) for entry in net.layout.entries}
    assert set(np.unique(p["0.r"])) == {-1, 1}
    assert abs(p["0.r"].mean()) < 0.1
    assert (p["0.s"] == 1).all()
    assert not p["0.b"].any()
    assert not p["1.b"].any()
    assert p["0.W"].std() == pytest.approx(np.sqrt(2 / 300), rel=0.02)
    assert p["1.W"].std() == pytest.approx(np.sqrt(2 / 200), rel=0.02)  # n_in is 200, not 3 × 200
    assert not np.allclose(p["1.W"][0], p["1.W"][1])
    assert {e.role for e in net.layout.entries if e.name in ("0.r", "0.s")} == {"ensemble"}
    assert {e.role for e in net.layout.entries if e.name.endswith("W")} == {"weight"}
    ones = Network((EnsembleDense(4, 3),), (5,)).init(np.random.default_rng(0))
    assert (ones.theta == 1).sum() == 3 * (4 + 5)


def test_a_step_allocates_no_array_of_batch_size():
    rng = np.random.default_rng(3)
    for layer, shape in (
        (EnsembleDense(32, 4), (24,)),
        (EnsembleDense(32, 4, scaled=True), (4, 24)),
        (EnsembleOutput(32, 4, scaled=True), (4, 24)),
    ):
        assert allocated(layer, shape, 40_000, rng) < 40_000 * 4  # less than one column


LOSSES = [
    SoftmaxCrossEntropy(),
    SoftmaxCrossEntropy(label_smoothing=0.2, class_weight=(1.0, 3.0, 0.5)),
    BinaryCrossEntropy(label_smoothing=0.1, positive_weight=(1.0, 2.0, 0.5)),
    SquaredError(),
    Huber(0.3),
    Poisson(),
]


def targets(loss, n, rng):
    if isinstance(loss, SoftmaxCrossEntropy):
        return rng.integers(3, size=n)
    if isinstance(loss, BinaryCrossEntropy):
        return rng.integers(2, size=(n, 3))
    return np.abs(rng.normal(size=(n, 3)))


def build_ensemble(loss, k=4, dtype="float64"):
    layers = (EnsembleDense(6, k, adapter=Signs()), Tanh(), EnsembleOutput(3, k))
    return Network(layers, (5,), EnsembleMean(loss), dtype)


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: type(loss).__name__)
@pytest.mark.parametrize("weighted", [False, True])
def test_loss_and_predictions_are_means_over_members(loss, weighted):
    rng = np.random.default_rng(1)
    net, plain = build_ensemble(loss), Network((Dense(3),), (2,), loss, "float64")
    raw, y = rng.normal(size=(7, 4, 3)), targets(loss, 7, rng)
    weight = rng.random(7) if weighted else None
    before = raw.copy()
    w = net.workspace(net.init(rng)).loss
    value, gradient = net.loss.value_and_gradient(raw, y, weight, w)
    one = plain.workspace(plain.init(rng)).loss
    each = []
    for h in range(4):
        found, d = loss.value_and_gradient(raw[:, h].copy(), y, weight, one)
        each.append(found)
        np.testing.assert_allclose(gradient[:, h], d / 4, atol=1e-14)
    assert value == pytest.approx(np.mean(each), rel=1e-12)
    np.testing.assert_array_equal(raw, before)
    answer = net.loss.link(raw.copy())
    expected = np.mean([loss.link(raw[:, h].copy()) for h in range(4)], axis=0)
    np.testing.assert_allclose(answer, expected, atol=1e-14)
    if isinstance(loss, SoftmaxCrossEntropy):
        np.testing.assert_allclose(answer.sum(axis=1), 1)


def test_one_member_gives_the_plain_loss_bit_for_bit():
    rng = np.random.default_rng(2)
    raw, weight = rng.normal(size=(9, 3)), rng.random(9)
    for loss in LOSSES:
        y, net = targets(loss, 9, rng), build_ensemble(loss, 1)
        w, plain = (net.workspace(net.init(rng)).loss for _ in range(2))
        value, gradient = EnsembleMean(loss).value_and_gradient(raw[:, None], y, weight, w)
        expected, d = loss.value_and_gradient(raw.copy(), y, weight, plain)
        assert value == expected
        np.testing.assert_array_equal(gradient[:, 0], d)
        np.testing.assert_array_equal(
            EnsembleMean(loss).link(raw[:, None].copy()), loss.link(raw.copy())
        )
    single = EnsembleMean(SquaredError())  # targets of shape (n,) for a single output
    net = Network((EnsembleDense(2, 3), EnsembleOutput(1, 3)), (2,), single, "float64")
    check_gradients(net, rng.normal(size=(5, 2)), rng.normal(size=5), rng=rng)


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: type(loss).__name__)
def test_gradients_through_an_ensemble_equal_central_differences(loss):
    rng = np.random.default_rng(3)
    net, x, y = build_ensemble(loss), rng.normal(size=(4, 5)), targets(loss, 4, rng)
    check_gradients(net, x, y, rng=rng, weight=rng.random(4))
    check_coordinates(net, x, y, rng=rng)
    check_poison(net, x, y, rng=rng)
    assert Network.from_spec(json.loads(json.dumps(net.to_spec()))) == net
    kind = type(net.loss.loss)
    assert (net.loss.row_wise, net.loss.deterministic, net.loss.smooth) == (
        *(kind.row_wise, kind.deterministic),
        kind.smooth,
    )


def test_an_ensemble_predicts_in_chunks():
    rng = np.random.default_rng(4)
    net = Network(
        (EnsembleDense(8, 4, adapter=Signs()), BatchNorm(), ReLU(), EnsembleOutput(3, 4)),
        (5,),
        EnsembleMean(),
    )
    assert net.output_shape == (4, 3)
    assert net.prediction_shape == (3,)
    assert Network((Dense(3),), (5,)).prediction_shape == (3,)
    weights, X = net.init(rng), rng.normal(size=(50, 5)).astype("float32")
    whole = net.predict(X, weights)
    assert (whole.shape, whole.dtype) == ((50, 3), np.float32)
    for chunk in (1, 7, 50):
        np.testing.assert_allclose(net.predict(X, weights, chunk=chunk), whole, atol=1e-6)
    assert net.predict(X[:0], weights).shape == (0, 3)
    order = rng.permutation(50)
    np.testing.assert_allclose(net.predict(X[order], weights), whole[order], atol=1e-6)


def test_the_loss_allocates_no_array_of_the_gradients_size():
    rng = np.random.default_rng(5)
    loss = EnsembleMean(SoftmaxCrossEntropy())
    net = Network((EnsembleDense(20, 8),), (3,), loss)
    raw, y = rng.normal(size=(4000, 8, 20)).astype("float32"), rng.integers(20, size=4000)
    w, weight = net.workspace(net.init(rng)).loss, rng.random(4000)
    loss.value_and_gradient(raw, y, weight, w)
    tracemalloc.start()
    loss.value_and_gradient(raw, y, weight, w)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < raw.nbytes / 2


def test_members_are_trained_separately_and_their_mean_is_best():
    rng = np.random.default_rng(6)
    X = rng.normal(size=(300, 4)).astype("float32")
    y = ((X[:, 0] * X[:, 1]) > 0).astype(int)
    layers = (EnsembleDense(16, 4, adapter=Signs()), Tanh(), EnsembleOutput(2, 4))
    net = Network(layers, (4,), EnsembleMean())
    weights = net.init(rng)
    ws, call = net.workspace(weights), Call(train=True)
    for _ in range(400):
        loss = net.loss_and_gradient(X, y, ws, call)
        weights.theta -= 0.5 * ws.gradient
    raw = net.forward(X, net.workspace(weights)).copy()
    each = [np.mean(raw[:, h].argmax(axis=1) == y) for h in range(4)]
    assert min(each) > 0.9
    assert np.mean(net.predict(X, weights).argmax(axis=1) == y) >= min(each)
    assert loss < 0.3
    assert not np.allclose(raw[:, 0], raw[:, 1], atol=0.1)


def test_errors():
    for make in (EnsembleDense, EnsembleOutput):
        for wrong, name in (((0, 2), "units"), ((2, 0), "members")):
            with pytest.raises(ValueError, match=f"{name} must be a positive integer; got 0"):
                make(*wrong)
    with pytest.raises(ValueError, match=r"\(EnsembleDense\).*\(3, n_in\); got \(2, 5\)"):
        Network((EnsembleDense(4, 3),), (2, 5))
    with pytest.raises(ValueError, match=r"\(n_in,\), or.* 3 members.*got \(3, 2, 5\)"):
        Network((EnsembleDense(4, 3),), (3, 2, 5))
    with pytest.raises(ValueError, match=r"got \(0,\)"):
        Network((EnsembleDense(4, 3),), (0,))
    with pytest.raises(
        ValueError, match=r"\(EnsembleOutput\).*got \(5,\). Put EnsembleDense\(…, mem"
    ):
        Network((EnsembleOutput(4, 3),), (5,))
    with pytest.raises(ValueError, match=r"each of 3 members.*got \(2, 5\)"):
        Network((EnsembleOutput(4, 3),), (2, 5))
    with pytest.raises(ValueError, match=r"got \(3, 0\)"):
        Network((EnsembleOutput(4, 3),), (3, 0))
    net = build_ensemble(SoftmaxCrossEntropy(), 2)
    w, rng = net.workspace(net.init(np.random.default_rng(0))).loss, np.random.default_rng(0)
    raw, y = rng.normal(size=(5, 2, 3)), rng.integers(3, size=5)
    with pytest.raises(ValueError, match=r"\(n, members, outputs\); got \(5, 3\). End the network"):
        net.loss.value_and_gradient(raw[:, 0], y, None, w)
    with pytest.raises(ValueError, match=r"got \(5, 3\)"):
        net.loss.link(raw[:, 0])
    with pytest.raises(ValueError, match=r"one target for each of 5 rows; got shape \(4,\)"):
        net.loss.value_and_gradient(raw, y[:4], None, w)
    with pytest.raises(ValueError, match=r"weights must have shape \(5,\).*got \(4,\)"):
        net.loss.value_and_gradient(raw, y, np.ones(4), w)
    with pytest.raises(ValueError, match="class codes, integers"):
        net.loss.value_and_gradient(raw, y.astype(float), None, w)
    assert Signs()(rng, (4, 3), "float32").dtype == np.float32
    assert HeNormal() == EnsembleOutput(3, 2).init
