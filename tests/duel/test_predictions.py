"""Verdicts on two sets of predictions: accepted formats, their meaning, and refused input."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import graduel
from graduel.duel.verdict.predictions import class_names, compare_predictions
from graduel.duel.verdict.test_rows import compare_rows
from graduel.errors import UserError
from graduel.metrics.metric import get_metric

RNG = np.random.default_rng(0)
Y = RNG.integers(3, size=400)
A = np.where(RNG.random(400) < 0.15, (Y + 1) % 3, Y)
B = np.where(RNG.random(400) < 0.05, (Y + 2) % 3, Y)
WORDS = np.array(["cat", "dog", "eel"])


def soft(labels, k=3, seed=0):
    p = np.eye(k)[labels] * 4 + np.random.default_rng(seed).random((len(labels), k))
    return p / p.sum(axis=1, keepdims=True)


def same(one, other):
    assert one == other


def test_it_is_the_duels_verdict():
    result = compare_predictions(A, B, Y)
    p = {"A": np.eye(3)[A][np.newaxis], "B": np.eye(3)[B][np.newaxis]}
    [expected] = compare_rows(p, Y, metric=get_metric("error"), rope=0.01)
    same(result, expected)
    assert (result.verdict, result.rope) == ("b better", 0.01)
    assert graduel.compare_predictions is compare_predictions


@pytest.mark.parametrize(
    "change",
    [
        lambda x: WORDS[x],
        lambda x: WORDS[x].astype(object),
        lambda x: WORDS[x].astype("S"),
        lambda x: x.astype(float),
        lambda x: x.astype(np.uint8),
        lambda x: x.tolist(),
        lambda x: x + 7,
        lambda x: x[:, np.newaxis],
        pl.Series,
        lambda x: x.astype(str),
    ],
)
def test_labels_of_any_type_give_the_same_verdict(change):
    same(compare_predictions(change(A), change(B), change(Y)), compare_predictions(A, B, Y))


def test_numbers_as_text_equal_numbers():
    same(compare_predictions(A.astype(str), B, Y.astype(float)), compare_predictions(A, B, Y))


def test_labels_and_probabilities_can_be_compared():
    same(compare_predictions(soft(A), B, Y), compare_predictions(A, B, Y))
    yes = compare_predictions(A == 0, B == 0, Y == 0)
    of_second = compare_predictions(np.where(A == 0, 0.7, 0.2), B == 0, Y == 0)
    same(yes, of_second)


@pytest.mark.parametrize("metric", ["error", "log_loss", "brier", "auc", "balanced_accuracy"])
@pytest.mark.parametrize("seeds", [1, 3])
def test_probabilities_of_seeds(metric, seeds):
    a = np.stack([soft(A, seed=s) for s in range(seeds)])
    b = np.stack([soft(B, seed=s + 9) for s in range(seeds)])
    [expected] = compare_rows({"A": a, "B": b}, Y, metric=get_metric(metric), rope=0.02)
    same(compare_predictions(a, b, Y, metric=metric, rope=0.02), expected)
    if seeds == 1:
        same(compare_predictions(a[0], b[0], Y, metric=metric, rope=0.02), expected)


def test_labels_of_seeds():
    result = compare_predictions(np.stack([A, A, B]), np.stack([B, B, B]), Y)
    assert (result.seeds, result.test) == (3, "two-way t (rows and seeds)")


def test_some_scorers_need_probabilities(monkeypatch):
    monkeypatch.setattr("graduel.duel.verdict.test_rows.RESAMPLES", 20)  # scorers take milliseconds
    assert compare_predictions(A, B, Y, metric="f1_macro").metric == "f1_macro"
    with pytest.raises(UserError, match="needs probabilities; got labels"):
        compare_predictions(A, B, Y, metric="roc_auc_ovo")


def test_columns_are_classes_in_ascending_order_or_as_listed():
    y, reverse = WORDS[Y], ["eel", "dog", "cat"]
    p, q = soft(A), soft(B, seed=1)
    one = compare_predictions(p, q, y, metric="log_loss")
    other = compare_predictions(p[:, ::-1], q[:, ::-1], y, metric="log_loss", classes=reverse)
    assert other.error_a == pytest.approx(one.error_a)
    assert other.interval == pytest.approx(one.interval)
    worse = compare_predictions(p, q, y, metric="log_loss", classes=reverse)
    assert worse.error_a > 2 * one.error_a
    # Numbers are sorted as numbers: 9 before 10, as in scikit-learn.
    assert class_names(np.array([10, 9])) == ("9", "10")
    assert class_names(np.array(["10", "9"])) == ("10", "9")


def test_a_class_that_the_rows_lack():
    y = np.where(Y == 2, 0, Y)
    assert compare_predictions(soft(A), soft(B), y).rows == 400  # codes, three columns
    with pytest.raises(UserError, match=r"one of the classes '0', '1'; got '2'.*--classes"):
        compare_predictions(A, B, y)
    assert compare_predictions(A, B, y, classes=[0, 1, 2]).rows == 400


@pytest.mark.parametrize(
    ("a", "b", "y", "options", "match"),
    [
        (A[:-1], B, Y, {}, r"one: expected predictions for 400 rows, as in y; got .*\(399,\)"),
        (soft(A)[:-1], B, Y, {}, r"got an array of shape \(399, 3\)"),
        (soft(A)[np.newaxis, :-1], B, Y, {}, "expected 400 rows, as in y; got 399"),
        (np.where(A == 0, np.nan, A), B, Y, {}, r"one: expected finite numbers; \[\d+\] is nan"),
        (WORDS[A], B, Y, {}, "one: expected one of the classes '0', '1', '2'; got 'cat'"),
        (A + 1, B, Y, {}, "one: expected one of the classes '0', '1', '2'; got '3'"),
        (soft(A) * 2, B, Y, {}, "row 0 has the sum 2 .*softmax"),
        (soft(A) - 0.5, B, Y, {}, "softmax"),
        (soft(A)[:, :2], B, Y, {}, "a column for each of the 3 classes; got 2"),
        (A + 0.5, B, Y, {}, "a column for each of the 3 classes; got numbers such as"),
        (A, B, Y + 0.5, {}, "y: expected integers or text as labels"),
        (A, B, soft(Y), {}, r"true labels of shape \(n,\)"),
        (A, B, Y * 0, {}, "2 or more classes; all are '0'"),
        ([], [], [], {}, "got an empty array"),
        (A.astype("datetime64[D]"), B, Y, {}, "expected numbers or text; got datetime64"),
        (A.astype(complex), B, Y, {}, "got complex128"),
        ([None, *A[1:]], B, Y, {}, "expected numbers or text; got object"),
        (np.stack([A, A]), B, Y, {}, "same number of seeds in both; got 2 in one and 1 in other"),
        (A, B, Y, {"metric": "log_loss"}, "one: log loss needs probabilities; got labels"),
        (A, B, Y, {"metric": "eror"}, "Did you mean 'error'"),
        (A, B, Y, {"rope": 1.5}, "rope must be a share"),
        (A, B, Y, {"names": ("x", "x")}, "two different names"),
        (A, B, Y, {"classes": [0, 0, 1, 2]}, "classes: expected 2 or more different ones"),
        (A, B, Y, {"classes": [0, 1]}, "one of the classes '0', '1'; got '2'"),
    ],
)
def test_invalid_predictions_are_refused_in_one_line(a, b, y, options, match):
    with pytest.raises(UserError, match=match) as caught:
        compare_predictions(a, b, y, **{"names": ("one", "other"), **options})
    assert "\n" not in str(caught.value)


anything = st.one_of(
    arrays(np.float64, st.tuples(st.integers(0, 6), st.integers(0, 6))),
    arrays(np.int64, st.integers(0, 6), elements=st.integers(-2, 2)),
    arrays(np.dtype("U2"), st.integers(0, 6)),
    arrays(np.bool_, st.integers(0, 6)),
    arrays(np.float32, st.tuples(st.integers(1, 2), st.integers(1, 6), st.integers(1, 3))),
)


@given(anything, anything, anything, st.sampled_from(["error", "log_loss", "auc"]))
@settings(max_examples=150, deadline=None)
def test_any_arrays_give_a_verdict_or_a_one_line_error(a, b, y, metric):
    try:
        result = compare_predictions(a, b, y, metric=metric)
    except UserError as error:
        assert "\n" not in str(error)
    else:
        assert result.verdict in ("a better", "b better", "practically equal", "undecided")
