"""Losses and their gradients against PyTorch's (make_losses.py)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from graduel.nn import (
    AbsoluteError,
    BinaryCrossEntropy,
    Dense,
    Huber,
    Network,
    Poisson,
    SoftmaxCrossEntropy,
    SquaredError,
)

GOLDEN = json.loads(Path(__file__).with_name("losses.json").read_text(encoding="utf-8"))
C = (0.5, 2.0, 0.0, 1.25)
LOSSES = [
    SoftmaxCrossEntropy(),
    SoftmaxCrossEntropy(label_smoothing=0.2),
    SoftmaxCrossEntropy(class_weight=C),
    BinaryCrossEntropy(),
    BinaryCrossEntropy(label_smoothing=0.2),
    BinaryCrossEntropy(positive_weight=C),
    BinaryCrossEntropy(label_smoothing=0.2, positive_weight=C),
    SquaredError(),
    AbsoluteError(),
    Huber(),
    Huber(delta=0.4),
    Poisson(),
]
NAMES = list(GOLDEN["answers"])


@pytest.mark.parametrize(("loss", "name"), list(zip(LOSSES, NAMES, strict=True)), ids=NAMES)
def test_losses_and_gradients_equal_pytorchs(loss, name):
    expected, raw = GOLDEN["answers"][name], np.array(GOLDEN["raw"])
    net = Network((Dense(4),), (4,), loss=loss, dtype="float64")
    ws = net.workspace(net.init(np.random.default_rng(0)))
    y = np.array(GOLDEN["y"][expected["y"]])
    value, dz = loss.value_and_gradient(raw, y, None, ws.loss)
    assert value == pytest.approx(expected["loss"], rel=1e-12)
    np.testing.assert_allclose(dz, expected["dz"], rtol=1e-11, atol=1e-15)
