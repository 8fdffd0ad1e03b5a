"""Steps of update rules against PyTorch's (make_optim.py)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from graduel.layout import Layout
from graduel.optim import SGD, AdaGrad, Adam, AdamW, AMSGrad, Muon, RMSProp

GOLDEN = json.loads(Path(__file__).with_name("optim.json").read_text(encoding="utf-8"))
RULES = [
    SGD(),
    SGD(momentum=0.9),
    SGD(momentum=0.9, nesterov=True),
    AdaGrad(),
    AdaGrad(initial=0.3, eps=1e-3),
    RMSProp(decay=0.99),
    RMSProp(decay=0.6, eps=1e-3, momentum=0.8),
    Adam(),
    AdamW(beta1=0.5, beta2=0.9, eps=1e-3, weight_decay=0.2),
    AMSGrad(),
    AMSGrad(beta1=0.7, beta2=0.6, eps=1e-3, weight_decay=0.2),
    Muon(),
    Muon(
        momentum=0.8,
        nesterov=False,
        weight_decay=0.3,
        steps=3,
        match_rms=False,
        others=AdamW(weight_decay=0.2),
        others_rate=0.25,
    ),
]
NAMES = list(GOLDEN["steps"])


@pytest.mark.parametrize(("rule", "name"), list(zip(RULES, NAMES, strict=True)), ids=NAMES)
def test_steps_equal_pytorchs(rule, name):
    layout = Layout.build(
        (key, np.shape(value), "weight" if key.endswith("W") else "bias")
        for key, value in GOLDEN["theta"].items()
    )

    def flat(named):
        return np.concatenate([np.ravel(named[entry.name]) for entry in layout.entries])

    theta, expected = flat(GOLDEN["theta"]), flat(GOLDEN["steps"][name]["theta"])
    state = rule.init(layout, theta.dtype)
    for pull in GOLDEN["pulls"]:
        rule.update(theta, flat(pull), state, GOLDEN["steps"][name]["lr"])
    np.testing.assert_allclose(theta, expected, rtol=1e-10, atol=1e-12)
