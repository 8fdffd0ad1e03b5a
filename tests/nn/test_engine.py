"""The engine against the textbook network, finite differences and its own contract."""

from __future__ import annotations

import gc
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from weakref import ref

import numpy as np
import pytest
import table_images
import table_losses
import table_rows
from hypothesis import given, settings
from hypothesis import strategies as st
from table_losses import LOSSES, targets

from graduel.nn import (
    INFERENCE,
    PBLD,
    BatchNorm,
    BinaryCrossEntropy,
    Call,
    Dense,
    Dropout,
    EnsembleDense,
    Flatten,
    HeNormal,
    LayerNorm,
    Network,
    Noise,
    NTKDense,
    ReLU,
    Reshape,
    Residual,
    SoftmaxCrossEntropy,
    Tanh,
    Weights,
    Zeros,
    check_gradients,
    textbook,
)
from graduel.nn.layers import Plan, Spec
from graduel.nn.layers.random_bits import BITS_64, CHUNK, sixteen_bits
from graduel.optim import SGD

LAYERS = [(part, table_rows.SHAPE) for part in table_rows.LAYERS]
LAYERS += table_rows.ENSEMBLES
LAYERS += [(part, table_images.SHAPE) for part in table_images.LAYERS]
NOT_ROW_WISE = table_rows.NOT_ROW_WISE
NOT_DETERMINISTIC = table_rows.NOT_DETERMINISTIC
NOT_SMOOTH = table_rows.NOT_SMOOTH + table_images.NOT_SMOOTH + table_losses.NOT_SMOOTH


def fits_anywhere(part):
    """Return whether a part takes rows of any width, is plain data, and is stable at width 2."""
    steep = isinstance(part, LayerNorm) and part.eps < 0.01
    wide = isinstance(part, Dense | NTKDense | EnsembleDense | Reshape | Residual)
    wide |= isinstance(part, PBLD) and part.columns is not None
    return not (steep or wide or callable(getattr(part, "rate", None)))


def ids(part):
    return repr(part).replace(" ", "")[:40].split(" at 0x")[0].split("0x")[0]


def small(*layers, n_in=6, classes=3, dtype="float64", loss=LOSSES[0]):
    return Network((*layers, Dense(classes)), (n_in,), dtype=dtype, loss=loss)


def around(layer, shape, *, before=(), dtype="float64", loss=LOSSES[0]):
    """Build a network around `layer`; `before` are layers that keep the shape."""
    return Network((*before, layer, Flatten(), Dense(3)), shape, dtype=dtype, loss=loss)


def some(rng, n=7, n_in=6, classes=3, dtype="float64"):
    return rng.normal(size=(n, n_in)).astype(dtype), rng.integers(classes, size=n)


def inside(layer):
    """Yield a layer and its descendants."""
    yield layer
    inner = getattr(layer, "activation", None)
    for kid in (*getattr(layer, "layers", ()), *([] if inner is None else [inner])):
        yield from inside(kid)


def test_twenty_steps_give_the_weights_of_the_textbook_network():
    rng = np.random.default_rng(1)
    sizes, m = (20, 16, 12, 5), 64
    X, y = rng.normal(size=(m, sizes[0])), rng.integers(sizes[-1], size=m)
    W, b = textbook.initialize(sizes, rng)
    net = Network((Dense(16), ReLU(), Dense(12), ReLU(), Dense(5)), (20,), dtype="float64")
    theta = np.empty(net.layout.size)
    for i, (w, v) in enumerate(zip(W, b, strict=True)):
        net.layout[f"{2 * i}.W"].view(theta)[...] = w.T
        net.layout[f"{2 * i}.b"].view(theta)[...] = v[:, 0]
    start = theta.copy()

    for W, b, loss in textbook.descend(X.T, textbook.one_hot(y, 5), W, b, rate=0.3, steps=20):  # noqa: B007, B020
        pass
    ws = net.workspace(Weights(theta, np.empty(0)))
    rule = SGD()
    memory = rule.init(net.layout, theta.dtype)
    for _ in range(20):
        engine_loss = net.loss_and_gradient(X, y, ws, Call(train=True))
        rule.update(theta, ws.gradient, memory, 0.3)

    assert not np.allclose(theta, start, rtol=1e-2)
    assert engine_loss == pytest.approx(loss, rel=1e-9)
    for i, (w, v) in enumerate(zip(W, b, strict=True)):
        np.testing.assert_allclose(net.layout[f"{2 * i}.W"].view(theta), w.T, rtol=1e-9)
        np.testing.assert_allclose(net.layout[f"{2 * i}.b"].view(theta), v[:, 0], rtol=1e-8)


