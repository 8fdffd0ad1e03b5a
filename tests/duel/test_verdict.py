"""The rules of the verdict, its sentences, and the answer to the claim."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graduel.duel.verdict.claim import answer_claim
from graduel.duel.verdict.test_rows import compare_rows
from graduel.duel.verdict.types import Claim
from graduel.metrics.metric import get_metric
from graduel.number_format import format_equals_p, format_interval
from graduel.serialize import from_plain, to_plain
from graduel.stats.multiplicity import holm
from graduel.stats.proportions import mcnemar_midp, paired_score_interval
from graduel.stats.sample_size import rows_needed_mcnemar
from graduel.stats.two_way import paired_t, two_way_t

TITLES = {"text": "textbook network", "xgb": "XGBoost", "net": "the NumPy network"}


def compare_errors(wrong, **options):
    """Compare contenders by their misclassified rows; all rows are of class 0."""
    p = {name: np.eye(2)[of.astype(int)] for name, of in wrong.items()}
    rows = max((of.shape[-2] for of in p.values()), default=0)
    return compare_rows(p, np.zeros(rows, int), metric=get_metric("error"), **options)


def counts(both, only_a, only_b, rows):
    """Return the misclassified rows of two contenders, one seed, from counts."""
    a, b = np.zeros((2, 1, rows), bool)
    a[0, : both + only_a] = True
    b[0, :both] = b[0, both + only_a : both + only_a + only_b] = True
    return a, b


def pair(both, only_a, only_b, rows, rope=0.005, titles=TITLES):
    a, b = counts(both, only_a, only_b, rows)
    [result] = compare_errors({"text": a, "xgb": b}, rope=rope, titles=titles)
    return result


def seeded(error_a, error_b, seeds, rows, overlap=0.5, seed=0):
    """Return the misclassified rows of two contenders that share some of their mistakes."""
    rng = np.random.default_rng(seed)
    hard = rng.random(rows) < 0.5
    return {
        name: rng.random((seeds, rows))
        < np.where(hard, error * (1 + overlap), error * (1 - overlap))
        for name, error in (("text", error_a), ("xgb", error_b))
    }


# The rules


def test_either_contender_can_be_better():
    result = pair(both=100, only_a=510, only_b=80, rows=10_000)
    assert result.verdict == "b better"
    assert result.difference == pytest.approx(0.043)
    assert result.interval == paired_score_interval(510, 80, 10_000, 0.95)
    assert result.p_value == result.p_adjusted == mcnemar_midp(510, 80)
    assert (result.test, result.interval_level) == ("McNemar mid-p", 0.95)
    assert pair(both=100, only_a=80, only_b=510, rows=10_000).verdict == "a better"


def test_practically_equal_comes_first_and_reports_a_significant_difference():
    result = pair(both=100, only_a=30, only_b=10, rows=10_000)
    assert (result.verdict, result.detectable) == ("practically equal", True)
    assert result.p_adjusted < 0.05
    assert result.more_rows is None
    result = pair(both=100, only_a=22, only_b=20, rows=10_000)
    assert (result.verdict, result.detectable) == ("practically equal", False)
    assert (result.equivalence_interval, result.equivalence_level) == (
        paired_score_interval(22, 20, 10_000, 0.9),
        0.9,
    )


def test_undecided_reports_the_rows_needed():
    result = pair(both=20, only_a=18, only_b=10, rows=1000, rope=0.002)
    assert result.verdict == "undecided"
    assert result.more_rows == rows_needed_mcnemar(18, 10, 1000)
    assert result.more_seeds is None
    # If equality needs fewer rows than a difference, the number is that of equality.
    near = pair(both=20, only_a=11, only_b=10, rows=1000, rope=0.005)
    assert near.verdict == "undecided"
    assert 1000 < near.more_rows < rows_needed_mcnemar(11, 10, 1000) / 10
    again = pair(20, 11 * near.more_rows // 1000, 10 * near.more_rows // 1000, near.more_rows)
    assert again.verdict == "practically equal"


def test_undecided_without_any_difference():
    result = pair(both=5, only_a=0, only_b=0, rows=100)
    assert (result.verdict, result.p_value, result.difference) == ("undecided", 1.0, 0.0)
    assert pair(both=5, only_a=0, only_b=0, rows=result.more_rows).verdict == "practically equal"
    result = pair(both=5, only_a=0, only_b=0, rows=100, rope=0.0)
    assert (result.verdict, result.more_rows) == ("undecided", None)
    assert "No practical number" in result.sentence


def test_with_a_rope_of_zero_no_pair_is_equal():
    assert pair(both=100, only_a=100, only_b=100, rows=10_000, rope=0.0).verdict == "undecided"


def test_all_pairs_share_one_error_rate():
    rng = np.random.default_rng(1)
    errors = {"w": 0.1, "x": 0.1, "y": 0.1, "z": 0.12}
    wrong = {name: rng.random((1, 2000)) < error for name, error in errors.items()}
    result = compare_errors(wrong, rope=0.01)
    assert [(c.a, c.b) for c in result] == [
        ("w", "x"), ("w", "y"), ("w", "z"), ("x", "y"), ("x", "z"), ("y", "z")
    ]  # fmt: skip
    assert [c.p_adjusted for c in result] == holm([c.p_value for c in result])
    assert {c.equivalence_level for c in result} == {1 - 0.1 / 6}
    assert all(c.equivalence_interval[0] <= c.interval[0] for c in result)  # 98.3 % against 95 %


def test_an_unadjusted_p_below_five_percent_is_not_enough():
    a, b = counts(20, 40, 22, 2000)
    [alone] = compare_errors({"a": a, "b": b}, rope=0.0)
    assert alone.p_value < 0.05
    assert alone.verdict == "b better"
    among_three = compare_errors({"a": a, "b": b, "c": a}, rope=0.0)
    assert among_three[0].p_value == alone.p_value
    assert among_three[0].verdict == "undecided"
    assert among_three[0].more_rows == rows_needed_mcnemar(40, 22, 2000, alpha=0.05 / 3)


# The designs


def test_the_scope_of_two_seeds_is_the_fitted_models():
    wrong = seeded(0.06, 0.03, seeds=2, rows=3000)
    [result] = compare_errors(wrong, rope=0.005)
    d = wrong["text"].astype(int) - wrong["xgb"].astype(int)
    expected = paired_t(d)
    assert result.interval == (expected.low, expected.high)
    assert result.p_value == expected.p_value
    assert (result.test, result.verdict) == ("paired t by row", "b better")
    assert "these fitted models" in result.scope


def test_the_scope_of_three_seeds_is_the_procedures():
    wrong = seeded(0.06, 0.03, seeds=4, rows=3000)
    [result] = compare_errors(wrong, rope=0.005)
    d = wrong["text"].astype(int) - wrong["xgb"].astype(int)
    expected, narrower = two_way_t(d), two_way_t(d, 0.9)
    assert result.interval == (expected.low, expected.high)
    assert result.equivalence_interval == (narrower.low, narrower.high)
    assert result.p_value == expected.p_value
    assert (result.test, result.verdict) == ("two-way t (rows and seeds)", "b better")
    assert "these procedures on this training set" in result.scope


@pytest.mark.parametrize(
    ("seeds", "scope"), [(1, "fitted models"), (2, "fitted models"), (3, "pro")]
)
def test_scope_by_seeds(seeds, scope):
    [result] = compare_errors(seeded(0.1, 0.1, seeds, rows=200), rope=0.01)
    assert f"these {scope}" in result.scope
    assert result.why.endswith(".")


def test_undecided_with_seeds_reports_whether_more_rows_or_seeds_are_needed():
    rng = np.random.default_rng(0)
    base = rng.random(4000) < 0.1
    lucky = np.array([0.00, 0.03, 0.08])[:, None]  # one contender's seeds vary a lot
    wrong = {"text": base | (rng.random((3, 4000)) < lucky), "xgb": np.tile(base, (3, 1))}
    [result] = compare_errors(wrong, rope=0.001)
    assert (result.verdict, result.more_rows) == ("undecided", None)
    assert 3 < result.more_seeds < 30
    assert f"about {result.more_seeds} seeds (there are 3)" in result.sentence

    a, b = (np.tile(wrong, (3, 1)) for wrong in counts(20, 20, 12, 500))  # no seed matters
    wrong = {"text": a, "xgb": b}
    [result] = compare_errors(wrong, rope=0.001)
    assert (result.verdict, result.more_seeds) == ("undecided", None)
    assert result.more_rows > 500
    assert "test rows (there are 500)" in result.sentence


@pytest.mark.parametrize("seeds", [2, 3])
def test_seeds_that_all_agree_do_not_prove_equality_on_few_rows(seeds):
    same = np.zeros((seeds, 50), bool)
    [result] = compare_errors({"a": same, "b": same}, rope=0.005)
    assert result.verdict == "undecided"
    assert result.interval == paired_score_interval(0, 0, 50)
    many = np.zeros((seeds, 5000), bool)
    assert compare_errors({"a": many, "b": many}, rope=0.005)[0].verdict == "practically equal"
    assert compare_errors({"a": ~same, "b": same}, rope=0.005)[0].verdict == "b better"


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.floats(0, 0.05))
@settings(max_examples=40, deadline=None)
def test_swapping_two_contenders_mirrors_the_verdict(seed, seeds, rope):
    rng = np.random.default_rng(seed)
    a, b = rng.random((2, seeds, rng.integers(5, 400))) < rng.random((2, 1, 1)) / 2
    [one] = compare_errors({"a": a, "b": b}, rope=rope)
    [other] = compare_errors({"a": b, "b": a}, rope=rope)
    mirrored = {"a better": "b better", "b better": "a better"}
    assert other.verdict == mirrored.get(one.verdict, one.verdict)
    assert other.difference == pytest.approx(-one.difference)
    assert other.interval == pytest.approx((-one.interval[1], -one.interval[0]), abs=1e-9)
    assert (other.more_rows, other.more_seeds) == (one.more_rows, one.more_seeds)
    assert -1 <= one.interval[0] <= one.difference <= one.interval[1] <= 1
    assert (one.verdict in mirrored) == (
        one.p_adjusted < 0.05
        and not (-rope < one.equivalence_interval[0] and one.equivalence_interval[1] < rope)
    )


# Sentences and data


def test_comparisons_and_claims_become_plain_json():
    wrong = seeded(0.05, 0.06, seeds=3, rows=400)
    result = compare_errors({**wrong, "net": wrong["xgb"]}, rope=0.005, titles=TITLES)
    for comparison in result:
        fields = json.loads(json.dumps(to_plain(comparison), allow_nan=False))
        assert fields["metric"] == "error"
        assert fields["interval"] == list(comparison.interval)
        assert {
            "a", "b", "difference", "interval_level", "equivalence_interval", "equivalence_level",
            "rope", "test", "why", "p_value", "p_adjusted", "verdict", "detectable", "scope",
            "more_rows", "more_seeds", "sentence",
        } <= set(fields)  # fmt: skip
    claim = answer_claim(
        result[0], {"text": 0.05, "xgb": 0.06}, booster="xgb", network="text", titles=TITLES
    )
    assert from_plain(Claim, json.loads(json.dumps(to_plain(claim)))) == claim


def test_sentence_of_a_better_contender():
    assert pair(100, 510, 80, 10_000).sentence == (
        "XGBoost is better than the textbook network: 1.80 % against 6.10 % error, a difference of "
        "4.30 percentage points (95 % CI 3.84 to 4.78)."
    )
    assert pair(100, 80, 510, 10_000).sentence.startswith(
        "The textbook network is better than XGBoost: 1.80 % against 6.10 % error, a difference of "
        "4.30 percentage points (95 % CI 3.84 to 4.78)."
    )
    assert "a difference of 1.00 percentage points (" in pair(100, 190, 90, 10_000).sentence


def test_sentence_of_equal_contenders():
    assert pair(100, 22, 20, 10_000).sentence == (
        "XGBoost and the textbook network are practically equal: 1.20 % against 1.22 % error, a "
        "difference of 0.02 percentage points (90 % CI −0.09 to 0.13); a difference of up to 0.5 "
        "percentage points counts as equal."
    )
    detectable = pair(100, 30, 10, 10_000).sentence
    assert detectable.endswith(
        "The difference is small but statistically significant (p = 0.0015)."
    )
    a, b = counts(100, 22, 20, 10_000)
    wrong = {"a": a, "b": b, "c": a}
    assert "(96.7 % CI" in compare_errors(wrong, rope=0.005)[0].sentence


def test_sentence_of_an_undecided_pair():
    assert pair(20, 18, 10, 1000, rope=0.002).sentence == (
        "Undecided between XGBoost and the textbook network: 3.0 % against 3.8 % error, a "
        "difference of 0.8 percentage points (95 % CI −0.3 to 1.9). A difference of this size "
        "needs about 3,500 test rows (there are 1,000) for 80 % power. This verdict is close to a "
        "boundary: after another fit of both, on as many new test rows, it would be the same with "
        "a probability of about 64 %."
    )
    tiny = pair(0, 1, 0, 50_000, rope=0.0).sentence
    assert "0.00 % against < 0.01 % error, a difference of < 0.01 percentage points" in tiny


def test_the_printed_interval_is_simultaneous_as_the_decision_is():
    a, b = counts(20, 23, 10, 1000)
    [first, *_] = compare_errors({"text": a, "xgb": b, "net": b}, rope=0.002, titles=TITLES)
    assert (first.verdict, first.interval[0] > 0) == ("undecided", True)
    low, high = paired_score_interval(23, 10, 1000, 1 - 0.05 / 3)
    assert first.simultaneous_interval == (low, high)
    assert low < 0
    printed = f"(simultaneous 95 % CI {format_interval((low, high), 1)})."
    assert printed in first.sentence
    assert "excludes" not in first.sentence
    [alone] = compare_errors({"text": a, "xgb": b}, rope=0.002, titles=TITLES)
    assert alone.verdict == "b better"
    assert alone.simultaneous_interval == alone.interval
    assert "(95 % CI" in alone.sentence
    a, b = counts(20, 24, 10, 1000)  # a score interval is not quite dual to the mid-p
    [first, *_] = compare_errors({"text": a, "xgb": b, "net": b}, rope=0.002, titles=TITLES)
    p = format_equals_p(first.p_adjusted)
    words = f" CI excludes 0, but the p-value adjusted for 3 pairs (Holm) decides: {p}."
    assert words in first.sentence.replace(" The", "")


@given(
    wrong=st.lists(st.integers(0, 60), min_size=3, max_size=4),
    rope=st.sampled_from([0.0, 0.005, 0.02]),
)
@settings(max_examples=60, deadline=None)
def test_an_interval_that_contradicts_the_verdict_has_its_reason(wrong, rope):
    masks = {}
    for name, n in zip("wxyz", wrong, strict=False):
        masks[name] = np.zeros((1, 400), bool)
        masks[name][0, :n] = True
    for one in compare_errors(masks, rope=rope):
        low, high = one.printed_interval
        decided, excludes = one.verdict != "undecided", not low <= 0 <= high
        is_said = " 0, but the p-value adjusted for" in one.sentence
        if one.verdict == "practically equal":
            assert not is_said
        else:
            assert is_said == (decided != excludes)
            p = format_equals_p(one.p_adjusted)
            assert (p in one.sentence) == is_said


def test_names_replace_missing_titles():
    assert pair(100, 510, 80, 10_000, titles=None).sentence.startswith("xgb is better than text:")
    own = {"text": "my forest", "xgb": "the NumPy network"}
    assert pair(100, 510, 80, 10_000, titles=own).sentence.startswith(
        "The NumPy network is better than my forest:"
    )


@pytest.mark.parametrize(
    ("wrong", "rope", "match"),
    [
        ({}, 0.01, "same shape .seeds, rows, classes.*got none"),
        (
            {"a": np.zeros((1, 5), bool), "b": np.zeros((1, 6), bool)},
            0.01,
            "same shape .*same rows and seeds",
        ),
        ({"a": np.zeros((1, 5), bool), "b": np.zeros((2, 5), bool)}, 0.01, "same shape"),
        ({"a": np.zeros(5, bool), "b": np.zeros(5, bool)}, 0.01, r"\(seeds, rows, classes\)"),
        ({"a": np.zeros((1, 5), bool)}, 1.5, "rope must be a share"),
    ],
)
def test_invalid_arguments_are_refused(wrong, rope, match):
    with pytest.raises(ValueError, match=match):
        compare_errors(wrong, rope=rope)


def test_one_contender_makes_no_pair():
    assert compare_errors({"a": np.zeros((1, 5), bool)}, rope=0.01) == []


# The claim


def claim(comparison, text, xgb):
    return answer_claim(
        comparison, {"text": text, "xgb": xgb}, booster="xgb", network="text", titles=TITLES
    )


def test_claim_holds():
    result = claim(pair(100, 510, 80, 10_000), 0.061, 0.018)
    assert (result.answer, result.ratio) == ("yes", pytest.approx(0.061 / 0.018))
    assert result.sentence == (
        "Yes: the textbook network makes 3.3 times as many errors as XGBoost (6.10 % against "
        "1.80 %)."
    )
    assert "makes twice as many" in claim(pair(100, 110, 5, 10_000), 0.021, 0.0105).sentence
    # A ratio of exactly 2 is a yes despite floating-point rounding, in either order of the pair.
    a, b = counts(100, 510, 80, 10_000)
    [swapped] = compare_errors({"xgb": b, "text": a}, rope=0.005)
    assert claim(swapped, 0.3, 0.15).answer == "yes"
    assert claim(swapped, 0.3 - 1e-17, 0.1 + 0.05).answer == "yes"


def test_claim_with_an_errorless_booster():
    result = claim(pair(0, 320, 0, 10_000), 0.032, 0.0)
    assert (result.answer, result.ratio) == ("yes", None)
    assert result.sentence == (
        "Yes: XGBoost makes no error on these test rows, the textbook network 3.20 %."
    )


def test_claim_fails_though_the_booster_is_better():
    result = claim(pair(100, 150, 80, 10_000), 0.025, 0.018)
    assert result.answer == "no"
    assert result.sentence == (
        "No: XGBoost is better, but the textbook network makes only 1.38 times as many errors "
        "(2.50 % against 1.80 %); the claim requires at least twice as many."
    )
    # Ratios are never rounded up to 2.
    assert "only 1.99 times as many" in claim(pair(100, 260, 80, 10_000), 0.03599, 0.018).sentence


def test_claim_fails_for_equal_ones_however_large_the_ratio():
    result = claim(pair(0, 6, 1, 10_000), 0.0006, 0.0001)
    assert (result.answer, result.ratio) == ("no", pytest.approx(6))
    assert result.sentence == (
        "No: XGBoost and the textbook network are practically equal (0.01 % against 0.06 % error)."
    )
    assert claim(pair(0, 0, 0, 10_000), 0.0, 0.0).ratio is None


def test_claim_fails_while_undecided():
    result = claim(pair(20, 18, 10, 1000, rope=0.002), 0.038, 0.03)
    assert result.answer == "no"
    assert result.sentence == (
        "No: it is undecided which of XGBoost and the textbook network is better "
        "(3.0 % against 3.8 % error)."
    )


def test_claim_reversed():
    result = claim(pair(100, 80, 510, 10_000), 0.018, 0.061)
    assert (result.answer, result.ratio) == ("no", pytest.approx(0.018 / 0.061))
    assert result.sentence == (
        "No, the opposite: the textbook network is better than XGBoost (1.80 % against 6.10 % "
        "error)."
    )


def test_claim_needs_the_right_pair():
    comparison = pair(100, 510, 80, 10_000)
    errors = {"text": 0.061, "xgb": 0.018, "net": 0.02}
    with pytest.raises(ValueError, match="expected the comparison of 'xgb' and 'net'; got that of"):
        answer_claim(comparison, errors, booster="xgb", network="net")
    with pytest.raises(ValueError, match="keys 'xgb' and 'text'; missing: 'xgb'"):
        answer_claim(comparison, {"text": 0.1}, booster="xgb", network="text")
    with pytest.raises(ValueError, match="expected the comparison"):
        answer_claim(replace(comparison, b="text"), errors, booster="text", network="text")


def test_comparing_with_one_contender_needs_less_correction():
    rng = np.random.default_rng(3)
    wrong = {
        name: rng.random((3, 400)) < p
        for name, p in zip("abcd", (0.1, 0.12, 0.2, 0.3), strict=True)
    }
    every = {(c.a, c.b): c for c in compare_errors(wrong, rope=0.01)}
    some = {(c.a, c.b): c for c in compare_errors(wrong, rope=0.01, against="b")}
    assert list(some) == [("a", "b"), ("b", "c"), ("b", "d")]
    for names, result in some.items():
        assert result.p_value == every[names].p_value
        assert result.p_adjusted <= every[names].p_adjusted
        assert result.equivalence_level == pytest.approx(1 - 0.1 / 3)
    assert [c.p_adjusted for c in some.values()] == pytest.approx(
        holm([c.p_value for c in some.values()])
    )
