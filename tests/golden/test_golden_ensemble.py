"""A periodic embedding, an ensemble and its loss, trained as PyTorch does (make_ensemble.py)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from graduel.nn import (
    PBLD,
    Call,
    EnsembleDense,
    EnsembleMean,
    EnsembleOutput,
    Network,
    Parametric,
)
from graduel.optim import Adam

GOLDEN = json.loads(Path(__file__).with_name("ensemble.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", GOLDEN["cases"])
def test_steps_equal_pytorchs(name):
    case = GOLDEN["cases"][name]
    x, y, scaled = np.array(case["x"]), np.array(case["y"]), case["scaled"]
    weight = None if case["weight"] is None else np.array(case["weight"])
    net = Network(
        (
            PBLD(columns=(2, 0, 1), frequencies=5, size=4),
            *(EnsembleDense(6, 4, scaled=scaled), Parametric()),
            *(EnsembleDense(5, 4, scaled=scaled), Parametric()),
            EnsembleOutput(3, 4, scaled=scaled),
        ),
        (4,),
        EnsembleMean(),
        "float64",
    )
    weights = net.init(np.random.default_rng(0))
    assert {entry.name for entry in net.layout.entries} == set(case["start"])
    for key, value in case["start"].items():
        net.layout[key].view(weights.theta)[...] = value
    ws, call, rule = net.workspace(weights), Call(train=True), Adam(beta2=GOLDEN["beta2"])
    memory, losses = rule.init(net.layout, weights.theta.dtype), []
    _, dx = net.loss_and_input_gradient(x, y, ws, call, weight)
    np.testing.assert_allclose(dx, case["gradients"].pop("x"), rtol=1e-10, atol=1e-13)
    for key, value in case["gradients"].items():
        found = net.layout[key].view(ws.gradient)
        np.testing.assert_allclose(found, value, rtol=1e-10, atol=1e-13)
    for _ in case["losses"]:
        losses.append(net.loss_and_gradient(x, y, ws, call, weight))
        rule.update(weights.theta, ws.gradient, memory, GOLDEN["lr"])
    np.testing.assert_allclose(losses, case["losses"], rtol=1e-11)
    assert losses[-1] < losses[0]
    for key, value in case["end"].items():
        found = net.layout[key].view(weights.theta)
        np.testing.assert_allclose(found, value, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(net.predict(x, weights), case["answers"], rtol=1e-9)
