"""The sign-flip permutation test and the bootstrap of means, against SciPy and mlxtend."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlxtend.evaluate import permutation_test
from scipy import stats

from graduel.stats.permutation import FLIPS, bootstrap_means, pool_rows, sign_flip_test


def scipys(d, **options):
    return stats.permutation_test(
        (d,),
        lambda x, axis: x.mean(axis=axis),
        permutation_type="samples",
        vectorized=True,
        **options,
    ).pvalue


@given(st.integers(0, 10_000), st.integers(2, 12))
@settings(max_examples=40, deadline=None)
def test_few_rows_equal_scipys_exact_p(seed, n):
    d = np.random.default_rng(seed).normal(0.3, size=n)
    assert sign_flip_test(d) == pytest.approx(scipys(d, n_resamples=np.inf), abs=1e-8)


def test_few_rows_equal_mlxtends_paired_test():
    rng = np.random.default_rng(4)
    a, b = rng.exponential(size=(2, 8))
    expected = permutation_test(a, b, paired=True, method="exact")
    assert sign_flip_test(a - b) == pytest.approx(expected, abs=1e-8)


def test_fishers_worked_example_of_darwins_maize():
    # "The Design of Experiments", 1935, section 21: of 32,768 signs 1,726 are as far out.
    d = np.array([49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]) / 8
    assert scipys(d, n_resamples=np.inf) == pytest.approx(1726 / 32_768, abs=1e-12)
    error = np.sqrt(0.05 * 0.95 / FLIPS)
    assert sign_flip_test(d) == pytest.approx(1726 / 32_768, abs=4 * error)


@pytest.mark.parametrize("n", [14, 200, 3001])
def test_many_rows_agree_with_the_normal_limit_and_are_reproducible(n):
    d = np.random.default_rng(n).normal(1.5 / np.sqrt(n), size=n)
    z = abs(d.sum()) / np.sqrt((d**2).sum())
    assert sign_flip_test(d) == pytest.approx(2 * stats.norm.sf(z), abs=0.02)
    assert sign_flip_test(d) == sign_flip_test(d) == sign_flip_test(-d)
    other = sign_flip_test(d, np.random.default_rng(5))
    assert other == pytest.approx(sign_flip_test(d), abs=5 * np.sqrt(0.25 / FLIPS))


def test_rows_without_a_difference_do_not_count():
    d = np.array([0.3, 0.1, 0.0, 0.2, 0.4, 0.5])
    assert sign_flip_test(np.r_[d, np.zeros(5000)]) == sign_flip_test(d) == 2 / 32
    assert sign_flip_test(np.zeros(4)) == 1


def test_ties_in_floating_point_count():
    # 0.1 + 0.2 is not 0.3 in floating point, but the signs (+, +, -) must tie with a sum of 0.
    assert sign_flip_test(np.array([0.1, 0.2, -0.3])) == 1


def test_bootstrap_of_means_is_scipys_expanded():
    d = np.random.default_rng(0).exponential(size=40)
    ours = bootstrap_means(d)
    theirs = stats.bootstrap(
        (d,), np.mean, n_resamples=8000, method="percentile", rng=np.random.default_rng(1)
    )
    assert ours.draws.std(ddof=1) == pytest.approx(theirs.standard_error, rel=0.06)
    assert ours.df == pytest.approx(39)
    assert ours.stretch**2 == pytest.approx(40 / 39)
    low, high = ours.interval(0.95)
    limits = theirs.confidence_interval
    assert low < limits.low + 0.02
    assert high > limits.high - 0.02
    assert ours.interval(0.95) == bootstrap_means(d).interval(0.95)


def test_sums_keep_mean_and_spread():
    d = np.random.default_rng(0).normal(0.1, size=50_123)
    sums = pool_rows(np.sort(d), 10_000)
    assert len(sums) == 10_000
    assert sums.mean() == pytest.approx(d.mean(), rel=1e-12)
    assert sums.std() / 100 == pytest.approx(d.std() / np.sqrt(len(d)), rel=0.03)


@pytest.mark.parametrize("d", [np.zeros((2, 2)), np.zeros(0), np.array([0.1, np.nan])])
def test_invalid_differences_are_refused(d):
    with pytest.raises(ValueError, match="expected finite differences"):
        sign_flip_test(d)
