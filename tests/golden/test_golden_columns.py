"""Embeddings of category columns against PyTorch's (make_columns.py)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from graduel.nn import INFERENCE, Columns, Network

CASES = json.loads(Path(__file__).with_name("columns.json").read_text(encoding="utf-8"))["cases"]
LAYERS = [Columns(2, (4, 3), (3, 2)), Columns(0, (5,)), Columns(1, (20, 2, 1))]


@pytest.mark.parametrize(("layer", "name"), list(zip(LAYERS, CASES, strict=True)), ids=list(CASES))
def test_outputs_and_gradients_equal_pytorchs(layer, name):
    case = CASES[name]
    x = np.array(case["x"])
    net = Network((layer,), x.shape[1:], dtype="float64")
    weights = net.init(np.random.default_rng(0))
    for key, value in case["params"].items():
        net.layout[f"0.{key}"].view(weights.theta)[...] = value
    ws = net.workspace(weights)
    np.testing.assert_array_equal(net.forward(x, ws), case["y"])
    dx = layer.backward(np.array(case["dy"]), ws.scopes[0], INFERENCE)
    np.testing.assert_array_equal(dx[:, : layer.numeric], np.reshape(case["dx"], (len(x), -1)))
    assert not dx[:, layer.numeric :].any()
    for key, value in case["gradients"].items():
        got = net.layout[f"0.{key}"].view(ws.gradient)
        np.testing.assert_allclose(got, value, rtol=1e-12, atol=1e-14)
