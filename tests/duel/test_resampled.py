"""The corrected resampled t and the Bayesian correlated t, against published numbers and theory."""

from __future__ import annotations

from dataclasses import replace

import baycomp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.datasets import make_moons
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score
from sklearn.svm import SVC

from graduel.stats.corrected_t import CorrectedT, corrected_t
from graduel.stats.sample_size import repeats_needed, rows_needed_corrected_t


def test_published_example():
    # scikit-learn's "Statistical comparison of models using grid search": corrected t 0.750 and
    # one-sided p 0.227, plain t 2.611; probabilities 0.773 of better, 0.432 of within ±0.01.
    X, y = make_moons(noise=0.352, random_state=1, n_samples=100)
    cv = RepeatedStratifiedKFold(n_splits=10, n_repeats=10, random_state=0)
    rbf, linear = (
        cross_val_score(SVC(kernel=kernel, random_state=0), X, y, scoring="roc_auc", cv=cv)
        for kernel in ("rbf", "linear")
    )
    result = corrected_t((rbf - linear).reshape(10, 10), test_share=0.1)
    assert round(result.mean / result.se, 3) == 0.750
    assert round(result.p_value / 2, 3) == 0.227
    assert round(stats.ttest_1samp(rbf - linear, 0).statistic, 3) == 2.611
    assert round(result.probabilities(0.0)[2], 3) == 0.773
    assert round(result.probabilities(0.01)[1], 3) == 0.432


@st.composite
def differences(draw):
    shape = draw(st.integers(1, 5)), draw(st.integers(2, 10))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    return rng.normal(draw(st.floats(-0.5, 0.5)), 0.3, size=shape)


@settings(deadline=None)
@given(differences(), st.floats(0.02, 0.5), st.floats(0.5, 0.99), st.floats(0, 0.3))
def test_formulas(d, share, level, rope):
    fits = d.size
    mean = sum(d.ravel()) / fits
    variance = sum((x - mean) ** 2 for x in d.ravel()) / (fits - 1)
    t = stats.t(fits - 1, mean, np.sqrt((1 / fits + share / (1 - share)) * variance))
    result = corrected_t(d, share)
    assert result.interval(level) == pytest.approx(t.interval(level), rel=1e-8, abs=1e-12)
    beyond = t.cdf(0) if mean > 0 else t.sf(0)
    assert result.p_value == pytest.approx(2 * beyond, rel=1e-8)
    expected = t.cdf(-rope), t.cdf(rope) - t.cdf(-rope), t.sf(rope)
    assert result.probabilities(rope) == pytest.approx(expected, abs=1e-10)
    low, high = result.interval(level)
    if abs(result.p_value - (1 - level)) > 1e-9:
        assert (low <= 0 <= high) == (result.p_value > 1 - level)


@settings(deadline=None)
@given(differences(), st.floats(0.001, 0.3))
def test_bayesian_probabilities_equal_baycomps(d, rope):
    repeats, folds = d.shape
    result = corrected_t(d, 1 / folds)
    scores = np.zeros(d.size), d.ravel()
    expected = baycomp.CorrelatedTTest.probs(*scores, rope, runs=repeats)
    assert result.probabilities(rope) == pytest.approx(expected, abs=1e-8)
    assert result.probabilities(0.0)[::2] == pytest.approx(
        baycomp.CorrelatedTTest.probs(*scores, 0, runs=repeats), abs=1e-8
    )


def test_bayesian_probabilities_equal_the_model_integrated_on_a_grid():
    # x ~ N(μ 1, σ² ((1 - ρ) I + ρ 1 1')), prior 1 / σ, without the closed form.
    d, share, rope = np.array([[0.03, -0.01, 0.02, 0.05, 0.01, 0.02]]), 1 / 6, 0.01
    correlation = np.full((6, 6), share) + (1 - share) * np.eye(6)
    mu = np.linspace(-0.6, 0.64, 4001)
    log_sigma = np.linspace(np.log(0.003), np.log(1.5), 400)
    distance = np.einsum(
        "mi,ij,mj->m", d - mu[:, None], np.linalg.inv(correlation), d - mu[:, None]
    )
    likelihood = -6 * log_sigma[:, None] - distance / 2 * np.exp(-2 * log_sigma[:, None])
    posterior = np.exp(likelihood - likelihood.max()).sum(axis=0)  # d log σ includes the prior
    posterior /= posterior.sum()
    inside = abs(mu) <= rope
    expected = [posterior[mu < -rope].sum(), posterior[inside].sum(), posterior[mu > rope].sum()]
    assert corrected_t(d, share).probabilities(rope) == pytest.approx(expected, abs=2e-3)


