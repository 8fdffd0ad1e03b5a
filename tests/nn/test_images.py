"""Convolution and pooling against plain loops, for all sizes, strides and paddings."""

from __future__ import annotations

import json
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graduel.nn import (
    INFERENCE,
    AveragePool2D,
    Call,
    Conv2D,
    Dense,
    Flatten,
    MaxPool2D,
    Network,
    ReLU,
    Reshape,
    Tanh,
    check_gradients,
    check_poison,
)
from graduel.nn.layers import windows


def pad(x, size, stride):
    """Pad images with zeros as 'same' does; an odd one goes below or to the right."""
    around = [(0, 0)]
    for n, k, s in zip(x.shape[1:3], size, stride, strict=True):
        zeros = max(0, (-(-n // s) - 1) * s + k - n)
        around.append((zeros // 2, zeros - zeros // 2))
    return np.pad(x, [*around, (0, 0)]), around[1][0], around[2][0]


def each_window(x, size, stride):
    """Yield the position of each window in the output and in the image."""
    for p in range((x.shape[1] - size[0]) // stride[0] + 1):
        for q in range((x.shape[2] - size[1]) // stride[1] + 1):
            top, left = p * stride[0], q * stride[1]
            yield p, q, (slice(None), slice(top, top + size[0]), slice(left, left + size[1]))


def convolve(x, W, b, stride, padding):
    """Return y and a function from dy to dx, dW and db, computed window by window."""
    size, o = W.shape[:2], W.shape[3]
    padded, top, left = pad(x, size, stride) if padding == "same" else (x, 0, 0)
    found = list(each_window(padded, size, stride))
    y = np.empty((len(x), found[-1][0] + 1, found[-1][1] + 1, o))
    for p, q, window in found:
        y[:, p, q] = np.einsum("nijc,ijco->no", padded[window], W) + b

    def back(dy):
        dx, dW = np.zeros_like(padded), np.zeros_like(W)
        for p, q, window in found:
            dx[window] += np.einsum("no,ijco->nijc", dy[:, p, q], W)
            dW += np.einsum("no,nijc->ijco", dy[:, p, q], padded[window])
        return dx[:, top : top + x.shape[1], left : left + x.shape[2]], dW, dy.sum(axis=(0, 1, 2))

    return y, back


def pool(x, size, stride, kind):
    """Return y and a function from dy to dx, computed by window and channel."""
    found = list(each_window(x, size, stride))
    y = np.empty((len(x), found[-1][0] + 1, found[-1][1] + 1, x.shape[3]))
    for p, q, window in found:
        y[:, p, q] = getattr(np, kind)(x[window], axis=(1, 2))

    def back(dy):
        dx = np.zeros_like(x)
        for p, q, window in found:
            for n in range(len(x)):
                for c in range(x.shape[3]):
                    inside = dx[n, window[1], window[2], c]  # a view
                    if kind == "mean":
                        inside += dy[n, p, q, c] / inside.size
                    else:
                        first = np.argmax(x[n, window[1], window[2], c])
                        inside[np.unravel_index(first, inside.shape)] += dy[n, p, q, c]
        return dx

    return y, back


def alone(layer, shape, rng, dtype="float64"):
    """Return the scope of one layer, with weights drawn and its gradient poisoned."""
    net = Network((layer,), shape, dtype=dtype)
    weights = net.init(rng)
    weights.theta += rng.normal(0, 0.1, weights.theta.shape).astype(dtype)
    ws = net.workspace(weights)
    ws.gradient.fill(np.nan)
    return ws.scopes[0]


pairs = st.tuples(st.integers(1, 4), st.integers(1, 4)) | st.integers(1, 4)
shapes = st.tuples(st.integers(1, 3), st.integers(4, 9), st.integers(4, 9), st.integers(1, 9))


def both(value):
    return value if isinstance(value, tuple) else (value, value)


@settings(max_examples=150, deadline=None)
@given(
    shapes,
    st.integers(1, 3),
    pairs,
    pairs,
    st.sampled_from(["same", "valid"]),
    st.sampled_from([1, 300, 1000, 1 << 20]),
    st.integers(0, 2**31),
)
def test_convolution_equals_its_definition(shape, filters, size, stride, padding, block, seed):
    rng = np.random.default_rng(seed)
    layer = Conv2D(filters, size, stride, padding)
    x, w = rng.normal(size=shape), alone(layer, shape[1:], rng)
    plan = layer.plan(shape[1:])
    expected, back = convolve(x, w.p.W, w.p.b, both(stride), padding)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows, "BLOCK", block)
        y = layer.forward(x, w, INFERENCE)
        assert y.shape[1:] == plan.out
        assert y.flags.c_contiguous
        np.testing.assert_allclose(y, expected, atol=1e-12)
        dy = rng.normal(size=y.shape)
        dx = layer.backward(dy, w, INFERENCE)
    for got, want in zip((dx, w.g.W, w.g.b), back(dy), strict=True):
        np.testing.assert_allclose(got, want, atol=1e-12)
    if padding == "same":
        assert plan.out[:2] == tuple(-(-n // s) for n, s in zip(shape[1:3], both(stride)))  # noqa: B905


@settings(max_examples=200, deadline=None)
@given(shapes, pairs, st.none() | pairs, st.sampled_from(["max", "mean"]), st.integers(0, 2**31))
def test_pooling_equals_its_definition(shape, size, stride, kind, seed):
    rng = np.random.default_rng(seed)
    layer = (MaxPool2D if kind == "max" else AveragePool2D)(size, stride)
    x = rng.integers(3, size=shape).astype(float)  # with many ties
    w = alone(layer, shape[1:], rng)
    expected, back = pool(x, both(size), both(stride or size), kind)
    y = layer.forward(x, w, INFERENCE)
    assert y.shape[1:] == layer.plan(shape[1:]).out
    np.testing.assert_allclose(y, expected, atol=1e-14)
    dy = rng.normal(size=y.shape)
    want = back(dy)
    np.testing.assert_allclose(layer.backward(dy, w, INFERENCE), want, atol=1e-14)


def test_the_first_of_tied_maxima_gets_the_gradient():
    layer, rng = MaxPool2D(), np.random.default_rng(0)
    x = np.array([[1.0, 2.0], [2.0, 2.0]]).reshape(1, 2, 2, 1)
    w = alone(layer, (2, 2, 1), rng)
    layer.forward(x, w, INFERENCE)
    dx = layer.backward(np.full((1, 1, 1, 1), 5.0), w, INFERENCE)
    assert dx.ravel().tolist() == [0, 5, 0, 0]


def test_remaining_borders_are_dropped_and_get_no_gradient():
    rng = np.random.default_rng(1)
    for layer in (MaxPool2D(2), AveragePool2D(2), Conv2D(3, 2, 2, "valid")):
        x = rng.normal(size=(3, 7, 5, 2))
        w = alone(layer, (7, 5, 2), rng)
        y = layer.forward(x, w, INFERENCE).copy()
        dx = layer.backward(np.ones_like(y), w, INFERENCE)
        assert y.shape[1:3] == (3, 2)
        assert not dx[:, 6].any()
        assert not dx[:, :, 4].any()
        x[:, 6], x[:, :, 4] = 99, 99
        np.testing.assert_allclose(layer.forward(x, w, INFERENCE), y, atol=1e-13)


LAYERS = [
    Conv2D(4),
    Conv2D(4, 3, 2, "valid"),
    Conv2D(4, (1, 3), (2, 1)),
    MaxPool2D(),
    MaxPool2D(3, 2),
    AveragePool2D(),
    AveragePool2D(3, 2),
]


@pytest.mark.parametrize("layer", LAYERS, ids=repr)
def test_views_are_accepted(layer):
    rng = np.random.default_rng(2)
    x = rng.normal(size=(3, 6, 7, 8))
    w = alone(layer, (7, 8, 6), rng)
    view = x.transpose(0, 2, 3, 1)
    want = layer.forward(view.copy(), w, INFERENCE).copy()
    dy = rng.normal(size=(3, want.shape[3], *want.shape[1:3])).transpose(0, 2, 3, 1)
    want_dx = layer.backward(dy.copy(), w, INFERENCE).copy()
    gradients = {name: g.copy() for name, g in vars(w.g).items()}
    np.testing.assert_allclose(layer.forward(view, w, INFERENCE), want, atol=1e-13)
    np.testing.assert_allclose(layer.backward(dy, w, INFERENCE), want_dx, atol=1e-13)
    for name, g in gradients.items():
        np.testing.assert_allclose(getattr(w.g, name), g, atol=1e-13)


@pytest.mark.parametrize("layer", LAYERS, ids=repr)
def test_large_inputs_do_not_overflow(layer):
    rng = np.random.default_rng(3)
    w = alone(layer, (8, 8, 3), rng, "float32")
    for x in (np.full((2, 8, 8, 3), 1e4, "float32"), np.full((2, 8, 8, 3), -1e4, "float32")):
        y = layer.forward(x, w, INFERENCE)
        assert np.isfinite(y).all()
        dx = layer.backward(np.full(y.shape, 1e4, "float32"), w, INFERENCE)
        assert dx.dtype == y.dtype == np.float32
        assert all(np.isfinite(g).all() for g in (dx, *vars(w.g).values()))


@pytest.mark.parametrize("layer", LAYERS, ids=repr)
@pytest.mark.parametrize("block", [1 << 9, 1 << 20])
def test_results_do_not_depend_on_batch_and_block_size(layer, block, monkeypatch):
    rng = np.random.default_rng(4)
    x = rng.normal(size=(9, 8, 8, 3)).astype("float32")
    w = alone(layer, (8, 8, 3), rng, "float32")
    want = layer.forward(x, w, INFERENCE).copy()
    dy = rng.normal(size=want.shape).astype("float32")
    want_dx = layer.backward(dy.copy(), w, INFERENCE).copy()
    monkeypatch.setattr(windows, "BLOCK", block)
    for n in (2, 1, 9, 3, 0):
        got = layer.forward(x[:n], w, INFERENCE)
        np.testing.assert_allclose(got, want[:n], atol=1e-5)
        dx = layer.backward(dy[:n].copy(), w, INFERENCE)
        np.testing.assert_allclose(dx, want_dx[:n], atol=1e-5)
    assert layer.backward(dy[:0].copy(), w, INFERENCE, need_dx=False) is None
    assert all(not g.any() for g in vars(w.g).values())  # of no images


def test_a_step_allocates_no_array_of_batch_size():
    rng = np.random.default_rng(5)
    net = Network(
        (Conv2D(16), ReLU(), MaxPool2D(), Conv2D(16), AveragePool2D(3, 2), Flatten(), Dense(3)),
        (24, 24, 2),
    )
    ws, call = net.workspace(net.init(rng)), Call(train=True)
    x, y = rng.normal(size=(20, 24, 24, 2)).astype("float32"), rng.integers(3, size=20)
    net.loss_and_gradient(x, y, ws, call)
    tracemalloc.start()
    for n in (20, 3, 20):
        net.loss_and_gradient(x[:n], y[:n], ws, call)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.1 * ws.scopes[0]._buffers["y"].nbytes


def test_patches_are_gathered_in_blocks():
    rng = np.random.default_rng(6)
    layer = Conv2D(2, 5)
    w = alone(layer, (40, 40, 8), rng, "float32")
    x = rng.normal(size=(30, 40, 40, 8)).astype("float32")
    layer.backward(layer.forward(x, w, INFERENCE), w, INFERENCE)
    largest = max(b.size for name, b in w._buffers.items() if name not in ("y", "dx"))
    assert largest <= windows.BLOCK


def test_a_stack_of_images_agrees_with_finite_differences():
    rng = np.random.default_rng(7)
    layers = (Reshape((8, 8, 1)), Conv2D(4), Tanh(), MaxPool2D(3, 2), Conv2D(3, 2, 2), Tanh())
    net = Network((*layers, AveragePool2D(), Flatten(), Dense(3)), (64,), dtype="float64")
    x, y = rng.normal(size=(5, 64)), rng.integers(3, size=5)
    check_gradients(net, x, y, rng=rng)
    check_poison(net, x, y, rng=rng)
    assert Network.from_spec(json.loads(json.dumps(net.to_spec()))) == net


def test_a_convolutional_network_locates_a_bar():
    rng = np.random.default_rng(8)
    y = rng.integers(2, size=100)
    x = 0.3 * rng.normal(size=(100, 8, 8, 1)).astype("float32")
    for image, code, at in zip(x, y, rng.integers(8, size=100), strict=True):
        image[(at, slice(None)) if code else (slice(None), at)] += 1
    net = Network((Conv2D(8), ReLU(), MaxPool2D(8), Flatten(), Dense(2)), (8, 8, 1))
    weights = net.init(rng)
    ws, call = net.workspace(weights), Call(train=True)
    for _ in range(100):
        loss = net.loss_and_gradient(x, y, ws, call)
        weights.theta -= 0.3 * ws.gradient
    assert loss < 0.2


def test_a_plan_counts_parameters_and_multiply_adds():
    plan = Conv2D(64, (3, 5), 2).plan((28, 27, 32))
    assert plan.out == (14, 14, 64)
    assert plan.params["W"].shape == (3, 5, 32, 64)
    assert (plan.params["W"].role, plan.params["b"].role) == ("weight", "bias")
    assert plan.macs == 14 * 14 * 3 * 5 * 32 * 64
    assert MaxPool2D(3, 2).plan((28, 28, 4)).macs == 0


def test_errors():
    with pytest.raises(ValueError, match="filters must be a positive integer; got 0"):
        Conv2D(0)
    for wrong in (0, (3, 0), (3, 3, 3), 2.5, "3"):
        for make in (lambda s: Conv2D(1, s), lambda s: Conv2D(1, 3, s), MaxPool2D, AveragePool2D):
            with pytest.raises(ValueError, match=r"positive integer or two of them, such as 3 or"):
                make(wrong)
    with pytest.raises(ValueError, match="stride must be a positive integer"):
        MaxPool2D(2, 0)
    with pytest.raises(ValueError, match="padding must be 'same' or 'valid'; got 'full'"):
        Conv2D(1, padding="full")
    for layer in (Conv2D(1), MaxPool2D(), AveragePool2D()):
        name = type(layer).__name__
        with pytest.raises(ValueError, match=rf"layer 0 \({name}\).*put Reshape\(\(28, 28, 1\)\)"):
            Network((layer,), (784,))
    for layer in (Conv2D(1, 4, padding="valid"), MaxPool2D(4), AveragePool2D(4)):
        with pytest.raises(ValueError, match=r"its window, 4 × 4; got 3 × 9"):
            layer.plan((3, 9, 1))
    assert Conv2D(1, 4).plan((3, 9, 1)).out == (3, 9, 1)
