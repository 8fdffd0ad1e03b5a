"""The verdict after cross-validation: its rules, its words, and what it asks for."""

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
    """Losses of two by fold; of just that mean difference and that standard deviation."""
    rng = np.random.default_rng(seed)
    d = rng.normal(size=(repeats, folds))
    d = (d - d.mean()) / d.std(ddof=1) * spread + difference
    common = rng.normal(size=(repeats, folds))
    common = level + 0.02 * (common - common.mean())
    return {"net": common + d / 2, "xgb": common - d / 2}


def compare(found, metric="error", rope=0.01, n=500, titles=TITLES, **options):
    folds = next(iter(found.values())).shape[1]
    return compare_folds(
        found,
        metric=get_metric(metric),
        test_share=1 / folds,
        n=n,
        rope=rope,
        titles=titles,
        **options,
    )


def counted(both, share=0.1):
    """Nadeau and Bengio's t with the evidence of eight fits at most, or of one repeat."""
    return replace(corrected_t(both["net"] - both["xgb"], share), most=MOST_FITS)


def test_numbers_are_the_corrected_ts():
    both = losses(0.03, 0.02)
    [found] = compare(both)
    expected = counted(both)
    mean, variance = 0.03, (1 / 10 + 1 / 9) * 0.02**2  # ten of the thirty fits count
    assert found.p_value == pytest.approx(2 * stats.t.sf(mean / variance**0.5, 9), rel=1e-8)
    assert found.p_value == found.p_adjusted == expected.p_value
    assert found.interval == expected.interval(0.95)
    assert found.equivalence_interval == expected.interval(0.9)
    assert found.bayes == expected.probabilities(0.01)
    assert (found.verdict, found.test) == ("b better", "corrected resampled t")
    assert (found.rows, found.seeds, found.repeats, found.folds) == (500, 1, 3, 10)
    assert "data sets like this one, of this size" in found.scope
    assert "10-fold cross-validation, 3 times" in found.why
    assert "over all 30 fits, of which 10 count as evidence" in found.why
    assert "more than five folds" in found.why


@pytest.mark.parametrize(("repeats", "folds"), [(1, 5), (2, 4), (1, 10), (4, 2)])
def test_up_to_eight_fits_it_is_nadeau_and_bengios_own(repeats, folds):
    both = losses(0.02, 0.02, repeats, folds)
    [found] = compare(both)
    expected = corrected_t(both["net"] - both["xgb"], 1 / folds)
    assert found.p_value == expected.p_value
    assert found.interval == expected.interval(0.95)
    assert "count as evidence" not in found.why
    assert ("more than five folds" in found.why) == (folds > 5)


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
    found = compare(three)
    assert [(c.a, c.b) for c in found] == [("net", "xgb"), ("net", "mid"), ("xgb", "mid")]
    assert [c.p_adjusted for c in found] == holm([c.p_value for c in found])
    assert {c.equivalence_level for c in found} == {1 - 0.1 / 3}
    assert [(c.a, c.b) for c in compare(three, against="mid")] == [("net", "mid"), ("xgb", "mid")]
    assert compare({"net": both["net"]}) == []


def test_undecided_says_how_many_repeats_would_settle_it():
    both = losses(0.0185, 0.006, repeats=1, folds=3)
    [found] = compare(both)
    expected = counted(both, 1 / 3)
    assert found.verdict == "undecided"
    assert found.more_repeats == repeats_needed(expected, rope=0.01)
    assert found.more_rows is found.more_seeds is None
    assert f"about {found.more_repeats} repeats (there are 1)" in found.sentence


def test_undecided_says_how_many_rows_where_repeats_do_not_help():
    both = losses(0.012, 0.03, repeats=10)
    [found] = compare(both)
    expected = counted(both)
    assert (found.verdict, found.more_repeats) == ("undecided", None)
    assert found.more_rows == rows_needed_corrected_t(expected, 500, rope=0.01)
    assert "No number of repeats would settle" in found.sentence
    assert "very roughly" in found.sentence
    hopeless = compare(losses(0.0, 0.03, repeats=2), rope=0.0)[0]
    assert (hopeless.more_repeats, hopeless.more_rows) == (None, None)
    assert "No practicable number of repeats or rows" in hopeless.sentence


def test_words():
    [found] = compare(losses(0.0304, 0.02, repeats=1))
    assert found.sentence == (
        "XGBoost is better than the NumPy network: 8.48 % against 11.52 % error, a difference of "
        "3.04 points (95 % interval 0.96 to 5.12). The probabilities (Bayesian correlated t) are "
        "less than 1 % that the NumPy network is better by more than 1 point, 3 % that they are "
        "practically equal, 97 % that XGBoost is."
    )
    assert "a 10-fold cross-validation. Its folds" in found.why


def test_words_of_other_metrics():
    [found] = compare(losses(0.0304, 0.02, repeats=1), "auc", rope=0.005)
    assert "0.9152 against 0.8848 AUC, a difference of 3.04 points (95 % " in found.sentence
    assert "by more than 0.5 points" in found.sentence
    assert found.value_b == pytest.approx(1 - found.error_b)
    [found] = compare(losses(0.0304, 0.02, repeats=1), "log_loss", rope=0.02)
    assert "0.0848 against 0.1152 log loss, a difference of 0.0304 (95 % int" in found.sentence
    [found] = compare(losses(0.0001, 0.001, repeats=1), "log_loss", rope=0.02)
    assert "and up to 0.02 counts as equal." in found.sentence
    [found] = compare(losses(0.0304, 0.02, repeats=1), "balanced_accuracy", rope=0.0)
    assert "91.52 % against 88.48 % balanced accuracy" in found.sentence
    assert "practically equal" not in found.sentence


def test_folds_that_all_agree_are_no_proof_of_equality_on_few_rows():
    same = {"a": np.zeros((3, 5)), "b": np.zeros((3, 5))}
    [found] = compare(same, n=50)
    assert (found.verdict, found.interval) == ("undecided", paired_score_interval(0, 0, 50))
    assert (found.bayes, found.p_value) == (None, 1)
    assert compare(same, n=5000)[0].verdict == "practically equal"
    [found] = compare({"a": np.zeros((1, 5)), "b": np.full((1, 5), 0.2)}, n=50)
    assert (found.verdict, found.difference) == ("a better", -0.2)
    assert found.p_value == mcnemar_midp(0, 10)


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
    ("found", "options", "match"),
    [
        ({}, {}, "same shape .repeats, folds.*got none"),
        ({"a": np.zeros((1, 5)), "b": np.zeros((1, 6))}, {}, "same shape .*same folds and repeats"),
        ({"a": np.zeros((5, 1)), "b": np.zeros((5, 1))}, {}, "2 folds or more"),
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
            "rope must be a number of at least 0",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused_in_words(found, options, match):
    given = {"metric": get_metric("error"), "test_share": 0.2, "n": 100, "rope": 0.01, **options}
    with pytest.raises(ValueError, match=match):
        compare_folds(found, **given)
