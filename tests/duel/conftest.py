"""Fixtures for small duels on real digits, a few seconds each."""

from __future__ import annotations

from dataclasses import replace

import pytest

from graduel.data.source import DataSource
from graduel.duel.plan.protocol_builder import build_protocol

TINY = {
    "textbook": {"layers": [16], "rate": 0.5, "steps": 6},
    "net": {
        "layers": [16],
        "activation": "relu",
        "dropout": 0.1,
        "optimizer": "adamw",
        "lr": 0.01,
        "momentum": 0.9,
        "weight_decay": 0.01,
        "schedule": "cosine",
        "warmup": 0.05,
        "batch_size": 32,
        "epochs": 2,
    },
}


@pytest.fixture(scope="session")
def tiny():
    """A protocol of two small networks on 300 digits, without probes (tested on tables)."""
    base = build_protocol(
        DataSource.builtin("mnist"),
        contenders=["textbook", "net"],
        rows=300,
        threads=1,
        probes=False,
    )
    specs = {k: {**base.contenders[k], "recipe": TINY[k]} for k in TINY}
    return replace(base, contenders=specs)