def test_exact_if_the_folds_are_correlated_as_assumed():
    rng = np.random.default_rng(0)
    draws, share, fits = 4000, 0.1, 20
    common = np.sqrt(share) * rng.normal(size=(draws, 1))
    d = common + np.sqrt(1 - share) * rng.normal(size=(draws, fits))
    corrected = np.mean([corrected_t(x.reshape(2, 10), share).p_value < 0.05 for x in d])
    plain = np.mean(stats.ttest_1samp(d, 0, axis=1).pvalue < 0.05)
    assert corrected == pytest.approx(0.05, abs=2 * np.sqrt(0.05 * 0.95 / draws))
    assert plain > 0.2


def cross_validated(x, y, folds, repeats, rng):
    """Return the errors of a threshold on each feature, shape (features, repeats, folds)."""
    errors = np.empty((x.shape[1], repeats, folds))
    for r in range(repeats):
        fold = np.empty(len(y), int)
        for k in (0, 1):
            rows = rng.permutation(np.flatnonzero(y == k))
            fold[rows] = np.arange(len(rows)) % folds
        for f in range(folds):
            test = fold == f
            low, high = (x[~test & (y == k)].mean(axis=0) for k in (0, 1))
            predicted = (x[test] - (low + high) / 2) * (high - low) > 0
            errors[:, r, f] = (predicted != (y[test, None] == 1)).mean(axis=0)
    return errors


def test_false_positives_on_real_cross_validation_are_rare_unlike_those_of_a_plain_t():
    rng = np.random.default_rng(0)
    draws, folds, repeats, y = 400, 5, 4, np.arange(60) % 2
    corrected = plain = 0
    for _ in range(draws):
        x = rng.normal(size=(len(y), 2)) + y[:, None]  # two equally informative features
        a, b = cross_validated(x, y, folds, repeats, rng)
        corrected += corrected_t(a - b, 1 / folds).p_value < 0.05
        plain += np.ptp(a - b) > 0 and stats.ttest_1samp((a - b).ravel(), 0).pvalue < 0.05
    assert 0 < corrected / draws < 0.05 + 2 * np.sqrt(0.05 * 0.95 / draws)
    assert plain / draws > 0.2


def test_without_any_variation():
    zero = corrected_t(np.zeros((2, 5)), 0.2)
    assert (zero.p_value, zero.interval(0.95), zero.probabilities(0.01)) == (1, (0, 0), (0, 1, 0))
    better = replace(zero, mean=-0.5)
    assert (better.p_value, better.probabilities(0.01)) == (0, (1, 0, 0))


# Sample sizes of cross-validation


ESTIMATE = CorrectedT(mean=0.02, variance=0.0004, repeats=1, folds=10, ratio=1 / 9)


def test_the_needed_repeats_give_the_power():
    repeats = repeats_needed(ESTIMATE)
    assert 1 < repeats < 20
    rng, draws, share = np.random.default_rng(2), 2000, 0.1
    total = ESTIMATE.variance / (1 - share)
    common = np.sqrt(share * total) * rng.normal(size=(draws, 1, 1))
    d = ESTIMATE.mean + common + np.sqrt(ESTIMATE.variance) * rng.normal(size=(draws, repeats, 10))
    power = np.mean([corrected_t(x, share).p_value < 0.05 for x in d])
    assert 0.78 < power < 0.9  # a whole number of repeats gives a little more than 80 %


def test_repeats_do_not_help_beyond_the_floor():
    small = replace(ESTIMATE, mean=0.012)
    assert repeats_needed(small) is None
    rows = rows_needed_corrected_t(small, 500)

    def detects(n):
        new = small.resized(rows=n / 500)
        return new.half_width(0.05) + stats.norm.ppf(0.8) * new.se <= small.mean

    assert detects(rows)
    assert not detects(rows - 1)
    assert rows_needed_corrected_t(replace(small, mean=0.0), 500) is None


def test_equality_counts_as_a_decision():
    equal = replace(ESTIMATE, mean=0.0001)
    assert repeats_needed(equal, rope=0.03) < 5
    assert repeats_needed(equal, rope=0.0) is None
    assert rows_needed_corrected_t(equal, 500, rope=0.01) < 10_000


@pytest.mark.parametrize(
    ("d", "share"),
    [
        (np.zeros((1, 1)), 0.1),
        (np.zeros(5), 0.1),
        (np.array([[0.1, np.nan]]), 0.1),
        (np.zeros((1, 5)), 0.0),
        (np.zeros((1, 5)), 1.0),
    ],
)
def test_invalid_arguments_are_refused(d, share):
    with pytest.raises(ValueError, match=r"(must|expected) .*; got "):
        corrected_t(d, share)
