"""The verdict's rules, branch by branch, its words, and the answer to the claim."""

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
from graduel.serialize import from_plain, to_plain
from graduel.stats.multiplicity import holm
from graduel.stats.proportions import mcnemar_midp, paired_score_interval
from graduel.stats.sample_size import rows_needed_mcnemar
from graduel.stats.two_way import paired_t, two_way_t

TITLES = {"text": "textbook network", "xgb": "XGBoost", "net": "the NumPy network"}


def compare_errors(wrong, **options):
    """Compare contenders by where they are wrong: certain of class 1 where the true one is 0."""
    p = {name: np.eye(2)[of.astype(int)] for name, of in wrong.items()}
    rows = max((of.shape[-2] for of in p.values()), default=0)
    return compare_rows(p, np.zeros(rows, int), metric=get_metric("error"), **options)


def counts(both, only_a, only_b, rows):
    """One seed's wrong answers of two contenders, from how often which of them is wrong."""
    a, b = np.zeros((2, 1, rows), bool)
    a[0, : both + only_a] = True
    b[0, :both] = b[0, both + only_a : both + only_a + only_b] = True
    return a, b


def pair(both, only_a, only_b, rows, rope=0.005, titles=TITLES):
    a, b = counts(both, only_a, only_b, rows)
    [found] = compare_errors({"text": a, "xgb": b}, rope=rope, titles=titles)
    return found


def seeded(error_a, error_b, seeds, rows, overlap=0.5, seed=0):
    """Two contenders that share part of their mistakes, row by row."""
    rng = np.random.default_rng(seed)
    hard = rng.random(rows) < 0.5
    return {
        name: rng.random((seeds, rows))
        < np.where(hard, error * (1 + overlap), error * (1 - overlap))
        for name, error in (("text", error_a), ("xgb", error_b))
    }


# The rules


def test_better_either_way():
    found = pair(both=100, only_a=510, only_b=80, rows=10_000)
    assert found.verdict == "b better"
    assert found.difference == pytest.approx(0.043)
    assert found.interval == paired_score_interval(510, 80, 10_000, 0.95)
    assert found.p_value == found.p_adjusted == mcnemar_midp(510, 80)
    assert (found.test, found.interval_level) == ("McNemar mid-p", 0.95)
    assert pair(both=100, only_a=80, only_b=510, rows=10_000).verdict == "a better"


def test_practically_equal_comes_first_and_owns_up_to_a_detectable_difference():
    found = pair(both=100, only_a=30, only_b=10, rows=10_000)
    assert (found.verdict, found.detectable) == ("practically equal", True)
    assert found.p_adjusted < 0.05
    assert found.more_rows is None
    found = pair(both=100, only_a=22, only_b=20, rows=10_000)
    assert (found.verdict, found.detectable) == ("practically equal", False)
    assert (found.equivalence_interval, found.equivalence_level) == (
        paired_score_interval(22, 20, 10_000, 0.9),
        0.9,
    )


