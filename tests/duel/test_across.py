"""Verdicts across data sets, and their statistics against other libraries or published tables."""

from __future__ import annotations

import json
import warnings
from itertools import product

import baycomp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from graduel.duel.verdict.datasets import compare_datasets
from graduel.metrics.metric import get_metric
from graduel.serialize import to_plain
from graduel.stats.ranks import critical_difference, find_groups, friedman, mean_ranks
from graduel.stats.signed_rank import SignedRank, rope_probabilities

# Demšar 2006, table 6: AUC of C4.5 and its three variants on fourteen data sets. Rounded to three
# digits, one pair ties that does not tie in his ranks, so 0.9751 replaces the printed 0.975.
DEMSAR = {
    "C4.5": "763 599 954 628 882 936 661 583 775 1000 940 619 972 957",
    "C4.5+m": "768 591 971 661 888 931 668 583 838 1000 962 666 981 978",
    "C4.5+cf": "771 590 968 654 886 916 609 563 866 1000 965 614 975.1 946",
    "C4.5+m+cf": "798 569 967 657 898 931 685 625 875 1000 962 669 975 970",
}
AUC = {name: np.array(text.split(), float) / 1000 for name, text in DEMSAR.items()}
LOSSES = {name: 1 - auc for name, auc in AUC.items()}


def compare(losses, metric="error", rope=0.01, **options):
    return compare_datasets(losses, metric=get_metric(metric), rope=rope, **options)


# Published examples


def test_demsars_worked_example():
    table = np.array(list(LOSSES.values()))
    assert mean_ranks(table) == pytest.approx([3.143, 2.000, 2.893, 1.964], abs=5e-4)
    # He gives F = 3.69 from χ² = 9.28, both without the correction for ties.
    k, n, r = 4, 14, mean_ranks(table)
    assert 12 * n / (k * (k + 1)) * (np.sum(r**2) - k * (k + 1) ** 2 / 4) == pytest.approx(
        9.28, abs=0.01
    )
    chi2, f = friedman(table)
    assert chi2 == pytest.approx(stats.friedmanchisquare(*table).pvalue, abs=1e-12)
    assert f < chi2 < stats.chi2.sf(9.28, 3) < 0.05  # ties make the ranks less spread
    assert critical_difference(4, 14) == pytest.approx(1.25, abs=0.005)
    result = compare(LOSSES, "auc", rope=0.005)
    assert result.ranks == dict(zip(LOSSES, mean_ranks(table), strict=True))
    assert (result.critical_difference, result.groups) == (None, ())  # four contenders


def test_demsars_wilcoxon():
    # Section 3.1.3: with rounded AUCs the smaller sum of ranks of C4.5 against C4.5+m is 12.
    d = np.round(AUC["C4.5"] - AUC["C4.5+m"], 3)
    result = SignedRank.of(d)
    assert result.p_value < 0.05
    z = (12 - 14 * 15 / 4) / np.sqrt(14 * 15 * 29 / 24)
    assert result.p_value == pytest.approx(2 * stats.norm.cdf(z), abs=0.006)
    assert compare({k: LOSSES[k] for k in ("C4.5", "C4.5+m")}, "auc").pairs[0].p_adjusted < 0.05


@pytest.mark.parametrize(
    ("k", "q"),
    list(zip(range(2, 11), [1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164],
             strict=True)),
)  # fmt: skip
def test_critical_values_of_demsars_table_5(k, q):
    n = 30
    assert critical_difference(k, n) / np.sqrt(k * (k + 1) / (6 * n)) == pytest.approx(q, abs=1e-3)


# Other libraries


