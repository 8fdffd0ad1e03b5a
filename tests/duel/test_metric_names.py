"""Metrics by name, as losses and as values, against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from graduel.errors import UserError
from graduel.metrics import scorers
from graduel.metrics.metric import (
    METRICS,
    brier,
    default_rope,
    get_metric,
    is_misclassified,
    log_loss,
)
from graduel.metrics.scorer_formulas import get_formula
from graduel.metrics.scorers import fits_classes, list_scorers, scorer_value


def draw(seed, n, k, digits=2):
    """Return probabilities with ties, and codes that include all classes."""
    rng = np.random.default_rng(seed)
    p = np.round(rng.dirichlet(np.full(k, 0.5), size=n), digits) + 10.0**-digits
    y = np.concatenate([np.arange(k), rng.integers(k, size=n - k)])
    return (p / p.sum(axis=1, keepdims=True)).astype(np.float32), y


seeds, sizes = st.integers(0, 10_000), st.integers(10, 80)


@settings(deadline=None)
@given(seeds, sizes)
def test_auc_of_two_classes_is_scikit_learns(seed, n):
    p, y = draw(seed, n, 2)
    expected = reference.roc_auc_score(y, p[:, 1])
    assert get_metric("auc").value(p, y) == pytest.approx(expected, abs=1e-12)
    assert get_metric("auc").loss(p, y) == pytest.approx(1 - expected, abs=1e-12)


@settings(deadline=None)
@given(seeds, sizes, st.integers(3, 6))
def test_auc_of_more_classes_is_the_mean_of_each_against_the_rest(seed, n, k):
    p, y = draw(seed, n, k)
    p = p.astype(np.float64)
    p /= p.sum(axis=1, keepdims=True)
    expected = reference.roc_auc_score(y, p, multi_class="ovr", average="macro")
    assert get_metric("auc").value(p, y) == pytest.approx(expected, abs=1e-12)
    there = y != 1  # a class without test rows is left out
    of_each = [
        reference.roc_auc_score(y[there] == c, p[there, c]) for c in np.unique(y[there]).tolist()
    ]
    assert get_metric("auc").value(p[there], y[there]) == pytest.approx(np.mean(of_each), abs=1e-12)


@settings(deadline=None)
@given(seeds, sizes, st.integers(2, 6))
def test_balanced_accuracy_is_scikit_learns(seed, n, k):
    p, y = draw(seed, n, k)
    expected = reference.balanced_accuracy_score(y, p.argmax(axis=1))
    assert get_metric("balanced_accuracy").value(p, y) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("name", "k", "expected"),
    [
        ("f1", 2, lambda y, p: reference.f1_score(y, p.argmax(1))),
        ("f1_macro", 4, lambda y, p: reference.f1_score(y, p.argmax(1), average="macro")),
        ("matthews_corrcoef", 4, lambda y, p: reference.matthews_corrcoef(y, p.argmax(1))),
        ("average_precision", 2, lambda y, p: reference.average_precision_score(y, p[:, 1])),
        ("top_k_accuracy", 4, lambda y, p: reference.top_k_accuracy_score(y, p, k=2)),
        ("neg_brier_score", 3, lambda y, p: -brier(p, y)),
    ],
)
def test_scikit_learns_scorers(name, k, expected):
    p, y = draw(0, 90, k, digits=6)
    metric = get_metric(name)
    assert metric.value(p, y) == pytest.approx(expected(y, p), abs=1e-6)
    assert metric.loss(p, y) == pytest.approx(1 - metric.value(p, y))
    assert metric.title == name


def test_a_scorer_that_misses_a_class_does_not_warn():
    p = np.tile(np.float32([0.9, 0.1]), (6, 1))  # the second class is never predicted
    assert get_metric("precision_macro").value(p, np.array([0, 1] * 3)) == 0.25


@settings(deadline=None, max_examples=30)
@given(seeds, sizes, st.integers(2, 4), st.sampled_from(["auc", "balanced_accuracy", "f1_macro"]))
def test_counting_a_row_twice_equals_repeating_it(seed, n, k, name):
    p, y = draw(seed, n, k)
    counts = np.random.default_rng(seed).integers(1, 4, size=n)
    metric = get_metric(name)
    again = metric.value(np.repeat(p, counts, axis=0), np.repeat(y, counts))
    assert metric.by_counts(p, y)(counts) == pytest.approx(again, abs=1e-12)


@settings(deadline=None, max_examples=8)
@given(seeds, st.integers(2, 5), st.booleans())
def test_formulas_of_many_resamples_equal_scikit_learns_scores(seed, k, is_certain):
    rng = np.random.default_rng(seed)
    y = np.concatenate([np.arange(k), rng.integers(k, size=25)])
    p = rng.dirichlet(np.full(k, 0.4), size=len(y)).round(1) + 0.05  # with ties
    if is_certain:
        p[:, -1] = 0  # a class that is never predicted
    counts = rng.integers(0, 4, size=(4, len(y)))
    counts[:, :k] += 1  # no class is missing
    names = [name for name in list_scorers() if fits_classes(name, k)]
    for name in names:
        if "likelihood" in name:  # not defined on all of these rows
            continue
        value = scorer_value(name, p, y)
        expected = [value(one) for one in counts]
        assert value(counts) == pytest.approx(expected, abs=1e-9), name


@pytest.mark.parametrize("k", [2, 3])
def test_scorers_have_formulas_except_those_of_graduels_own_metrics(k):
    p, y = draw(0, 60, k, digits=6)
    names = {name for name in list_scorers() if fits_classes(name, k)}
    own = {"accuracy", "balanced_accuracy", "neg_log_loss", "roc_auc", "roc_auc_ovr"}
    ratios = {"neg_negative_likelihood_ratio", "positive_likelihood_ratio"}
    assert {name for name in names if get_formula(name, p, y) is None} == names & (own | ratios)


def test_a_formula_that_disagrees_with_scikit_learn_is_not_used(monkeypatch):
    p, y = draw(0, 60, 2, digits=6)
    counts = np.ones((3, 60), np.intp)
    expected = scorer_value("f1", p, y)(counts)
    monkeypatch.setattr(scorers, "get_formula", lambda *args: lambda counts: counts.sum(-1))
    assert scorer_value("f1", p, y)(counts) == pytest.approx(expected)


def test_metrics_are_the_means_of_their_losses_by_row():
    p, y = draw(1, 50, 3)
    assert get_metric("error").value(p, y) == is_misclassified(p, y).mean()
    assert get_metric("log_loss").value(p, y) == log_loss(p, y)
    assert get_metric("brier").value(p, y) == brier(p, y)
    accuracy = get_metric("accuracy")
    assert accuracy.value(p, y) == pytest.approx(reference.accuracy_score(y, p.argmax(1)))
    assert accuracy.loss(p, y) == pytest.approx(is_misclassified(p, y).mean())
    for metric in METRICS.values():
        assert (metric.per_row is None) != (metric.by_counts is None)
        assert metric.shown(metric.loss(p, y)) == pytest.approx(metric.value(p, y))
        better = np.eye(3)[y] * 0.98 + 0.01  # nearly certain and correct
        assert metric.loss(better, y) < metric.loss(p, y)


def test_scikit_learns_names_are_aliases_of_graduels_metrics():
    assert get_metric("neg_log_loss") is get_metric("log_loss")
    assert get_metric("roc_auc") is get_metric("roc_auc_ovr") is get_metric("auc")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("log_los", "Did you mean 'log_loss'"),
        ("AUC", "Did you mean 'auc'"),
        ("f1_makro", "Did you mean 'f1_macro'"),
        ("rsme", "Did you mean 'rmse'"),
        ("rand_score", "metric must be one of 'error', "),  # clustering
        ("f1_samples", "or a scikit-learn scorer such as 'f1_macro'"),  # multilabel
    ],
)
def test_unknown_names_are_refused_with_a_suggestion(name, hint):
    with pytest.raises(UserError, match=hint) as caught:
        get_metric(name)
    assert f"got '{name}'" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "k", "y", "match"),
    [
        ("auc", 2, [1, 1, 1], "AUC needs test rows of at least two classes"),
        ("f1", 3, [0, 1, 2], "'f1' cannot be computed .*Target is multiclass"),
        ("roc_auc_ovo", 3, [0, 1, 0], "'roc_auc_ovo' cannot be computed"),
    ],
)
def test_a_metric_that_is_undefined_on_the_rows_is_a_user_error(name, k, y, match):
    p = np.full((3, k), 1 / k)
    with pytest.raises(UserError, match=match) as caught:
        get_metric(name).value(p, np.array(y))
    assert "\n" not in str(caught.value)


def test_default_ropes():
    from graduel.duel.plan.protocol import ROPE

    assert default_rope(get_metric("error"), table=False) == ROPE
    assert default_rope(get_metric("error"), table=True) == 0.01
    assert default_rope(get_metric("auc"), table=True) == 0.005
    assert default_rope(get_metric("f1_macro"), table=True) == 0.01
    # The equivalent of one point of error for a calibrated binary classifier with 10 % error.
    e = np.array([0.095, 0.105])
    entropy = -e * np.log(e) - (1 - e) * np.log(1 - e)
    for name, values in (("log_loss", entropy), ("brier", 2 * e * (1 - e))):
        rope = default_rope(get_metric(name), table=True)
        assert 0.9 * np.ptp(values) < rope <= np.ptp(values)
