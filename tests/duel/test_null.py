"""A small run of the simulation in ``benchmarks/null.py``, which must catch invalid statistics."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
if not BENCHMARKS.is_dir():
    pytest.skip("the benchmarks are not beside the tests", allow_module_level=True)
sys.path.insert(0, str(BENCHMARKS))

from null import line, simulate  # noqa: E402
from null_designs import DESIGNS, Folds, Sets, TestSet, any_better  # noqa: E402
from null_world import Linear, World, apart, expected_error, mu_of_error  # noqa: E402

from graduel.metrics.metric import get_metric  # noqa: E402
from graduel.stats import signed_rank  # noqa: E402

METRICS = ("error", "log_loss", "brier", "auc", "balanced_accuracy")
TestSet.__test__ = False  # a design, not a test class


@pytest.fixture(autouse=True)
def few_draws(monkeypatch):
    """Reduce the resamples to a number that suffices for p-values near 5 %."""
    monkeypatch.setattr("graduel.duel.verdict.test_rows.RESAMPLES", 400)
    monkeypatch.setattr("graduel.stats.permutation.RESAMPLES", 400)
    monkeypatch.setattr(signed_rank, "DRAWS", 100)
    monkeypatch.setattr(
        "null_designs._ratio", lambda difference: 0.6
    )  # estimated from many data sets


@pytest.mark.parametrize("metric", METRICS)
def test_true_losses_agree_with_100_000_rows(metric):
    rng, world = np.random.default_rng(0), World(share=0.3)
    x, y = world.rows(60, rng)
    models = [Linear.fit(world, k, x, y, np.ones((1, 60))) for k in (0, 1)]
    a, b = apart(models, metric, 0.03)
    assert b.truth(metric) - a.truth(metric) == pytest.approx(0.03, abs=1e-9)
    same = apart(models, metric, 0.0)
    assert same[0].truth(metric) == pytest.approx(same[1].truth(metric), abs=1e-9)
    x, y = world.test_rows(100_000, rng)
    for k, model in enumerate((a, b)):
        seen = get_metric(metric).loss(model.probabilities(x[:, k])[0], y)
        assert seen == pytest.approx(model.truth(metric), abs=0.006)


def test_a_target_out_of_reach_is_refused():
    world = World()
    x, y = world.rows(60, np.random.default_rng(0))
    model = Linear.fit(world, 0, x, y, np.ones((1, 60)))
    with pytest.raises(ValueError, match=r"no noise makes the error 0\.700"):
        model.worsened("error", 0.7)


def test_learners_are_made_equally_good():
    mu = mu_of_error("stump", expected_error("centroid", 0.3, 40), 40)
    assert expected_error("stump", mu, 40) == pytest.approx(
        expected_error("centroid", 0.3, 40), abs=1e-3
    )


SMALL = [
    DESIGNS["rows"][1],
    replace(DESIGNS["rows"][4], test=60, larger=0.3),
    replace(DESIGNS["rows"][8], test=80, larger=0.2),
    replace(DESIGNS["seeds"][2], test=200, larger=0.2),
    Folds("5-fold × 2", 5, 2, 0.2, 0.25, n=60),
    Sets("8 data sets", 8, 0.02, 0.08),
]


@pytest.mark.parametrize("design", SMALL, ids=lambda design: design.name)
def test_false_verdicts_are_rare_and_true_verdicts_are_not(design):
    rng, draws = np.random.default_rng(7), 150
    most = 0.05 + 3 * np.sqrt(0.05 * 0.95 / draws)
    better = np.mean([any_better(design.draw(rng, 0.0, 0.0)) for _ in range(draws)])
    assert better <= most
    true = [any_better(design.draw(rng, design.larger, 0.0)) for _ in range(40)]
    assert np.mean(true) > 0.3


@pytest.mark.parametrize("design", [SMALL[0], SMALL[4]], ids=lambda design: design.name)
def test_a_pair_that_differs_by_the_rope_is_rarely_called_equal(design):
    rng, draws = np.random.default_rng(8), 150
    equal = [
        design.draw(rng, design.rope, design.rope)[0].verdict == "practically equal"
        for _ in range(draws)
    ]
    assert np.mean(equal) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / draws)


def test_counting_rows_twice_is_detected():
    rates = simulate(replace(DESIGNS["rows"][0], twice=True), 250)
    assert rates.better > 0.10
    assert not rates.honest
    assert " !" in line("twice", rates)


def test_counting_all_fits_is_detected(monkeypatch):
    design = Folds("10-fold × 5: stumps", 10, 5, 0.1, 0.1, ("stump", "stump"), n=60, mu=0.8)

    def rate():
        rng = np.random.default_rng(3)
        return np.mean([any_better(design.draw(rng, 0.0, 0.0)) for _ in range(250)])

    capped = rate()
    monkeypatch.setattr("graduel.duel.verdict.folds.MOST_FITS", 10**6)
    assert capped <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 250) < rate()