def test_float32_is_close_to_the_textbook_network():
    rng = np.random.default_rng(2)
    X, y = rng.random((200, 50), np.float32), rng.integers(4, size=200)
    W, b = textbook.initialize((50, 32, 4), rng)
    net = Network((Dense(32), ReLU(), Dense(4)), (50,))
    theta = np.concatenate([W[0].T.ravel(), W[1].T.ravel(), b[0].ravel(), b[1].ravel()])
    theta = theta.astype(np.float32)
    for W, b, _ in textbook.descend(X.T, textbook.one_hot(y, 4), W, b, rate=0.5, steps=20):  # noqa: B007, B020
        pass
    ws, rule = net.workspace(Weights(theta, np.empty(0))), SGD()
    memory = rule.init(net.layout, theta.dtype)
    for _ in range(20):
        net.loss_and_gradient(X, y, ws, Call(train=True))
        rule.update(theta, ws.gradient, memory, 0.5)
    expected = np.concatenate([W[0].T.ravel(), W[1].T.ravel(), b[0].ravel(), b[1].ravel()])
    assert np.linalg.norm(theta - expected) <= 1e-5 * np.linalg.norm(expected)


@pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=ids)
def test_gradients_equal_central_differences(layer, shape):
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(7, *shape)), rng.integers(3, size=7)
    check_gradients(around(layer, shape, before=(Tanh(),)), x, y, rng=rng)
    check_gradients(around(layer, shape), x, y, rng=rng, weight=rng.random(7))


@pytest.mark.parametrize("loss", LOSSES, ids=ids)
@pytest.mark.parametrize("weighted", [False, True])
def test_gradients_of_losses_equal_central_differences(loss, weighted):
    rng = np.random.default_rng(3)
    x, y = some(rng)[0], targets(loss, rng)
    net = small(Dense(5), Tanh(), loss=loss)
    check_gradients(net, x, y, rng=rng, weight=rng.random(7) if weighted else None)


@pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=ids)
def test_every_coordinate_of_a_small_network(layer, shape):
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(4, *shape)), rng.integers(3, size=4)
    net = around(layer, shape)
    weights = net.init(rng)
    weights.theta += rng.normal(0, 0.1, net.layout.size)

    def loss(theta):
        ws = net.workspace(Weights(theta, weights.state.copy()))
        call = Call(train=True, rng=np.random.default_rng(0), t=0.5)
        return net.loss_and_gradient(x, y, ws, call), ws.gradient.copy()

    analytic, h = loss(weights.theta)[1], 1e-6
    numeric = [
        (loss(weights.theta + h * e)[0] - loss(weights.theta - h * e)[0]) / (2 * h)
        for e in np.eye(net.layout.size)
    ]
    np.testing.assert_allclose(analytic, numeric, atol=1e-8)


@dataclass(frozen=True)
class Wrong(Tanh):
    """A tanh whose backward pass misses a factor."""

    def backward(self, dy, w, call, *, need_dx=True):
        return dy


@st.composite
def networks(draw):
    hidden = st.one_of(
        st.builds(Dense, st.integers(1, 6)),
        st.sampled_from([part for part in table_rows.LAYERS if fits_anywhere(part)]),
    )
    n_in, classes = draw(st.integers(1, 5)), draw(st.integers(2, 4))
    layers, width = [], n_in
    for layer in draw(st.lists(hidden, max_size=5)):
        layers.append(Residual((layer, Dense(width))) if draw(st.booleans()) else layer)
        width = Network(tuple(layers), (n_in,)).output_shape[0]
    loss = draw(st.sampled_from(LOSSES))
    return Network((*layers, Dense(classes)), (n_in,), dtype="float64", loss=loss)


