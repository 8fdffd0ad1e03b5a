"""Losses, gradients and steps against PyTorch's (make_golden.py)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from graduel.layout import Layout
from graduel.nn import (
    BatchNorm,
    BinaryCrossEntropy,
    Call,
    Dense,
    Network,
    ReLU,
    Residual,
    SoftmaxCrossEntropy,
    SquaredError,
    Tanh,
)
from graduel.optim import SGD, Adam, AdamW

GOLDEN = json.loads(Path(__file__).with_name("golden.json").read_text(encoding="utf-8"))
LAYERS = (Dense(4), BatchNorm(), ReLU(), Residual((Dense(4), Tanh())), Dense(3))
TARGETS = {
    "SoftmaxCrossEntropy": (SoftmaxCrossEntropy(), "codes"),
    "BinaryCrossEntropy": (BinaryCrossEntropy(), "bits"),
    "SquaredError": (SquaredError(), "reals"),
}
RULES = [
    SGD(),
    SGD(momentum=0.9),
    SGD(momentum=0.9, nesterov=True),
    Adam(),
    AdamW(weight_decay=0.2),
    AdamW(beta1=0.5, beta2=0.9, eps=1e-3, weight_decay=0.0),
]
NAMES = list(GOLDEN["steps"])


@pytest.mark.parametrize("name", TARGETS)
def test_loss_gradients_and_state_equal_pytorchs(name):
    loss, kind = TARGETS[name]
    net = Network(LAYERS, (5,), loss=loss, dtype="float64")
    weights = net.init(np.random.default_rng(0))
    for entry in net.layout.entries:
        entry.view(weights.theta)[...] = GOLDEN["drawn"][entry.name]
    ws = net.workspace(weights)
    x, y = np.array(GOLDEN["drawn"]["x"]), np.array(GOLDEN["y"][kind])
    value, dx = net.loss_and_input_gradient(x, y, ws, Call(train=True))
    expected = GOLDEN["losses"][name]
    assert value == pytest.approx(expected["loss"], rel=1e-12)
    np.testing.assert_allclose(dx, expected["gradients"]["x"], rtol=1e-9, atol=1e-12)
    for entry in net.layout.entries:
        want = expected["gradients"][entry.name]
        np.testing.assert_allclose(entry.view(ws.gradient), want, rtol=1e-9, atol=1e-12)
    for entry in net.state_layout.entries:
        want = expected["state"][entry.name]
        np.testing.assert_allclose(entry.view(weights.state), want, rtol=1e-12)


@pytest.mark.parametrize(("rule", "name"), list(zip(RULES, NAMES, strict=True)), ids=NAMES)
def test_steps_equal_pytorchs(rule, name):
    theta, pulls = np.array(GOLDEN["theta"]), np.array(GOLDEN["pulls"])
    state = rule.init(Layout.build([("0.W", theta.shape, "weight")]), theta.dtype)
    for pull in pulls:
        rule.update(theta, pull, state, GOLDEN["steps"][name]["lr"])
    np.testing.assert_allclose(theta, GOLDEN["steps"][name]["theta"], rtol=1e-10)
