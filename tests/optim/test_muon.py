"""The matrices that Muon moves, and their updates; test_rules.py compares its steps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from graduel.layout import Layout
from graduel.optim import Muon

ALL_MUON = Muon(weight_decay=0, match_rms=False, first=True, last=True)


@pytest.mark.parametrize(
    ("rule", "hidden"),
    [
        (Muon(), ["2.W"]),
        (Muon(first=True), ["1.W", "2.W"]),
        (Muon(last=True), ["2.W", "4.W"]),
        (Muon(first=True, last=True), ["1.W", "2.W", "4.W"]),
    ],
    ids=repr,
)
def test_muon_moves_hidden_matrices_and_leaves_the_rest_to_others(rule, hidden):
    layout = Layout.build(
        [
            ("0.E", (4, 2), "embedding"),
            ("1.W", (3, 3, 2, 5), "weight"),
            ("2.W", (5, 4), "weight"),
            ("3.a", (6,), "weight"),
            ("4.W", (4, 2), "weight"),
            ("4.b", (2,), "bias"),
        ]
    )
    rng = np.random.default_rng(5)
    theta, g = rng.normal(size=(2, layout.size))
    moved, left = theta.copy(), theta.copy()
    rule.update(moved, g, rule.init(layout, theta.dtype), 0.1)
    rule.others.update(left, g, rule.others.init(layout, theta.dtype), 0.1)
    for entry in layout.entries:
        equal = np.allclose(entry.view(moved), entry.view(left), rtol=1e-12)
        assert equal == (entry.name not in hidden), entry.name


def test_muon_flattens_a_kernel_to_a_matrix():
    rng, rule = np.random.default_rng(6), replace(ALL_MUON, steps=1)
    theta, g = rng.normal(size=(2, 90))
    ends = []
    for shape in ((3, 3, 2, 5), (18, 5)):
        ends.append(theta.copy())
        layout = Layout.build([("0.W", shape, "weight")])
        rule.update(ends[-1], g, rule.init(layout, theta.dtype), 0.1)
    np.testing.assert_array_equal(*ends)


def test_muon_takes_zero_and_huge_gradients():
    layout = Layout.build([("0.W", (8, 4), "weight")])
    for size in (0.0, 1e-30, 1e30):
        theta, state = np.ones(32, np.float32), ALL_MUON.init(layout, np.float32)
        g = np.full(32, size, np.float32)
        ALL_MUON.update(theta, g, state, 0.1)
        assert np.isfinite(theta).all()
        assert (theta < 1).all() == (size == 1e30)


def test_a_step_has_nearly_equal_singular_values():
    layout = Layout.build([("0.W", (30, 8), "weight")])
    rng = np.random.default_rng(7)
    g = (rng.normal(size=(30, 8)) * np.logspace(0, -1.5, 8)).ravel()
    theta = np.zeros(240)
    ALL_MUON.update(theta, g, ALL_MUON.init(layout, theta.dtype), 1.0)
    sizes = np.linalg.svd(theta.reshape(30, 8), compute_uv=False)
    assert np.linalg.cond(g.reshape(30, 8)) > 20
    assert (np.abs(sizes - 1) < 0.4).all()