@given(st.integers(0, 10_000), st.integers(1, 30))
@settings(max_examples=60, deadline=None)
def test_p_equals_scipys_without_ties(seed, n):
    d = np.random.default_rng(seed).normal(0.5, size=n)
    expected = stats.wilcoxon(d, method="exact").pvalue
    assert SignedRank.of(d).p_value == pytest.approx(expected, abs=1e-8)


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=9))
@settings(max_examples=60, deadline=None)
def test_p_equals_an_enumeration_of_all_signs_with_ties_and_zeros(d):
    d = np.array(d) / 10
    ranks = stats.rankdata(np.abs(np.round(d, 12)))
    nonzero = ranks[d != 0]
    all_t = np.array([nonzero @ signs for signs in product([0, 1], repeat=len(nonzero))])
    t = ranks[d > 0].sum()
    expected = min(2 * min(np.mean(all_t <= t + 1e-9), np.mean(all_t >= t - 1e-9)), 1)
    assert SignedRank.of(d).p_value == pytest.approx(expected, abs=1e-12)


def test_p_equals_scipys_permutations_with_ties_and_zeros():
    d = np.array([0.1, -0.1, 0.0, 0.2, 0.3, 0.3, 0.0, 0.4])
    for method in ("pratt", "zsplit"):
        expected = stats.wilcoxon(
            d, zero_method=method, method=stats.PermutationMethod(n_resamples=10**6)
        )
        assert SignedRank.of(d).p_value == pytest.approx(expected.pvalue, abs=1e-8)


def test_many_data_sets_use_the_normal_approximation(monkeypatch):
    d = np.random.default_rng(1).normal(0.15, size=250)
    exact = SignedRank.of(d)
    p, interval = exact.p_value, exact.interval(0.95)
    monkeypatch.setattr("graduel.stats.signed_rank._MOST_EXACT", 10)
    assert SignedRank.of(d).p_value == pytest.approx(p, rel=0.02)
    assert SignedRank.of(d).interval(0.95) == pytest.approx(interval, abs=1e-3)


@given(st.integers(0, 10_000), st.integers(6, 20), st.sampled_from([0.9, 0.95]))
@settings(max_examples=50, deadline=None)
def test_interval_contains_what_the_test_does_not_reject(seed, n, level):
    d = np.random.default_rng(seed).normal(0.3, size=n)
    low, high = SignedRank.of(d).interval(level)
    for limit, inwards in ((low, 1e-6), (high, -1e-6)):
        assert stats.wilcoxon(d - limit - inwards, method="exact").pvalue > 1 - level - 1e-12
        assert stats.wilcoxon(d - limit + inwards, method="exact").pvalue <= 1 - level + 1e-12
    assert low <= SignedRank.of(d).median <= high


@pytest.mark.parametrize(("level", "least"), [(0.9, 5), (0.95, 6)])
def test_too_few_data_sets_have_no_interval(level, least):
    d = np.arange(1.0, least + 1)
    assert SignedRank.of(d[1:]).interval(level) is None
    assert SignedRank.of(d).interval(level) == (1, least)


def test_bayesian_draws_weigh_as_baycomps():
    rng = np.random.default_rng(3)
    for rope in (0.0, 1 / 64, 1 / 16):
        # Sixty-fourths are exact in binary, so both treat differences on a border alike.
        a, b = rng.integers(40, 64, size=(2, 12)) / 64
        sample = baycomp.SignedRankTest.sample(a, b, rope, nsamples=400, random_state=5)
        draws = np.random.RandomState(5).dirichlet(np.r_[0.5, np.ones(12)], 400)
        winners = np.bincount(np.argmax(sample, axis=1), minlength=3) / 400
        assert rope_probabilities(np.round(b - a, 12), rope, draws) == pytest.approx(
            tuple(winners), abs=1e-8
        )


def test_bayesian_probabilities_agree_with_baycomps_and_are_reproducible():
    losses = {k: LOSSES[k] for k in ("C4.5", "C4.5+m+cf")}
    [pair] = compare(losses, "auc", rope=0.01).pairs
    theirs = baycomp.SignedRankTest.probs(
        AUC["C4.5"], AUC["C4.5+m+cf"], 0.01, nsamples=20_000, random_state=0
    )
    assert pair.bayes == pytest.approx(theirs, abs=4 * np.sqrt(0.25 / 20_000))
    assert compare(losses, "auc", rope=0.01).pairs[0].bayes == pair.bayes
    assert sum(pair.bayes) == pytest.approx(1)


