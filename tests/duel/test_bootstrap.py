"""The paired bootstrap against SciPy's, against Student's t, and under the null hypothesis."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from graduel.metrics.metric import get_metric
from graduel.stats.bootstrap import Bootstrap, draw_count_blocks

AUC = get_metric("auc")


def scores(rng, rare, n):
    """Return probabilities of two equally good contenders, and the classes."""
    y = (np.arange(n) < rare).astype(int)
    score = rng.normal(size=(2, n)) + 0.8 * rng.normal(size=n) + 1.2 * y - 0.6
    p = 1 / (1 + np.exp(-score))
    return np.stack([1 - p, p], axis=-1), y


def differences(p, y, number, rng):
    one, other = (AUC.by_counts(of, y) for of in p)
    return np.concatenate([one(w) - other(w) for w in draw_count_blocks(y, number, rng)])


@settings(deadline=None)
@given(st.integers(0, 1000), st.integers(2, 60), st.integers(1, 4))
def test_every_class_keeps_its_number_of_rows(seed, n, k):
    y = np.random.default_rng(seed).integers(k, size=n)
    for counts in draw_count_blocks(y, 3, np.random.default_rng(seed)):
        assert counts.min() >= 0
        for c in np.unique(y):
            assert (counts[:, y == c].sum(axis=1) == (y == c).sum()).all()


def test_percentiles_and_spread_are_scipys():
    p, y = scores(np.random.default_rng(0), rare=60, n=300)
    ours = Bootstrap(differences(p, y, 20_000, np.random.default_rng(1)), stretch=1.0, df=1e9)

    def statistic(rare, others):
        rows = np.concatenate([rare, others])
        return AUC.value(p[0][rows], y[rows]) - AUC.value(p[1][rows], y[rows])

    theirs = stats.bootstrap(
        (np.flatnonzero(y == 1), np.flatnonzero(y == 0)),  # two samples: drawn class by class
        statistic,
        n_resamples=4000,
        method="percentile",
        vectorized=False,
        rng=np.random.default_rng(2),
    )
    limits = theirs.confidence_interval
    assert ours.interval(0.95) == pytest.approx((limits.low, limits.high), abs=0.006)
    assert ours.draws.std(ddof=1) == pytest.approx(theirs.standard_error, rel=0.06)


def test_normal_draws_give_students_t():
    # A resampled mean of ten rows has 9 / 10 of the variance.
    draws = stats.norm.ppf((np.arange(20_000) + 0.5) / 20_000) * np.sqrt(0.9)
    y = np.zeros(10, int)
    for shift in (0.0, 1.0, 2.0):
        result = Bootstrap.of(draws + shift, y)
        expected = stats.t(9, shift)
        assert result.interval(0.95) == pytest.approx(expected.interval(0.95), abs=0.02)
        assert result.p_value == pytest.approx(2 * expected.cdf(0), abs=0.01)


def test_tails_beyond_the_resamples_are_extrapolated():
    draws = stats.norm.ppf((np.arange(2000) + 0.5) / 2000)
    few = Bootstrap(draws, stretch=1.0, df=2.0)
    assert few.interval(0.99) == pytest.approx(stats.t(2).interval(0.99), rel=0.1)


def test_degrees_of_freedom_are_those_of_the_rare_class_or_of_all():
    few_and_many = Bootstrap.of(np.zeros(5), np.repeat([0, 1], [10, 10_000]))
    assert few_and_many.df == pytest.approx(9, rel=0.01)
    even = Bootstrap.of(np.zeros(5), np.repeat([0, 1], [20, 20]))
    assert even.df == pytest.approx(38)  # the equal-variance t of two samples
    assert even.stretch**2 == pytest.approx(20 / 19)
    assert Bootstrap.of(np.zeros(5), np.repeat([0, 1], [1, 50])).df < 1


@given(st.integers(0, 1000), st.floats(-2, 2), st.floats(0.5, 0.98))
@settings(deadline=None)
def test_p_and_interval_agree_and_mirror(seed, shift, level):
    draws = np.random.default_rng(seed).normal(shift, 1, size=999)
    y = np.repeat([0, 1], [15, 40])
    result, mirrored = Bootstrap.of(draws, y), Bootstrap.of(-draws, y)
    low, high = result.interval(level)
    assert low < high
    assert mirrored.interval(level) == pytest.approx((-high, -low))
    assert mirrored.p_value == result.p_value
    assert 0 < result.p_value <= 1
    if abs(result.p_value - (1 - level)) > 0.02:
        assert (low <= 0 <= high) == (result.p_value > 1 - level)


def test_false_positives_with_a_rare_class():
    rng, trials, result = np.random.default_rng(3), 300, 0
    for _ in range(trials):
        p, y = scores(rng, rare=15, n=80)
        result += Bootstrap.of(differences(p, y, 200, rng), y).p_value < 0.05
    assert 0.01 < result / trials < 0.05 + 2 * np.sqrt(0.05 * 0.95 / trials)
