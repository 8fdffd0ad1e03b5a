"""Conformal intervals and sets: against MAPIE, the definition, and their coverage."""

from __future__ import annotations

import json
from fractions import Fraction
from math import inf
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from make_mapie import N, rows
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from graduel.stats import (
    aps_scores,
    calibration_rows_needed,
    conformal_interval,
    conformal_quantile,
    conformal_sets,
    interval_coverage,
    interval_scores,
    lac_scores,
    select_true,
    set_coverage,
)

MAPIE = json.loads((Path(__file__).parent / "mapie.json").read_text(encoding="utf-8"))
Y, PREDICTION, LOW, HIGH, P, CLASSES = rows()


@pytest.mark.parametrize(
    ("name", "low", "high", "level"),
    [("split", PREDICTION, PREDICTION, 0.9), ("cqr", LOW, HIGH, 0.8)],
)
def test_intervals_equal_mapies(name, low, high, level):
    quantile = conformal_quantile(interval_scores(Y[:N], low[:N], high[:N]), level)
    result = np.stack(conformal_interval(low[N:], high[N:], quantile), axis=1)
    assert result == pytest.approx(np.array(MAPIE[name]), abs=1e-8)


@pytest.mark.parametrize("name", ["lac", "aps"])
def test_sets_equal_mapies(name):
    def scores(p, seed):
        return lac_scores(p) if name == "lac" else aps_scores(p, np.random.default_rng(seed))

    calibration = select_true(scores(P[:N], 1), CLASSES[:N])
    assert calibration == pytest.approx(np.array(MAPIE[name]["scores"]), abs=1e-8)
    quantile = conformal_quantile(calibration, 0.8)
    assert quantile == pytest.approx(MAPIE[name]["quantile"], abs=1e-8)
    assert conformal_sets(scores(P[N:], 2), quantile).tolist() == MAPIE[name]["sets"]


@given(st.integers(0, 300), st.integers(1, 99))
def test_quantile_has_the_rank_of_the_definition(n, percent):
    scores = np.random.default_rng(n).permutation(n).astype(float)
    rank = -(-(n + 1) * Fraction(percent, 100) // 1)  # exact: no rounding of (n + 1) level
    result = conformal_quantile(scores, percent / 100)
    assert result == (rank - 1 if 1 <= rank <= n else inf)
    assert (result < inf) == (n >= calibration_rows_needed(percent / 100))


@given(
    st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=40), st.floats(0.05, 0.95), st.floats(0, 50)
)
def test_interval_contains_a_value_exactly_if_its_score_is_at_most_the_quantile(y, level, width):
    values = np.array(y)
    low, high = np.zeros(len(y)), np.full(len(y), width)
    scores = interval_scores(values, low, high)
    quantile = conformal_quantile(scores, level)
    lower, upper = conformal_interval(low, high, quantile)
    assert (lower <= upper).all()
    inside = (lower - 1e-9 <= values) & (values <= upper + 1e-9)
    assert inside[scores <= quantile].all()
    if quantile == inf:
        assert np.isinf(upper - lower).all()
    elif quantile > -width / 2:
        assert not inside[scores > quantile + 1e-6].any()


@settings(deadline=None)
@given(st.integers(2, 6), st.integers(0, 1000), st.booleans())
def test_sets_hold_the_most_probable_classes(classes, seed, is_random):
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(classes), 30)
    matrices = [lac_scores(p), aps_scores(p, rng if is_random else None)]
    for scores, quantile in zip(matrices, rng.uniform(0, 1.2, 2), strict=True):
        sets = conformal_sets(scores, quantile)
        least = np.where(sets, p, inf).min(axis=1)
        assert (np.where(sets, 0, p).max(axis=1) <= least).all()
        assert conformal_sets(scores, inf).all()
    assert aps_scores(p).max(axis=1) == pytest.approx(1)
    for scores in matrices:
        assert select_true(scores, p.argmax(axis=1)) == pytest.approx(scores.min(axis=1))