@settings(max_examples=200, deadline=None)
@given(networks(), st.integers(1, 6), st.integers(0, 2**31))
def test_random_networks_keep_the_contract(net, n, seed):
    rng = np.random.default_rng(seed)
    n_in, classes = net.input_shape[0], net.output_shape[0]
    x, y = rng.normal(size=(n, n_in)), targets(net.loss, rng, n, classes)
    steep = any(isinstance(part, BatchNorm) for layer in net.layers for part in inside(layer))
    if not (steep and n < 3):  # BatchNorm maps any two rows to ±1
        check_gradients(net, x, y, rng=rng, tolerance=1e-4 if steep else 1e-5)
    weights, before = net.init(rng), x.copy()
    proba = net.predict(x, weights)
    np.testing.assert_array_equal(x, before)
    if isinstance(net.loss, SoftmaxCrossEntropy):
        np.testing.assert_allclose(proba.sum(axis=1), 1)
    assert Network.from_spec(json.loads(json.dumps(net.to_spec()))) == net
    order = rng.permutation(n)
    np.testing.assert_allclose(net.predict(x[order], weights), proba[order], atol=1e-12)
    np.testing.assert_allclose(net.predict(x, weights, chunk=2), proba, atol=1e-12)


@pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=ids)
def test_forward_changes_no_input_and_keeps_float32(layer, shape):
    rng = np.random.default_rng(6)
    net = around(layer, shape, dtype="float32")
    x, y = rng.normal(size=(7, *shape)).astype("float32"), rng.integers(3, size=7)
    weights = net.init(rng)
    before, ws = x.copy(), net.workspace(weights)
    call = Call(train=True, rng=rng, t=0.5)
    raw = net.forward(x, ws, call)
    net.loss_and_gradient(x, y, ws, call)
    np.testing.assert_array_equal(x, before)
    assert raw.dtype == ws.gradient.dtype == np.float32
    assert all(b.dtype == np.float32 for b in ws.buffers() if b.dtype.kind == "f")
    for n in (3, 1, 7):  # a short last batch, one row, and back
        net.loss_and_gradient(x[:n], y[:n], ws, call)
    seen = net.trace(x, weights)
    for node in net.nodes:
        assert seen[node.name].shape == (7, *node.plan.out)


@pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=ids)
def test_workspaces_are_freed_with_their_last_reference(layer, shape):
    # A reference cycle would keep them until the garbage collector runs.
    rng = np.random.default_rng(8)
    net = around(layer, shape, dtype="float32")
    x, y = rng.normal(size=(7, *shape)).astype("float32"), rng.integers(3, size=7)
    weights = net.init(rng)
    ws = net.workspace(weights)
    net.predict(x, weights)
    net.loss_and_gradient(x, y, ws, Call(train=True, rng=rng, t=0.5))
    arrays = [ref(a) for a in (weights.theta, weights.state, ws.gradient, *ws.buffers())]
    gc.disable()
    try:
        del weights, ws
        assert not [a().shape for a in arrays if a() is not None]
    finally:
        gc.enable()


def test_parts_declare_their_flags():
    for part in (*(layer for layer, _ in LAYERS), *LOSSES):
        kinds = {type(kid) for kid in inside(part)}
        assert part.row_wise == kinds.isdisjoint(NOT_ROW_WISE)
        assert part.deterministic == kinds.isdisjoint(NOT_DETERMINISTIC)
        assert part.smooth == kinds.isdisjoint(NOT_SMOOTH)


@pytest.mark.parametrize("loss", LOSSES, ids=ids)
@pytest.mark.parametrize(
    ("layer", "shape"),
    [case for case in LAYERS if case[0].row_wise and case[0].deterministic],
    ids=ids,
)
def test_gradients_of_parts_of_a_batch_add_up_by_weight(layer, shape, loss):
    rng = np.random.default_rng(7)
    net = around(layer, shape, before=(Tanh(),), loss=loss)
    x, y = rng.normal(size=(10, *shape)), targets(loss, rng, 10)
    w, ws, call = rng.random(10), net.workspace(net.init(rng)), Call(train=True)
    loss, g = net.loss_and_gradient(x, y, ws, call, w), ws.gradient.copy()
    total, parts = 0.0, np.zeros_like(g)
    for rows in (slice(0, 3), slice(3, 10)):
        share = w[rows].sum() / w.sum()
        total += share * net.loss_and_gradient(x[rows], y[rows], ws, call, w[rows])
        parts += share * ws.gradient
    assert total == pytest.approx(loss)
    np.testing.assert_allclose(parts, g, atol=1e-14)


