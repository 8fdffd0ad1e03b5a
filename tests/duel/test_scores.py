"""Verdicts on the scores by fold of any tool's cross-validation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import graduel
from graduel.duel.verdict.folds import compare_folds
from graduel.duel.verdict.scores import compare_scores
from graduel.errors import UserError
from graduel.metrics.metric import get_metric


@given(
    repeats=st.integers(1, 3),
    folds=st.integers(2, 6),
    metric=st.sampled_from(["accuracy", "error", "roc_auc", "neg_log_loss", "f1_macro"]),
    seed=st.integers(0, 99),
)
@settings(max_examples=25, deadline=None)
def test_scores_give_the_verdict_of_their_losses(repeats, folds, metric, seed):
    a, b = np.random.default_rng(seed).uniform(0.05, 0.95, (2, repeats, folds))
    sign = -1 if metric.startswith("neg_") else 1
    one = compare_scores(sign * a, sign * b, metric=metric, n_rows=300, names=("a", "b"))
    flat = compare_scores(
        sign * a.ravel(), sign * b.ravel(), metric=metric, n_rows=300, repeats=repeats,
        names=("a", "b"),
    )  # fmt: skip
    measure = get_metric(metric)
    losses = {"a": measure.shown(a), "b": measure.shown(b)}
    [expected] = compare_folds(
        losses, metric=measure, test_share=1 / folds, n=300, rope=measure.rope
    )
    assert one == flat == expected
    back = compare_scores(sign * b, sign * a, metric=metric, n_rows=300, names=("b", "a"))
    assert back.difference == pytest.approx(-one.difference)


@pytest.fixture(scope="module")
def results():
    from sklearn.datasets import load_iris
    from sklearn.dummy import DummyClassifier
    from sklearn.model_selection import RepeatedStratifiedKFold, cross_validate
    from sklearn.tree import DecisionTreeClassifier

    X, y = load_iris(return_X_y=True)
    cv = RepeatedStratifiedKFold(n_splits=5, n_repeats=2, random_state=0)
    options = {"cv": cv, "scoring": ["accuracy", "neg_log_loss"], "return_indices": True}
    return [
        cross_validate(model, X, y, **options)
        for model in (DecisionTreeClassifier(max_depth=2, random_state=0), DummyClassifier())
    ]


def test_results_of_cross_validate(results):
    tree, dummy = results
    one = graduel.compare_scores(tree, dummy, names=("tree", "dummy"))
    assert (one.verdict, one.rows, one.repeats, one.folds) == ("a better", 150, 2, 5)
    assert one.error_a == pytest.approx(1 - tree["test_accuracy"].mean())
    other = compare_scores(tree, dummy, metric="neg_log_loss", names=("tree", "dummy"))
    assert other.value_b == pytest.approx(-dummy["test_neg_log_loss"].mean())


def test_errors_name_what_is_missing(results):
    tree, dummy = results
    bare = {"test_score": tree["test_accuracy"]}
    shuffled = {**dummy, "indices": {**dummy["indices"], "test": dummy["indices"]["test"][::-1]}}
    half = {**tree, "indices": {"train": [np.arange(9)], "test": [np.arange(5)] * 10}}
    for a, b, options, words in (
        (bare, bare, {}, "pass n_rows"),
        (bare, {"test_f1": [1.0]}, {}, "got test_f1. Set the metric"),
        (tree, shuffled, {}, "their test rows differ"),
        (half, half, {}, "each row is a test row once per repeat"),
        ([0.9, 0.8], [0.9], {"n_rows": 9}, "same number of scores"),
        ([0.9, np.nan], [0.9, 0.8], {"n_rows": 9}, "that of fold 1 is NaN"),
        ([90, 80], [0.9, 0.8], {"n_rows": 9}, "at least 0 and at most 1; got 90. Divide"),
        ([-0.3, -0.2], [0.3, 0.2], {"n_rows": 9, "metric": "log_loss"}, "neg_log_loss"),
        (["x"], [0.9], {"n_rows": 9}, "a number for each fold"),
        ([0.9] * 4, [0.8] * 4, {"n_rows": 9, "repeats": 3}, "2 or more scores"),
        ([0.9] * 4, [0.8] * 4, {"n_rows": 9, "repeats": 0}, "repeats: expected at least 1"),
        ([0.9] * 4, [0.8] * 4, {"n_rows": 9, "rope": -1}, "rope"),
        ([0.9] * 4, [0.8] * 4, {"n_rows": 9, "names": ("x", "x")}, "two different names"),
    ):
        with pytest.raises(UserError, match=words) as error:
            compare_scores(a, b, **options)
        assert "\n" not in str(error.value)