def test_undecided_says_how_many_rows_would_settle_it():
    found = pair(both=20, only_a=18, only_b=10, rows=1000, rope=0.002)
    assert found.verdict == "undecided"
    assert found.more_rows == rows_needed_mcnemar(18, 10, 1000)
    assert found.more_seeds is None
    # Where equality is nearer than a difference, it is equality's number.
    near = pair(both=20, only_a=11, only_b=10, rows=1000, rope=0.005)
    assert near.verdict == "undecided"
    assert 1000 < near.more_rows < rows_needed_mcnemar(11, 10, 1000) / 10
    again = pair(20, 11 * near.more_rows // 1000, 10 * near.more_rows // 1000, near.more_rows)
    assert again.verdict == "practically equal"


def test_undecided_without_any_difference():
    found = pair(both=5, only_a=0, only_b=0, rows=100)
    assert (found.verdict, found.p_value, found.difference) == ("undecided", 1.0, 0.0)
    assert pair(both=5, only_a=0, only_b=0, rows=found.more_rows).verdict == "practically equal"
    found = pair(both=5, only_a=0, only_b=0, rows=100, rope=0.0)
    assert (found.verdict, found.more_rows) == ("undecided", None)
    assert "No practicable number" in found.sentence


def test_a_rope_of_zero_never_calls_two_equal():
    assert pair(both=100, only_a=100, only_b=100, rows=10_000, rope=0.0).verdict == "undecided"


def test_all_pairs_share_one_error_rate():
    rng = np.random.default_rng(1)
    errors = {"w": 0.1, "x": 0.1, "y": 0.1, "z": 0.12}
    wrong = {name: rng.random((1, 2000)) < error for name, error in errors.items()}
    found = compare_errors(wrong, rope=0.01)
    assert [(c.a, c.b) for c in found] == [
        ("w", "x"), ("w", "y"), ("w", "z"), ("x", "y"), ("x", "z"), ("y", "z")
    ]  # fmt: skip
    assert [c.p_adjusted for c in found] == holm([c.p_value for c in found])
    assert {c.equivalence_level for c in found} == {1 - 0.1 / 6}
    assert all(c.equivalence_interval[0] <= c.interval[0] for c in found)  # 98.3 % against 95 %


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


def test_two_seeds_speak_of_the_fitted_models():
    wrong = seeded(0.06, 0.03, seeds=2, rows=3000)
    [found] = compare_errors(wrong, rope=0.005)
    d = wrong["text"].astype(int) - wrong["xgb"].astype(int)
    expected = paired_t(d)
    assert found.interval == (expected.low, expected.high)
    assert found.p_value == expected.p_value
    assert (found.test, found.verdict) == ("paired t by row", "b better")
    assert "these fitted models" in found.scope


def test_three_seeds_speak_of_the_procedures():
    wrong = seeded(0.06, 0.03, seeds=4, rows=3000)
    [found] = compare_errors(wrong, rope=0.005)
    d = wrong["text"].astype(int) - wrong["xgb"].astype(int)
    expected, narrower = two_way_t(d), two_way_t(d, 0.9)
    assert found.interval == (expected.low, expected.high)
    assert found.equivalence_interval == (narrower.low, narrower.high)
    assert found.p_value == expected.p_value
    assert (found.test, found.verdict) == ("two-way t (rows and seeds)", "b better")
    assert "these procedures, on this training set" in found.scope


@pytest.mark.parametrize(
    ("seeds", "scope"), [(1, "fitted models"), (2, "fitted models"), (3, "pro")]
)
def test_scope_by_seeds(seeds, scope):
    [found] = compare_errors(seeded(0.1, 0.1, seeds, rows=200), rope=0.01)
    assert f"these {scope}" in found.scope
    assert found.why.endswith(".")


def test_undecided_with_seeds_says_whether_rows_or_seeds_are_short():
    rng = np.random.default_rng(0)
    base = rng.random(4000) < 0.1
    lucky = np.array([0.00, 0.03, 0.08])[:, None]  # one contender's seeds vary a lot
    wrong = {"text": base | (rng.random((3, 4000)) < lucky), "xgb": np.tile(base, (3, 1))}
    [found] = compare_errors(wrong, rope=0.001)
    assert (found.verdict, found.more_rows) == ("undecided", None)
    assert 3 < found.more_seeds < 30
    assert f"about {found.more_seeds} seeds (there are 3)" in found.sentence

    a, b = (np.tile(wrong, (3, 1)) for wrong in counts(20, 20, 12, 500))  # no seed matters
    wrong = {"text": a, "xgb": b}
    [found] = compare_errors(wrong, rope=0.001)
    assert (found.verdict, found.more_seeds) == ("undecided", None)
    assert found.more_rows > 500
    assert "test rows (there are 500)" in found.sentence


@pytest.mark.parametrize("seeds", [2, 3])
def test_seeds_that_all_agree_are_no_proof_of_equality_on_few_rows(seeds):
    same = np.zeros((seeds, 50), bool)
    [found] = compare_errors({"a": same, "b": same}, rope=0.005)
    assert found.verdict == "undecided"
    assert found.interval == paired_score_interval(0, 0, 50)
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


# Words and data


def test_comparisons_and_claims_become_plain_json():
    wrong = seeded(0.05, 0.06, seeds=3, rows=400)
    found = compare_errors({**wrong, "net": wrong["xgb"]}, rope=0.005, titles=TITLES)
    for comparison in found:
        fields = json.loads(json.dumps(to_plain(comparison), allow_nan=False))
        assert fields["metric"] == "error"
        assert fields["interval"] == list(comparison.interval)
        assert {
            "a", "b", "difference", "interval_level", "equivalence_interval", "equivalence_level",
            "rope", "test", "why", "p_value", "p_adjusted", "verdict", "detectable", "scope",
            "more_rows", "more_seeds", "sentence",
        } <= set(fields)  # fmt: skip
    claim = answer_claim(
        found[0], {"text": 0.05, "xgb": 0.06}, booster="xgb", network="text", titles=TITLES
    )
    assert from_plain(Claim, json.loads(json.dumps(to_plain(claim)))) == claim


def test_words_of_a_better_one():
    assert pair(100, 510, 80, 10_000).sentence == (
        "XGBoost is better than the textbook network: 1.8 % against 6.1 % error, a difference of "
        "4.3 points (95 % interval 3.84 to 4.78)."
    )
    assert pair(100, 80, 510, 10_000).sentence.startswith(
        "The textbook network is better than XGBoost: 1.8 % against 6.1 % error, a difference of "
        "4.3 points (95 % interval 3.84 to 4.78)."
    )
    assert "a difference of 1 point (" in pair(100, 190, 90, 10_000).sentence


def test_words_of_equal_ones():
    assert pair(100, 22, 20, 10_000).sentence == (
        "XGBoost and the textbook network are practically equal: 1.2 % against 1.22 % error, a "
        "difference of 0.02 points (90 % interval -0.09 to 0.13), and up to 0.5 points count as "
        "equal."
    )
    detectable = pair(100, 30, 10, 10_000).sentence
    assert detectable.endswith(
        "Small as it is, the difference can be told from chance (p = 0.0015)."
    )
    a, b = counts(100, 22, 20, 10_000)
    wrong = {"a": a, "b": b, "c": a}
    assert "(96.7 % interval" in compare_errors(wrong, rope=0.005)[0].sentence


def test_words_of_an_open_question():
    assert pair(20, 18, 10, 1000, rope=0.002).sentence == (
        "Undecided between XGBoost and the textbook network: 3 % against 3.8 % error, a "
        "difference of 0.8 points (95 % interval -0.25 to 1.94). To settle a difference of this "
        "size would take about 3,500 test rows (there are 1,000)."
    )
    tiny = pair(0, 1, 0, 50_000, rope=0.0).sentence
    assert "0 % against 0.002 % error, a difference of 0.002 points" in tiny


def test_names_stand_in_where_titles_lack():
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
def test_what_cannot_be_compared_is_refused_in_words(wrong, rope, match):
    with pytest.raises(ValueError, match=match):
        compare_errors(wrong, rope=rope)


def test_one_contender_has_nobody_to_meet():
    assert compare_errors({"a": np.zeros((1, 5), bool)}, rope=0.01) == []


# The claim


def claim(comparison, text, xgb):
    return answer_claim(
        comparison, {"text": text, "xgb": xgb}, booster="xgb", network="text", titles=TITLES
    )


def test_claim_holds():
    found = claim(pair(100, 510, 80, 10_000), 0.061, 0.018)
    assert (found.answer, found.ratio) == ("yes", pytest.approx(0.061 / 0.018))
    assert found.sentence == (
        "Yes: the textbook network makes 3.3 times as many errors as XGBoost (6.1 % against 1.8 %)."
    )
    assert "makes twice as many" in claim(pair(100, 110, 5, 10_000), 0.021, 0.0105).sentence
    # Just half counts, whatever floating point makes of it; the order of the pair does not.
    a, b = counts(100, 510, 80, 10_000)
    [swapped] = compare_errors({"xgb": b, "text": a}, rope=0.005)
    assert claim(swapped, 0.3, 0.15).answer == "yes"
    assert claim(swapped, 0.3 - 1e-17, 0.1 + 0.05).answer == "yes"


def test_claim_with_an_errorless_booster():
    found = claim(pair(0, 320, 0, 10_000), 0.032, 0.0)
    assert (found.answer, found.ratio) == ("yes", None)
    assert found.sentence == (
        "Yes: XGBoost makes no error on these test rows, the textbook network 3.2 %."
    )


def test_claim_fails_though_the_booster_is_better():
    found = claim(pair(100, 150, 80, 10_000), 0.025, 0.018)
    assert found.answer == "no"
    assert found.sentence == (
        "No: XGBoost is better, but the textbook network makes only 1.38 times as many errors "
        "(2.5 % against 1.8 %); blown out of the water would be twice as many."
    )
    # Never rounded up to the two that it is not.
    assert "only 1.99 times as many" in claim(pair(100, 260, 80, 10_000), 0.03599, 0.018).sentence


def test_claim_fails_for_equal_ones_however_large_the_ratio():
    found = claim(pair(0, 6, 1, 10_000), 0.0006, 0.0001)
    assert (found.answer, found.ratio) == ("no", pytest.approx(6))
    assert found.sentence == (
        "No: XGBoost and the textbook network are practically equal (0.01 % against 0.06 % error)."
    )
    assert claim(pair(0, 0, 0, 10_000), 0.0, 0.0).ratio is None


def test_claim_fails_while_undecided():
    found = claim(pair(20, 18, 10, 1000, rope=0.002), 0.038, 0.03)
    assert found.answer == "no"
    assert found.sentence == (
        "No: it is not even settled which of XGBoost and the textbook network is better "
        "(3 % against 3.8 % error)."
    )


def test_claim_reversed():
    found = claim(pair(100, 80, 510, 10_000), 0.018, 0.061)
    assert (found.answer, found.ratio) == ("no", pytest.approx(0.018 / 0.061))
    assert found.sentence == (
        "No, the reverse: the textbook network is better than XGBoost (1.8 % against 6.1 % error)."
    )


def test_claim_needs_the_right_pair():
    comparison = pair(100, 510, 80, 10_000)
    errors = {"text": 0.061, "xgb": 0.018, "net": 0.02}
    with pytest.raises(ValueError, match="expected the comparison of 'xgb' and 'net'; got that of"):
        answer_claim(comparison, errors, booster="xgb", network="net")
    with pytest.raises(ValueError, match="errors lack"):
        answer_claim(comparison, {"text": 0.1}, booster="xgb", network="text")
    with pytest.raises(ValueError, match="expected the comparison"):
        answer_claim(replace(comparison, b="text"), errors, booster="text", network="text")


def test_all_against_one_are_fewer_pairs_and_less_correction():
    rng = np.random.default_rng(3)
    wrong = {
        name: rng.random((3, 400)) < p
        for name, p in zip("abcd", (0.1, 0.12, 0.2, 0.3), strict=True)
    }
    every = {(c.a, c.b): c for c in compare_errors(wrong, rope=0.01)}
    some = {(c.a, c.b): c for c in compare_errors(wrong, rope=0.01, against="b")}
    assert list(some) == [("a", "b"), ("b", "c"), ("b", "d")]
    for names, found in some.items():
        assert found.p_value == every[names].p_value
        assert found.p_adjusted <= every[names].p_adjusted
        assert found.equivalence_level == pytest.approx(1 - 0.1 / 3)
    assert [c.p_adjusted for c in some.values()] == pytest.approx(
        holm([c.p_value for c in some.values()])
    )
