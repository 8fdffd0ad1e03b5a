"""The verdict after cross-validation: rules, sentences and sample sizes."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from graduel.duel.verdict.folds import compare_folds
from graduel.metrics.metric import get_metric
from graduel.serialize import to_plain
from graduel.stats.corrected_t import MOST_FITS, corrected_t
from graduel.stats.multiplicity import holm
from graduel.stats.proportions import mcnemar_midp, paired_score_interval
from graduel.stats.sample_size import repeats_needed, rows_needed_corrected_t

TITLES = {"net": "NumPy network", "xgb": "XGBoost"}


def losses(difference, spread, repeats=3, folds=10, level=0.1, seed=0):
    """Return losses by fold of two contenders with this mean and standard deviation of d."""
    rng = np.random.default_rng(seed)
    d = rng.normal(size=(repeats, folds))
    d = (d - d.mean()) / d.std(ddof=1) * spread + difference
    common = rng.normal(size=(repeats, folds))
    common = level + 0.02 * (common - common.mean())
    return {"net": common + d / 2, "xgb": common - d / 2}


def compare(result, metric="error", rope=0.01, n=500, titles=TITLES, **options):
    folds = next(iter(result.values())).shape[1]
    return compare_folds(
        result,
        metric=get_metric(metric),
        test_share=1 / folds,
        n=n,
        rope=rope,
        titles=titles,
        **options,
    )


def capped(both, share=0.1):
    """Return Nadeau and Bengio's t with the evidence of at most eight fits, or of one repeat."""
    return replace(corrected_t(both["net"] - both["xgb"], share), max_fits=MOST_FITS)


def test_numbers_are_the_corrected_ts():
    both = losses(0.03, 0.02)
    [result] = compare(both)
    expected = capped(both)
    mean, variance = 0.03, (1 / 10 + 1 / 9) * 0.02**2  # ten of the thirty fits count
    assert result.p_value == pytest.approx(2 * stats.t.sf(mean / variance**0.5, 9), rel=1e-8)
    assert result.p_value == result.p_adjusted == expected.p_value
    assert result.interval == expected.interval(0.95)
    assert result.equivalence_interval == expected.interval(0.9)
    assert result.bayes == expected.probabilities(0.01)
    assert (result.verdict, result.test) == ("b better", "corrected resampled t")
    assert (result.rows, result.seeds, result.repeats, result.folds) == (500, 1, 3, 10)
    assert "data sets like this one, of this size" in result.scope
    assert "10-fold cross-validation with 3 repeats" in result.why
    assert "over all 30 fits, of which 10 count as evidence" in result.why
    assert "more than five folds" in result.why


@pytest.mark.parametrize(("repeats", "folds"), [(1, 5), (2, 4), (1, 10), (4, 2)])
def test_up_to_eight_fits_it_is_nadeau_and_bengios_own(repeats, folds):
    both = losses(0.02, 0.02, repeats, folds)
    [result] = compare(both)
    expected = corrected_t(both["net"] - both["xgb"], 1 / folds)
    assert result.p_value == expected.p_value
    assert result.interval == expected.interval(0.95)
    assert "count as evidence" not in result.why
    assert ("more than five folds" in result.why) == (folds > 5)


def test_the_rules_in_their_order():
    assert compare(losses(-0.03, 0.02))[0].verdict == "a better"
    equal = compare(losses(0.001, 0.01))[0]
    assert (equal.verdict, equal.detectable) == ("practically equal", False)
    detectable = compare(losses(0.004, 0.0035))[0]
    assert (detectable.verdict, detectable.detectable) == ("practically equal", True)
    assert compare(losses(0.004, 0.03))[0].verdict == "undecided"


def test_all_pairs_share_one_error_rate():
    both = losses(0.03, 0.03)
    three = {**both, "mid": (both["net"] + both["xgb"]) / 2}
    result = compare(three)
    assert [(c.a, c.b) for c in result] == [("net", "xgb"), ("net", "mid"), ("xgb", "mid")]
    assert [c.p_adjusted for c in result] == holm([c.p_value for c in result])
    assert {c.equivalence_level for c in result} == {1 - 0.1 / 3}
    assert [(c.a, c.b) for c in compare(three, against="mid")] == [("net", "mid"), ("xgb", "mid")]
    assert compare({"net": both["net"]}) == []


def test_undecided_reports_the_repeats_needed():
    both = losses(0.0185, 0.006, repeats=1, folds=3)
    [result] = compare(both)
    expected = capped(both, 1 / 3)
    assert result.verdict == "undecided"
    assert result.more_repeats == repeats_needed(expected, rope=0.01)
    assert result.more_rows is result.more_seeds is None
    assert f"about {result.more_repeats} repeats (there are 1)" in result.sentence


def test_undecided_reports_the_rows_needed_if_repeats_do_not_help():
    both = losses(0.012, 0.03, repeats=10)
    [result] = compare(both)
    expected = capped(both)
    assert (result.verdict, result.more_repeats) == ("undecided", None)
    assert result.more_rows == rows_needed_corrected_t(expected, 500, rope=0.01)
    assert "No number of repeats on these rows gives 80 % power" in result.sentence
    assert "very roughly" in result.sentence
    hopeless = compare(losses(0.0, 0.03, repeats=2), rope=0.0)[0]
    assert (hopeless.more_repeats, hopeless.more_rows) == (None, None)
    assert "No practical number of repeats or rows" in hopeless.sentence


