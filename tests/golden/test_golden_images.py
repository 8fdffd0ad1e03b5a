"""Convolutions and pooling against PyTorch's (make_images.py)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from graduel.nn import INFERENCE, AveragePool2D, Conv2D, MaxPool2D, Network

CASES = json.loads(Path(__file__).with_name("images.json").read_text(encoding="utf-8"))["cases"]
LAYERS = [
    Conv2D(3),
    Conv2D(3),
    Conv2D(3, 2, 2),
    Conv2D(3, (4, 3), (1, 2)),
    Conv2D(3, (3, 2), (2, 1), "valid"),
    MaxPool2D(),
    MaxPool2D(3, 2),
    MaxPool2D((2, 3), 1),
    AveragePool2D(),
    AveragePool2D((3, 2), (1, 2)),
]


@pytest.mark.parametrize(("layer", "name"), list(zip(LAYERS, CASES, strict=True)), ids=list(CASES))
def test_outputs_and_gradients_equal_pytorchs(layer, name):
    case = CASES[name]
    x = np.array(case["x"])
    net = Network((layer,), x.shape[1:], dtype="float64")
    weights = net.init(np.random.default_rng(0))
    for key, value in case["params"].items():
        net.layout[f"0.{key}"].view(weights.theta)[...] = value
    ws = net.workspace(weights)
    y = net.forward(x, ws)
    np.testing.assert_allclose(y, case["y"], rtol=1e-12, atol=1e-13)
    dx = layer.backward(np.array(case["dy"]), ws.scopes[0], INFERENCE)
    np.testing.assert_allclose(dx, case["dx"], rtol=1e-12, atol=1e-13)
    for key, value in case["gradients"].items():
        got = net.layout[f"0.{key}"].view(ws.gradient)
        np.testing.assert_allclose(got, value, rtol=1e-12, atol=1e-13)