@pytest.mark.parametrize("loss", LOSSES, ids=ids)
def test_weight_two_equals_a_duplicate_row_and_weight_zero_no_gradient(loss):
    rng = np.random.default_rng(8)
    net = small(Dense(5), Tanh(), loss=loss)
    x, y = rng.normal(size=(7, 6)), targets(loss, rng)
    ws, call = net.workspace(net.init(rng)), Call(train=True)
    w = np.ones(7)
    w[2] = 2
    loss, g = net.loss_and_gradient(x, y, ws, call, w), ws.gradient.copy()
    twice = [0, 1, 2, 2, 3, 4, 5, 6]
    assert net.loss_and_gradient(x[twice], y[twice], ws, call) == pytest.approx(loss)
    np.testing.assert_allclose(ws.gradient, g, atol=1e-14)
    assert net.loss_and_gradient(x, y, ws, call, np.zeros(7)) == 0
    assert not ws.gradient.any()


def test_eight_threads_predict_the_same():
    rng = np.random.default_rng(9)
    net = small(Dense(40), ReLU(), Dropout(0.5), n_in=30)
    weights, X = net.init(rng), rng.normal(size=(500, 30))
    expected = net.predict(X, weights)
    with ThreadPoolExecutor(8) as pool:
        for got in pool.map(lambda _: net.predict(X, weights), range(32)):
            np.testing.assert_array_equal(got, expected)


def test_predict_returns_a_new_array():
    rng = np.random.default_rng(10)
    net = small()
    weights = net.init(rng)
    first = net.predict(rng.normal(size=(5, 6)), weights)
    kept = first.copy()
    net.predict(rng.normal(size=(5, 6)), weights)
    np.testing.assert_array_equal(first, kept)
    assert net.predict(np.empty((0, 6)), weights).shape == (0, 3)


def test_a_layer_object_may_occur_twice():
    layer, rng = Dense(6), np.random.default_rng(11)
    net = Network((layer, layer, Dense(2)), (6,), dtype="float64")
    check_gradients(net, *some(rng, classes=2), rng=rng)
    assert [e.name for e in net.layout.entries] == ["0.W", "1.W", "2.W", "0.b", "1.b", "2.b"]


@dataclass(frozen=True)
class Twice:
    """A user-defined layer with a child: y = x + child(x)."""

    inner: Dense
    row_wise = deterministic = smooth = True

    def plan(self, shape):
        return Plan(shape, children=((self.inner, shape),))

    def forward(self, x, w, call):
        y = self.inner.forward(x, w.kids[0], call)
        return np.add(x, y, out=w.buf("sum", y.shape, y.dtype))

    def backward(self, dy, w, call, *, need_dx=True):
        dx = self.inner.backward(dy, w.kids[0], call)
        return np.add(dy, dx, out=w.buf("dx", dx.shape, dx.dtype))


def test_a_user_defined_layer_may_have_children():
    rng = np.random.default_rng(12)
    net = small(Twice(Dense(6)))
    check_gradients(net, *some(rng), rng=rng)
    assert net.layout.entries[0].name == "0.0.W"


def test_dropout_keeps_the_mean_and_is_off_in_prediction():
    rng = np.random.default_rng(13)
    net = Network((Dropout(0.25),), (1000,), dtype="float64")
    x = np.ones((200, 1000))
    ws = net.workspace(net.init(rng))
    y = net.forward(x, ws, Call(train=True, rng=rng))
    assert set(np.unique(y)) == {0.0, 1 / 0.75}
    assert abs(y.mean() - 1) < 4 * np.sqrt(1 / 3 / y.size)
    assert net.forward(x, ws, INFERENCE) is x
    with pytest.raises(ValueError, match="rng=None"):
        net.forward(x, ws, Call(train=True))