def test_sentence():
    [result] = compare(losses(0.0304, 0.02, repeats=1))
    assert result.sentence == (
        "XGBoost is better than the NumPy network: 8.5 % against 11.5 % error, a difference of "
        "3.0 percentage points (95 % CI 1.0 to 5.1). By the Bayesian correlated t test, the "
        "probability is less than 1 % that the NumPy network is better by more than 1 percentage "
        "point, 3 % that the two are practically equal, and 97 % that XGBoost is better by more "
        "than 1 percentage point."
    )
    assert "a 10-fold cross-validation. The folds" in result.why


def test_sentence_by_other_metrics():
    [result] = compare(losses(0.0304, 0.02, repeats=1), "auc", rope=0.005)
    assert "0.9152 against 0.8848 AUC, a difference of 3.04 points (95 % " in result.sentence
    assert "by more than 0.5 points" in result.sentence
    assert result.value_b == pytest.approx(1 - result.error_b)
    [result] = compare(losses(0.0304, 0.02, repeats=1), "log_loss", rope=0.02)
    assert "0.0848 against 0.1152 log loss, a difference of 0.0304 (95 % CI" in result.sentence
    [result] = compare(losses(0.0001, 0.001, repeats=1), "log_loss", rope=0.02)
    assert "a difference of up to 0.02 counts as equal." in result.sentence
    [result] = compare(losses(0.0304, 0.02, repeats=1), "balanced_accuracy", rope=0.0)
    assert "91.5 % against 88.5 % balanced accuracy" in result.sentence
    assert "practically equal" not in result.sentence


def test_folds_that_all_agree_do_not_prove_equality_on_few_rows():
    same = {"a": np.zeros((3, 5)), "b": np.zeros((3, 5))}
    [result] = compare(same, n=50)
    assert (result.verdict, result.interval) == ("undecided", paired_score_interval(0, 0, 50))
    assert (result.bayes, result.p_value) == (None, 1)
    assert compare(same, n=5000)[0].verdict == "practically equal"
    [result] = compare({"a": np.zeros((1, 5)), "b": np.full((1, 5), 0.2)}, n=50)
    assert (result.verdict, result.difference) == ("a better", -0.2)
    assert result.p_value == mcnemar_midp(0, 10)


@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(2, 10), st.floats(0, 0.05))
@settings(max_examples=40, deadline=None)
def test_swapping_two_contenders_mirrors_the_verdict(seed, repeats, folds, rope):
    both = np.random.default_rng(seed).uniform(0.1, 0.2, size=(2, repeats, folds))
    [one] = compare({"a": both[0], "b": both[1]}, rope=rope)
    [other] = compare({"a": both[1], "b": both[0]}, rope=rope)
    mirrored = {"a better": "b better", "b better": "a better"}
    assert other.verdict == mirrored.get(one.verdict, one.verdict)
    assert other.difference == pytest.approx(-one.difference)
    assert other.interval == pytest.approx((-one.interval[1], -one.interval[0]))
    assert other.bayes == pytest.approx(one.bayes[::-1])
    assert sum(one.bayes) == pytest.approx(1)
    assert (one.more_repeats, one.more_rows) == (other.more_repeats, other.more_rows)
    fields = json.loads(json.dumps(to_plain(one), allow_nan=False))
    assert fields["bayes"] == list(one.bayes)


@pytest.mark.parametrize(
    ("losses_by_fold", "options", "match"),
    [
        ({}, {}, "same shape .repeats, folds.*got none"),
        ({"a": np.zeros((1, 5)), "b": np.zeros((1, 6))}, {}, "same shape .*same folds and repeats"),
        ({"a": np.zeros((5, 1)), "b": np.zeros((5, 1))}, {}, "2 or more folds"),
        ({"a": np.zeros(5), "b": np.zeros(5)}, {}, r"\(repeats, folds\)"),
        ({"a": np.full((1, 5), np.nan), "b": np.zeros((1, 5))}, {}, "finite"),
        (
            {"a": np.zeros((1, 5)), "b": np.zeros((1, 5))},
            {"n": 4},
            "for each; got 5 and 4 rows",
        ),
        ({"a": np.zeros((1, 5)), "b": np.zeros((1, 5))}, {"rope": 1.0}, "rope must be a share"),
        (
            {"a": np.zeros((1, 5)), "b": np.zeros((1, 5))},
            {"rope": -1.0, "metric": get_metric("log_loss")},
            "rope must be a finite number, at least 0",
        ),
    ],
)
def test_invalid_arguments_are_refused(losses_by_fold, options, match):
    valid = {"metric": get_metric("error"), "test_share": 0.2, "n": 100, "rope": 0.01}
    with pytest.raises(ValueError, match=match):
        compare_folds(losses_by_fold, **{**valid, **options})