@given(st.integers(1, 500), st.floats(0, 1), st.floats(0.5, 0.999))
def test_coverage_has_the_clopper_pearson_interval(n, share, level):
    k = round(n * share)
    y = np.where(np.arange(n) < k, 0.0, 9.0)
    result = interval_coverage(y, np.full(n, -1.0), np.full(n, 2.0), level)
    expected = proportion_confint(k, n, 1 - level, "beta")
    assert (result.low, result.high) == pytest.approx(np.nan_to_num(expected, nan=0), abs=1e-8)
    assert (result.n_covered, result.n_rows, result.mean_size) == (k, n, 3.0)
    sets = np.stack([np.full(n, True), np.arange(n) < k], axis=1)
    assert set_coverage(sets, np.ones(n, int), level).share == k / n


@pytest.mark.parametrize("scores", [[0.1, np.nan], [0.1, inf], [[0.1]]])
def test_unusable_scores_are_refused(scores):
    with pytest.raises(ValueError, match="finite scores"):
        conformal_quantile(scores, 0.9)
    with pytest.raises(ValueError, match="level"):
        conformal_quantile([0.1], 1.0)
    with pytest.raises(ValueError, match="finite probabilities"):
        lac_scores([0.5, np.nan])
    with pytest.raises(ValueError, match="one or more rows"):
        interval_coverage([], [], [])


# Coverage of exchangeable rows: mean and spread over data sets


def _regression(rng, n):
    """Return truth, prediction and quantile predictions of rows with uneven, skewed noise."""
    x = rng.normal(size=n)
    y = x + np.exp(x / 2) * rng.standard_t(3, n) + rng.exponential(size=n)
    return y, x, x - np.exp(x / 3), x + np.exp(x / 3)


def _coverages(kind, level, n, rng):
    """Return the share of 200 new rows that a method covers, after n calibration rows."""
    new = 200
    if kind in ("split", "cqr"):
        y, prediction, low, high = _regression(rng, n + new)
        if kind == "split":
            low = high = prediction
        quantile = conformal_quantile(interval_scores(y[:n], low[:n], high[:n]), level)
        return interval_coverage(y[n:], *conformal_interval(low[n:], high[n:], quantile)).share
    p = rng.dirichlet([2.0, 1.0, 0.5], n + new)
    truth = (p**0.7 / (p**0.7).sum(axis=1, keepdims=True)).cumsum(axis=1)  # not the predicted p
    y = (rng.random((n + new, 1)) > truth[:, :-1]).sum(axis=1)
    scores = lac_scores(p) if kind == "lac" else aps_scores(p, rng if kind == "random" else None)
    quantile = conformal_quantile(select_true(scores[:n], y[:n]), level)
    return set_coverage(conformal_sets(scores[n:], quantile), y[n:]).share


def _check_coverage(kind, level, n, draws, errors=2.0):
    rng = np.random.default_rng(0)
    shares = np.array([_coverages(kind, level, n, rng) for _ in range(draws)])
    rank = int(np.ceil(round((n + 1) * level, 9)))
    expected = stats.betabinom(200, rank, n + 1 - rank)
    error = expected.std() / 200 / np.sqrt(draws)
    if kind == "aps":  # scores of least probable classes tie at 1, so sets may cover more
        assert rank / (n + 1) - errors * error <= shares.mean() <= rank / (n + 1) + 0.1
        return
    assert shares.mean() == pytest.approx(rank / (n + 1), abs=errors * error)
    assert shares.std() * 200 == pytest.approx(expected.std(), rel=2 * errors / np.sqrt(2 * draws))


KINDS = ["split", "cqr", "lac", "aps", "random"]


@pytest.mark.parametrize("kind", KINDS)
def test_coverage_is_nominal(kind):
    _check_coverage(kind, 0.9, 99, draws=300)


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("level", "n"), [(0.9, 9), (0.9, 50), (0.8, 99), (0.95, 500), (0.5, 20)])
def test_coverage_is_nominal_in_many_data_sets(kind, level, n):
    _check_coverage(kind, level, n, draws=2000, errors=3.0)  # 25 cases: three errors
