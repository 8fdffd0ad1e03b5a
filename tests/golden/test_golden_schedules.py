"""Schedules and the plateau controller against PyTorch's (make_schedules.py)."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from graduel import optim
from graduel.train import ReduceOnPlateau

PATH = Path(__file__).with_name("schedules.json")
GOLDEN = json.loads(PATH.read_text(encoding="utf-8"))


def build(name, kind):
    """Build the object of a name like ``Step(drop=0.3, every=0.2)``."""
    inside = name[name.index("(") + 1 : -1]
    pairs = (pair.split("=") for pair in inside.split(", "))
    return kind(**{key: json.loads(value) for key, value in pairs})


@pytest.mark.parametrize("name", GOLDEN["schedules"])
def test_factors_equal_pytorchs(name):
    schedule = build(name, getattr(optim, name[: name.index("(")]))
    answer = GOLDEN["schedules"][name]
    factors = [schedule(t) for t in answer["t"]]
    np.testing.assert_allclose(factors, answer["factor"], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", GOLDEN["plateaus"])
def test_plateaus_equal_pytorchs(name):
    plateau = build(name, ReduceOnPlateau)
    observed = [math.nan if value is None else value for value in GOLDEN["observed"]]
    factors = [plateau.observe(value) for value in observed]
    assert len(set(factors)) > 1
    np.testing.assert_allclose(factors, GOLDEN["plateaus"][name], rtol=1e-12)