@pytest.mark.parametrize("bits", [np.random.PCG64, np.random.MT19937, np.random.SFC64])
@pytest.mark.parametrize("n", [1, 2, 3, 5, CHUNK - 1, CHUNK, CHUNK + 3, 3 * CHUNK + 2])
def test_sixteen_bit_draws_are_uniform_and_independent_of_the_parts(bits, n, monkeypatch):
    def drawn():
        pairs = []
        sixteen_bits(np.random.Generator(bits(5)), n, lambda *pair: pairs.append(pair))
        rows = np.arange(n)
        assert np.array_equal(np.concatenate([rows[part] for _, part in pairs]), rows)
        assert [len(rows[part]) for _, part in pairs] == [len(draws) for draws, _ in pairs]
        return np.concatenate([draws for draws, _ in pairs])

    found = drawn()
    assert len(found) == n
    if n > CHUNK:
        bins = np.bincount(found >> 12, minlength=16)  # χ² with 15 degrees of freedom
        assert ((bins - n / 16) ** 2).sum() / (n / 16) < 50
        assert len(np.unique(found)) > 0.8 * min(n, 30_000)
    monkeypatch.setattr("graduel.nn.layers.random_bits.CHUNK", 64)
    assert np.array_equal(drawn(), found)


@pytest.mark.parametrize("bits", [*BITS_64, np.random.MT19937])
def test_sixteen_bit_draws_are_those_of_the_generator(bits):
    rng, n = np.random.Generator(bits(6)), 2 * CHUNK + 4
    words = rng.integers(2**64 - 1, size=n // 4, dtype=np.uint64, endpoint=True)
    after, again, parts = rng.random(), np.random.Generator(bits(6)), []
    sixteen_bits(again, n, lambda draws, _: parts.append(draws))
    assert np.array_equal(np.concatenate(parts), words.view(np.uint16))
    assert again.random() == after


@pytest.mark.parametrize("rate", [1e-7, 0.001, 0.15, 0.999999])
def test_dropout_keeps_the_mean_at_any_rate(rate):
    rng = np.random.default_rng(3)
    net = Network((Dropout(rate),), (1000,), dtype="float64")
    y = net.forward(np.ones((300, 1000)), net.workspace(net.init(rng)), Call(train=True, rng=rng))
    dropped = min(round(rate * 2**16), 2**16 - 1) / 2**16
    spread = np.sqrt(dropped / (1 - dropped) / y.size)
    assert abs(y.mean() - 1) <= 4 * spread
    assert set(np.unique(y)) <= {0.0, 1 / (1 - dropped)}
    assert abs((y == 0).mean() - dropped) <= 4 * np.sqrt(dropped * (1 - dropped) / y.size)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_noise_has_mean_zero_and_std_sigma_and_is_off_in_prediction(dtype):
    rng = np.random.default_rng(13)
    net = Network((Noise(0.25),), (1000,), dtype=dtype)
    x = np.ones((200, 1000), dtype)
    ws = net.workspace(net.init(rng))
    y = net.forward(x, ws, Call(train=True, rng=rng))
    assert abs(y.mean() - 1) < 4 * 0.25 / np.sqrt(y.size)
    assert y.std() == pytest.approx(0.25, rel=0.01)
    assert net.forward(x, ws, INFERENCE) is x
    with pytest.raises(ValueError, match="rng=None"):
        net.forward(x, ws, Call(train=True))
    falling = Network((Noise(lambda t: 1 - t),), (1000,), dtype=dtype)
    ws = falling.workspace(falling.init(rng))
    assert falling.forward(x, ws, Call(train=True, rng=rng, t=0.5)).std() == pytest.approx(
        0.5, rel=0.01
    )
    assert falling.forward(x, ws, Call(train=True, rng=rng, t=1.0)) is x
    with pytest.raises(ValueError, match="std must be at least 0; got -1"):
        Noise(-1)


def test_errors_name_the_layer():
    with pytest.raises(ValueError, match=r"layer 0 \(Dense\).*expects.*\(28, 28\)"):
        Network((Dense(3),), (28, 28))
    with pytest.raises(ValueError, match="units must be a positive integer; got 0"):
        Dense(0)
    with pytest.raises(ValueError, match="rate must be at least 0 and below 1; got 1"):
        Dropout(1)
    with pytest.raises(ValueError, match="dtype must be 'float32' or 'float64'"):
        small(dtype="float16")
    net = small()
    with pytest.raises(ValueError, match=r"θ must have shape \(21,\)"):
        net.workspace(Weights(np.zeros(5), np.empty(0)))


def test_large_logits_do_not_overflow():
    from scipy.special import log_softmax, softmax

    rng = np.random.default_rng(14)
    loss, net = SoftmaxCrossEntropy(), small()
    ws = net.workspace(net.init(rng))
    for scale in (1, 1e4):
        z, y = scale * rng.normal(size=(9, 5)), rng.integers(5, size=9)
        value, dz = loss.value_and_gradient(z, y, None, ws.loss)
        assert value == pytest.approx(-log_softmax(z, axis=1)[np.arange(9), y].mean())
        np.testing.assert_allclose(dz, (softmax(z, axis=1) - np.eye(5)[y]) / 9, atol=1e-15)
        np.testing.assert_allclose(loss.link(z.copy()), softmax(z, axis=1), atol=1e-15)


def test_he_initialization_has_the_right_std():
    W = HeNormal()(np.random.default_rng(0), (400, 300), "float32")
    assert W.dtype == np.float32
    assert W.std() == pytest.approx(np.sqrt(2 / 400), rel=0.01)


def test_networks_compare_by_value():
    net = small(Dense(5), Dropout(0.5))
    assert net == small(Dense(5), Dropout(0.5))
    other = replace(net, layers=(Dense(5), Dropout(0.1), Dense(3)))
    assert other.layout == net.layout
    assert other != net


def test_batch_norm_normalizes_and_updates_running_means():
    rng = np.random.default_rng(15)
    net = Network((BatchNorm(momentum=0.5),), (3,), dtype="float64")
    weights = net.init(rng)
    ws = net.workspace(weights)
    x = rng.normal(5, 3, size=(50, 3))
    y = net.forward(x, ws, Call(train=True))
    np.testing.assert_allclose(y.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(y.std(axis=0), 1, rtol=1e-5)
    state = {e.name: e.view(weights.state) for e in net.state_layout.entries}
    np.testing.assert_allclose(state["0.mean"], 0.5 * x.mean(axis=0))
    np.testing.assert_allclose(state["0.var"], 0.5 + 0.5 * x.var(axis=0, ddof=1))
    before = weights.state.copy()
    y = net.forward(x, ws, INFERENCE)
    np.testing.assert_array_equal(weights.state, before)
    np.testing.assert_allclose(y, (x - state["0.mean"]) / np.sqrt(state["0.var"] + 1e-5))
    with pytest.raises(ValueError, match="momentum must be above 0 and at most 1"):
        BatchNorm(momentum=0)
    with pytest.raises(ValueError, match="eps must be above 0"):
        BatchNorm(eps=0)


def test_a_residual_block_must_keep_the_shape():
    with pytest.raises(ValueError, match=r"layer 1 \(Residual\).*\(6,\).*got \(5,\)"):
        Network((Dense(6), Residual((Dense(5),))), (4,))
    with pytest.raises(ValueError, match=r"layer 0 \(Residual\): layer 0 \(Dense\): Dense expects"):
        Network((Residual((Dense(5),)),), (4, 4))


def test_binary_losses_do_not_overflow():
    from scipy.special import expit

    rng = np.random.default_rng(16)
    loss, ws = BinaryCrossEntropy(), None
    ws = small().workspace(small().init(rng))
    for scale in (1, 1e4):
        z, y = scale * rng.normal(size=(9, 2)), rng.integers(2, size=(9, 2))
        value, dz = loss.value_and_gradient(z, y, None, ws.loss)
        expected = np.where(y, np.logaddexp(0, -z), np.logaddexp(0, z)).sum(axis=1).mean()
        assert value == pytest.approx(expected)
        np.testing.assert_allclose(dz, (expit(z) - y) / 9, atol=1e-15)
        np.testing.assert_allclose(loss.link(z.copy()), expit(z), atol=1e-15)


def test_trace_and_watch_see_every_layer():
    rng = np.random.default_rng(17)
    inner = Residual((Dense(6), Tanh()))
    net = small(Dense(6), inner, ReLU())
    weights = net.init(rng)
    x, y = some(rng)
    seen = net.trace(x, weights)
    assert list(seen) == ["0", "1.0", "1.1", "1", "2", "3"]
    W, b = (net.layout[f"0.{k}"].view(weights.theta) for k in "Wb")
    np.testing.assert_allclose(seen["0"], x @ W + b)
    np.testing.assert_allclose(seen["1"], seen["0"] + seen["1.1"])
    np.testing.assert_allclose(seen["2"], np.maximum(seen["1"], 0))
    backward = []
    call = Call(train=True, watch=lambda name, way, array: backward.append((way, name)))
    net.loss_and_input_gradient(x, y, net.workspace(weights), call)
    names = [name for way, name in backward if way == "backward"]
    assert names == ["loss", "3", "2", "1.1", "1.0", "1", "0"]


def test_backward_stops_where_no_gradient_is_needed():
    rng = np.random.default_rng(18)
    net = small(Tanh(), Reshape((6,)), Residual((Tanh(), Dense(6))), ReLU())
    x, y = some(rng)
    weights, seen = net.init(rng), []
    call = Call(train=True, watch=lambda name, way, _: seen.append((way, name)))
    ws = net.workspace(weights)
    net.loss_and_gradient(x, y, ws, call)
    assert [name for way, name in seen if way == "backward"] == ["loss", "4", "3"]
    short = ws.gradient.copy()
    net.loss_and_input_gradient(x, y, ws, call)
    np.testing.assert_array_equal(ws.gradient, short)
    dull = Network((Tanh(),), (3,), dtype="float64")
    ws = dull.workspace(dull.init(rng))
    assert dull.loss_and_input_gradient(x[:, :3], y, ws, Call(), need_dx=False)[1] is None


def test_summary_counts_parameters():
    text = small(Residual((Dense(6), ReLU())), BatchNorm()).summary()
    lines = [line.split() for line in text.splitlines()]
    assert lines[1] == ["0", "Residual", "(6,)", "0", "0"]
    assert lines[2] == ["0.0", "Dense", "(6,)", "42", "36"]
    assert lines[4] == ["1", "BatchNorm", "(6,)", "12", "0"]
    assert lines[-1] == ["total", "75", "54"]


def test_invalid_specs_raise():
    spec = small(Dense(5)).to_spec()
    with pytest.raises(ValueError, match=r"one of .*BatchNorm.*got 'Dens'. Did you mean 'Dense'\?"):
        Network.from_spec({**spec, "layers": [{"type": "Dens", "units": 3}]})
    with pytest.raises(ValueError, match="format 1; got format 7"):
        Network.from_spec({**spec, "format": 7})
    with pytest.raises(ValueError, match="missing or of the wrong type"):
        Network.from_spec({"format": 1, "layers": []})
    with pytest.raises(ValueError, match="missing or of the wrong type"):
        Network.from_spec({**spec, "layers": [{"type": "Dense", "unit": 3}]})
    with pytest.raises(ValueError, match=r"layer 0.rate must be numbers.*got function"):
        small(Dropout(lambda t: t)).to_spec()
    mine = Network((Wrong(), Dense(2)), (3,))
    back = Network.from_spec(json.loads(json.dumps(mine.to_spec())), parts=[Wrong])
    assert back == mine


@dataclass(frozen=True)
class Centered:
    """A layer that sets its parameter from its first rows: y = x − c."""

    row_wise = deterministic = smooth = True

    def plan(self, shape):
        return Plan(shape, {"c": Spec(shape, Zeros(), "center")})

    def calibrate(self, x, w, call):
        w.p.c[...] = x.mean(axis=0)

    def forward(self, x, w, call):
        return np.subtract(x, w.p.c, out=w.buf("y", x.shape, x.dtype))

    def backward(self, dy, w, call, *, need_dx=True):
        np.negative(dy.sum(axis=0), out=w.g.c)
        return dy


def test_calibration_sets_parameters_layer_by_layer():
    rng = np.random.default_rng(18)
    net = small(Centered(), Residual((Dense(6), Centered())))
    check_gradients(net, *some(rng), rng=rng)
    assert set(net.layout.roles) == {"weight", "bias", "center"}
    weights, x = net.init(rng), rng.normal(3, 1, size=(40, 6))
    net.calibrate(x, weights, rng)
    seen = net.trace(x, weights)
    np.testing.assert_allclose(seen["0"].mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(seen["1.1"].mean(axis=0), 0, atol=1e-12)


def test_rows_of_another_shape_raise():
    net = small()
    with pytest.raises(ValueError, match=r"X must have shape \(n, 6\); got \(3, 5\)"):
        net.predict(np.zeros((3, 5)), net.init(np.random.default_rng(0)))
