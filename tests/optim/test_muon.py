"""Which matrices Muon moves, and what it does to them; its steps are held in test_rules.py."""

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


def test_muon_takes_a_kernel_for_the_matrix_of_its_last_axis():
    rng, rule = np.random.default_rng(6), replace(ALL_MUON, steps=1)
    theta, g = rng.normal(size=(2, 90))
    ends = []
    for shape in ((3, 3, 2, 5), (18, 5)):
        ends.append(theta.copy())
        layout = Layout.build([("0.W", shape, "weight")])
        rule.update(ends[-1], g, rule.init(layout, theta.dtype), 0.1)
    np.testing.assert_array_equal(*ends)


def test_muon_without_any_gradient_stands_still_and_a_huge_one_is_no_trouble():
    layout = Layout.build([("0.W", (8, 4), "weight")])
    for size in (0.0, 1e-30, 1e30):
        theta, state = np.ones(32, np.float32), ALL_MUON.init(layout, np.float32)
        g = np.full(32, size, np.float32)
        ALL_MUON.update(theta, g, state, 0.1)
        assert np.isfinite(theta).all()
        assert (theta < 1).all() == (size == 1e30)


def test_a_step_turns_every_direction_by_about_the_same():
    layout = Layout.build([("0.W", (30, 8), "weight")])
    rng = np.random.default_rng(7)
    g = (rng.normal(size=(30, 8)) * np.logspace(0, -1.5, 8)).ravel()
    theta = np.zeros(240)
    ALL_MUON.update(theta, g, ALL_MUON.init(layout, theta.dtype), 1.0)
    sizes = np.linalg.svd(theta.reshape(30, 8), compute_uv=False)
    assert np.linalg.cond(g.reshape(30, 8)) > 20
    assert (np.abs(sizes - 1) < 0.4).all()
