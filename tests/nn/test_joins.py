"""Layers that make one pass together, against the same layers each on its own."""

from __future__ import annotations

import numpy as np
import pytest

from graduel import kernels
from graduel.nn import (
    ELU,
    SELU,
    BatchNorm,
    Call,
    Conv2D,
    Dense,
    EnsembleDense,
    Flatten,
    Network,
    Normal,
    NTKDense,
    Parametric,
    ReLU,
    Residual,
    Signs,
)
from graduel.nn.layers.layer import find_joins

MEMBERS = EnsembleDense(5, 3, init=Normal(0.5), adapter=Signs(), scaled=True)
CASES = {
    "dense relu": ((Dense(5), ReLU()), (4,)),
    "ntk relu": ((NTKDense(5), ReLU()), (4,)),
    "ensemble relu": ((MEMBERS, ReLU()), (4,)),
    "ensemble norm relu": ((MEMBERS, BatchNorm(), ReLU()), (4,)),
    "ensemble norm": ((MEMBERS, BatchNorm()), (4,)),
    "ntk norm elu": ((NTKDense(5), BatchNorm(), Parametric(ELU(0.7))), (4,)),
    "ensemble norm selu": ((MEMBERS, BatchNorm(), Parametric(SELU())), (4,)),
    "norm": ((BatchNorm(),), (4,)),
    "norm relu": ((BatchNorm(), ReLU()), (4,)),
    "norm selu": ((BatchNorm(), Parametric(SELU())), (4,)),
    "norm norm relu": ((BatchNorm(), BatchNorm(), ReLU()), (4,)),
    "dense norm": ((Dense(5), BatchNorm()), (4,)),
    "dense norm relu": ((Dense(5), BatchNorm(), ReLU(), Dense(2)), (4,)),
    "dense norm norm": ((Dense(5), BatchNorm(), BatchNorm(), ReLU()), (4,)),
    "convolution": ((Conv2D(3), BatchNorm(), ReLU(), Conv2D(2), BatchNorm(), Flatten()), (5, 4, 2)),
    "images": ((BatchNorm(), ReLU(), BatchNorm(), Parametric(SELU())), (3, 4, 2)),
    "residual": ((Residual((Dense(4), BatchNorm(), ReLU())), Dense(3)), (4,)),
    "residual images": ((Residual((BatchNorm(), ReLU(), Conv2D(2))), Flatten()), (3, 4, 2)),
}


@pytest.fixture(params=["numpy", "numba", "folded"])
def module(request, monkeypatch):
    """Both modules of kernels, in turn, and NumPy's with folds, which Numba's have."""
    if request.param == "numba":
        pytest.importorskip("numba")
    before = kernels.name()
    kernels.use("numba" if request.param == "numba" else "numpy")
    if request.param == "folded":
        monkeypatch.setattr(kernels, "name", lambda: "numba")
        monkeypatch.setattr(kernels, "has_tiles", lambda: False)
    yield request.param
    kernels.use(before)


def example(name, dtype="float64"):
    """Return a network with random weights and state, rows and the gradient of its output."""
    rng = np.random.default_rng(0)
    layers, shape = CASES[name]
    net = Network(layers, shape, dtype=dtype)
    weights = net.init(rng)
    weights.theta += rng.normal(0, 0.3, size=weights.theta.shape).astype(dtype)
    weights.state[...] = rng.uniform(0.5, 1.5, size=weights.state.shape)
    x = rng.normal(size=(7, *shape)).astype(dtype)
    dy = rng.normal(size=(7, *net.output_shape)).astype(dtype)
    return net, weights, x, dy


def both_ways(net, weights, x, dy, call):
    """Return output, dx, gradient and state as copies."""
    from graduel.nn.layers.layer import backward_through

    weights = type(weights)(weights.theta.copy(), weights.state.copy())
    ws = net.workspace(weights)
    ws.gradient.fill(np.nan)
    y = net.forward(x, ws, call).copy()
    dx = backward_through(net.layers, ws.scopes, dy.copy(), call, need_dx=True)
    return y, dx.copy(), ws.gradient.copy(), weights.state.copy()


@pytest.mark.parametrize("train", [False, True])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", CASES)
def test_joined_layers_equal_the_layers_one_by_one(module, name, dtype, train):
    net, weights, x, dy = example(name, dtype)
    before = x.copy()
    joined = both_ways(net, weights, x, dy, Call(train=train))
    np.testing.assert_array_equal(x, before)
    # A watched call runs each layer on its own.
    alone = both_ways(net, weights, x, dy, Call(train=train, watch=lambda *_: None))
    if module == "numpy":
        for found, expected in zip(joined, alone, strict=True):
            np.testing.assert_array_equal(found, expected)
    tolerance = 1e-11 if dtype == "float64" else 2e-4
    for found, expected in zip(joined, alone, strict=True):
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", CASES)
def test_gradients_after_a_prediction_equal_central_differences(module, name):
    net, weights, x, dy = example(name)
    _, dx, gradient, state = both_ways(net, weights, x, dy, Call())
    np.testing.assert_array_equal(state, weights.state)

    def value():
        return float(np.sum(net.forward(x, net.workspace(weights)) * dy))

    rng = np.random.default_rng(1)
    for array, found in ((weights.theta, gradient), (x.reshape(-1), dx.reshape(-1))):
        way = rng.normal(size=array.shape)
        start = array.copy()
        array[...] = start + 1e-6 * way
        above = value()
        array[...] = start - 1e-6 * way
        difference = (above - value()) / 2e-6
        array[...] = start
        assert float(found @ way) == pytest.approx(difference, rel=1e-6, abs=1e-7)


def test_a_frozen_row_is_left_alone(module):
    net, weights, x, _ = example("norm selu")
    x.flags.writeable = False
    expected = net.forward(x, net.workspace(weights)).copy()
    np.testing.assert_allclose(net.forward(x.copy(), net.workspace(weights)), expected)


def test_which_layers_make_one_pass():
    dense, norm, relu = Dense(3), BatchNorm(), ReLU()
    alone = (dense, relu, dense, norm, relu, norm, norm, dense)
    prediction, training = find_joins(alone)
    assert prediction == ((0, 0, 1), (2, 3, 4), (5, 6, 6), (7, 0, 7))
    assert training == ((0, 0, 1), (2, 0, 2), (3, 0, 4), (5, 0, 5), (6, 0, 6), (7, 0, 7))
    assert find_joins(()) == ((), ())