@given(st.integers(0, 10_000), st.integers(3, 6), st.integers(2, 12))
@settings(max_examples=40, deadline=None)
def test_friedman_equals_scipys_and_the_f_of_ranks(seed, k, n):
    table = np.random.default_rng(seed).normal(size=(k, n))
    chi2, f = friedman(table)
    assert chi2 == pytest.approx(stats.friedmanchisquare(*table).pvalue, abs=1e-12)
    # Iman and Davenport's F is the two-way analysis of variance of the ranks.
    ranks = stats.rankdata(table, axis=0)
    between = n * np.sum((ranks.mean(axis=1) - ranks.mean()) ** 2) / (k - 1)
    rest = ranks - ranks.mean(axis=1, keepdims=True) - ranks.mean(axis=0) + ranks.mean()
    within = np.sum(rest**2) / ((k - 1) * (n - 1))
    if within > 1e-12:
        expected = stats.f.sf(between / within, k - 1, (k - 1) * (n - 1))
        assert f == pytest.approx(expected, abs=1e-8)


def test_friedman_of_equal_orders_and_equal_losses():
    order = np.tile([[0.1], [0.2], [0.3]], (1, 5))
    assert friedman(order)[1] == 0
    assert friedman(np.zeros((3, 5))) == (1, 1)


# The verdict


def shifted(shift, n=12, spread=0.02, seed=0):
    rng = np.random.default_rng(seed)
    base = rng.uniform(0.1, 0.3, n)
    d = rng.normal(size=n)
    d = (d - np.median(d)) * spread + shift
    return {"net": (base + d).tolist(), "xgb": base.tolist()}


def test_the_rules_in_their_order():
    [better] = compare(shifted(0.05)).pairs
    assert (better.verdict, better.wins, better.losses) == ("b better", 0, better.losses)
    assert better.losses >= 10
    assert compare(shifted(-0.05)).pairs[0].verdict == "a better"
    [equal] = compare(shifted(0.0005, spread=0.001)).pairs
    assert (equal.verdict, equal.ties) == ("practically equal", 12)
    [detectable] = compare(shifted(0.004, spread=0.001)).pairs
    assert (detectable.verdict, detectable.detectable) == ("practically equal", True)
    assert "statistically significant" in detectable.sentence
    [undecided] = compare(shifted(0.005)).pairs
    assert (undecided.verdict, undecided.more_datasets > 12) == ("undecided", True)
    assert f"about {undecided.more_datasets} data sets (there are 12)" in undecided.sentence


def test_wins_ties_and_losses():
    [pair] = compare(
        {"a": [0.10, 0.20, 0.30, 0.40], "b": [0.10, 0.21, 0.28, 0.47]}, rope=0.01
    ).pairs
    assert (pair.wins, pair.ties, pair.losses, pair.equal) == (1, 2, 1, 1)
    [strict] = compare({"a": [0.1 + 0.2, 0.2], "b": [0.3, 0.1]}, rope=0.0).pairs
    assert (strict.wins, strict.ties, strict.losses, strict.equal) == (0, 1, 1, 1)


def test_few_data_sets_never_decide():
    for n in range(1, 5):
        losses = {"a": [0.1] * n, "b": [0.4] * n}
        [pair] = compare(losses).pairs
        assert (pair.verdict, pair.equivalence_interval) == ("undecided", None)
        assert pair.more_datasets >= 6
    same = {"a": [0.1] * 6, "b": [0.1] * 6}
    assert compare(same).pairs[0].verdict == "practically equal"
    assert compare(same, rope=0.0).pairs[0].more_datasets is None


