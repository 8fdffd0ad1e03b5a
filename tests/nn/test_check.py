"""The public gradient checks pass correct layers, and find and locate errors in wrong ones."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from graduel.nn import (
    BatchNorm,
    Dense,
    Dropout,
    Network,
    ReLU,
    Residual,
    Tanh,
    check_coordinates,
    check_gradients,
    check_poison,
)


@dataclass(frozen=True)
class Wrong(Dense):
    """A Dense whose db has the wrong sign in one entry."""

    def backward(self, dy, w, call, *, need_dx=True):
        dx = Dense.backward(self, dy, w, call, need_dx=need_dx)
        w.g.b[1] *= -1
        return dx


@dataclass(frozen=True)
class Forgetful(Dense):
    """A Dense that never assigns db."""

    def backward(self, dy, w, call, *, need_dx=True):
        np.matmul(w.saved.T, dy, out=w.g.W)
        return dy @ w.p.W.T


@dataclass(frozen=True)
class Adding(Dense):
    """A Dense that adds to dW instead of assigning it."""

    def backward(self, dy, w, call, *, need_dx=True):
        before = np.nan_to_num(w.g.W.copy())
        dx = Dense.backward(self, dy, w, call, need_dx=need_dx)
        w.g.W += before
        return dx


@dataclass(frozen=True)
class Stale(Tanh):
    """A tanh that reads a buffer before it is written in this pass."""

    def forward(self, x, w, call):
        y = Tanh.forward(self, x, w, call)
        old = w.buf("old", x.shape, x.dtype)
        with np.errstate(all="ignore"):
            y = y + 0 * old
        np.copyto(old, x)
        return y


def problem(*layers, dtype="float64", seed=0):
    rng = np.random.default_rng(seed)
    net = Network((*layers, Dense(3)), (4,), dtype=dtype)
    return net, rng.normal(size=(6, 4)).astype(dtype), rng.integers(3, size=6), rng


@pytest.mark.parametrize("check", [check_gradients, check_coordinates, check_poison])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_correct_layers_pass(check, dtype):
    layers = (Dense(5), BatchNorm(), ReLU(), Residual((Dense(5), Tanh(), Dropout(0.2))))
    net, x, y, rng = problem(*layers, dtype=dtype)
    if dtype == "float32" and check is not check_poison:
        with pytest.raises(ValueError, match=r"float64.* got float32"):
            check(net, x, y, rng=rng)
    else:
        check(net, x, y, rng=rng)
        check(net, x, y, rng=rng, weight=rng.random(6))


def test_a_wrong_sign_is_located():
    net, x, y, rng = problem(Wrong(5), Tanh())
    with pytest.raises(AssertionError, match=r"most at 0\.b\[1\]: analytic .* numeric"):
        check_coordinates(net, x, y, rng=rng)
    with pytest.raises(AssertionError, match=r"disagree: analytic .*, numeric .*Wrong"):
        check_gradients(net, x, y, rng=rng)


@pytest.mark.parametrize("check", [check_gradients, check_coordinates])
def test_a_gradient_that_is_not_written_is_named(check):
    net, x, y, rng = problem(Forgetful(5), Tanh())
    with pytest.raises(AssertionError, match=r"the gradient of 0\.b is NaN"):
        check(net, x, y, rng=rng)


@pytest.mark.parametrize("layer", [Forgetful(5), Stale()])
def test_check_poison_finds_stale_reads(layer):
    net, x, y, rng = problem(Dense(5), layer)
    with pytest.raises(AssertionError, match="depends on previous contents"):
        check_poison(net, x, y, rng=rng)


def test_the_directional_check_takes_a_constant_number_of_passes():
    passes = []

    @dataclass(frozen=True)
    class Counting(Tanh):
        def forward(self, x, w, call):
            passes.append(1)
            return Tanh.forward(self, x, w, call)

    for units in (3, 300):
        passes.clear()
        net, x, y, rng = problem(Dense(units), Counting())
        check_gradients(net, x, y, rng=rng)
        assert len(passes) == 6


def test_the_code_of_the_engine_page_runs():
    page = Path(__file__).parents[2] / "docs" / "engine.md"
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 8
    namespace = {"__name__": "engine_page"}
    for block in blocks:
        exec(block, namespace)
    assert namespace["fit"].network.layers[2] == Dropout(0.1)
