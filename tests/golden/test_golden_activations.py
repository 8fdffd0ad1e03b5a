"""Activations and normalizations against PyTorch's (make_activations.py)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from graduel.nn import (
    ELU,
    GELU,
    INFERENCE,
    SELU,
    BatchNorm,
    Call,
    HardSwish,
    Identity,
    LayerNorm,
    LeakyReLU,
    Mish,
    Network,
    ParametricReLU,
    ReLU,
    Scale,
    Sigmoid,
    SiLU,
    Softplus,
    Tanh,
)

PATH = Path(__file__).with_name("activations.json")
GOLDEN = json.loads(PATH.read_text(encoding="utf-8"))
ELEMENTWISE = [
    Identity(),
    ReLU(),
    LeakyReLU(),
    LeakyReLU(slope=0.3),
    Sigmoid(),
    Tanh(),
    Softplus(),
    ELU(),
    ELU(alpha=0.5),
    ELU(alpha=2.0),
    SELU(),
    SiLU(),
    GELU(),
    GELU(approximate=True),
    Mish(),
    HardSwish(),
]
NAMES = list(GOLDEN["elementwise"])
WITH_PARAMETERS = {
    "BatchNorm": BatchNorm(),
    "LayerNorm": LayerNorm(),
    "ParametricReLU": ParametricReLU(),
    "Scale": Scale(),
}
TRAIN = Call(train=True)


@pytest.mark.parametrize(("layer", "name"), list(zip(ELEMENTWISE, NAMES, strict=True)), ids=NAMES)
def test_activations_and_derivatives_equal_pytorchs(layer, name):
    assert type(layer).__name__ == name.split("(")[0]
    x, expected = np.array(GOLDEN["x"])[:, np.newaxis], GOLDEN["elementwise"][name]
    net = Network((layer,), (1,), dtype="float64")
    ws = net.workspace(net.init(np.random.default_rng(0)))
    y = net.forward(x, ws, TRAIN)[:, 0]
    np.testing.assert_allclose(y, expected["y"], rtol=1e-13, atol=1e-14)
    dx = layer.backward(np.ones_like(x), ws.scopes[0], TRAIN)[:, 0]
    np.testing.assert_allclose(dx, expected["dx"], rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("name", GOLDEN["with_parameters"])
def test_layers_with_parameters_equal_pytorchs(name):
    golden = GOLDEN["with_parameters"][name]
    layer, x = WITH_PARAMETERS[name.split()[0]], np.array(golden["drawn"]["x"])
    net = Network((layer,), x.shape[1:], dtype="float64")
    weights = net.init(np.random.default_rng(0))
    for entry in net.layout.entries:
        entry.view(weights.theta)[...] = golden["drawn"][entry.name.removeprefix("0.")]
    ws = net.workspace(weights)
    y = net.forward(x, ws, TRAIN)
    np.testing.assert_allclose(y, golden["y"], rtol=1e-12, atol=1e-13)
    dx = layer.backward(np.array(golden["dy"]), ws.scopes[0], TRAIN)
    np.testing.assert_allclose(dx, golden["gradients"]["x"], rtol=1e-10, atol=1e-12)
    for entry in net.layout.entries:
        expected = golden["gradients"][entry.name.removeprefix("0.")]
        np.testing.assert_allclose(entry.view(ws.gradient), expected, rtol=1e-11, atol=1e-12)
    for entry in net.state_layout.entries:
        expected = golden["state"][entry.name.removeprefix("0.")]
        np.testing.assert_allclose(entry.view(weights.state), expected, rtol=1e-12)
    if "predicted" in golden:
        np.testing.assert_allclose(net.forward(x, ws, INFERENCE), golden["predicted"], rtol=1e-11)