def test_all_pairs_share_one_error_rate_and_form_groups():
    rng = np.random.default_rng(2)
    base = rng.uniform(0.1, 0.3, 20)
    shifts = {"a": 0.0, "b": 0.001, "c": 0.03, "d": 0.06, "e": 0.1}
    losses = {k: base + s + rng.normal(0, 0.003, 20) for k, s in shifts.items()}
    result = compare(losses, rope=0.002)
    assert len(result.pairs) == 10
    assert result.pairs[0].equivalence_level == 1 - 0.1 / 10
    assert result.friedman_p < 1e-6
    assert result.iman_davenport_p < result.friedman_p
    assert result.critical_difference == critical_difference(5, 20)
    assert ("a", "b") in [tuple(sorted(g)) for g in result.groups] or len(result.groups[0]) > 2
    assert [(p.a, p.b) for p in compare(losses, against="c").pairs] == [
        ("a", "c"), ("b", "c"), ("c", "d"), ("c", "e")
    ]  # fmt: skip
    plain = json.loads(json.dumps(to_plain(result), allow_nan=False))
    assert plain["pairs"][0]["bayes"] == list(result.pairs[0].bayes)
    assert plain["groups"] == [list(group) for group in result.groups]


def test_sentences():
    [pair] = compare(shifted(0.05), titles={"net": "NumPy network", "xgb": "XGBoost"}).pairs
    assert pair.sentence.startswith(
        "XGBoost is better than the NumPy network across 12 data sets: 11 wins, 1 tie, 0 losses, "
        "a median difference of "
    )
    assert "Bayesian signed-rank test, the probability is less than 1 % that the" in pair.sentence
    [pair] = compare(shifted(0.002, spread=0.01), "log_loss", rope=0.02).pairs
    assert "a difference of up to 0.02 counts as equal" in pair.sentence


@given(st.integers(0, 10_000), st.integers(1, 15), st.floats(0, 0.05))
@settings(max_examples=25, deadline=None)
def test_swapping_two_contenders_mirrors_the_verdict(seed, n, rope):
    a, b = np.random.default_rng(seed).uniform(0.1, 0.2, size=(2, n)).round(2)
    [one] = compare({"a": a, "b": b}, rope=rope).pairs
    [other] = compare({"a": b, "b": a}, rope=rope).pairs
    mirrored = {"a better": "b better", "b better": "a better"}
    assert other.verdict == mirrored.get(one.verdict, one.verdict)
    assert other.p_value == pytest.approx(one.p_value, abs=1e-12)
    assert other.median_difference == pytest.approx(-one.median_difference)
    assert (other.wins, other.ties, other.losses) == (one.losses, one.ties, one.wins)
    assert other.more_datasets == one.more_datasets
    assert other.bayes == pytest.approx(one.bayes[::-1], abs=0.02)


def test_the_needed_number_of_data_sets_gives_the_power():
    rng = np.random.default_rng(0)
    seen = SignedRank.of(stats.norm.ppf((np.arange(25) + 0.5) / 25) * 0.02 + 0.01)
    n = seen.datasets_needed(0.05, 0.0, 0.9)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        power = np.mean(
            [SignedRank.of(rng.normal(0.01, 0.02, n)).p_value < 0.05 for _ in range(600)]
        )
    assert 0.74 < power < 0.88


def test_groups_are_maximal():
    assert find_groups({"a": 1.0, "b": 1.5, "c": 2.0, "d": 4.0}, 1.0) == [("a", "b", "c")]
    assert find_groups({"a": 1.0, "b": 3.0}, 1.0) == []


@pytest.mark.parametrize(
    ("losses", "options", "match"),
    [
        ({}, {}, "got none"),
        ({"a": [0.1], "b": [0.1, 0.2]}, {}, "the same data sets"),
        ({"a": [], "b": []}, {}, r"same shape .data sets.*'a': .0,"),
        ({"a": [0.1], "b": [float("nan")]}, {}, "finite losses.*'b'"),
        ({"a": [0.1], "b": [0.2]}, {"against": "c"}, "against must be one of"),
        ({"a": [0.1], "b": [0.2]}, {"rope": 2.0}, "rope must be a share"),
    ],
)
def test_invalid_arguments_are_refused(losses, options, match):
    with pytest.raises(ValueError, match=match):
        compare(losses, **options)
