"""The verdict by any metric on one set of test rows."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from graduel.duel.verdict.test_rows import compare_rows
from graduel.metrics.metric import METRICS, get_metric, is_misclassified
from graduel.serialize import to_plain
from graduel.stats.permutation import bootstrap_means, sign_flip_test
from graduel.stats.proportions import mcnemar_midp, paired_score_interval
from graduel.stats.two_way import paired_t, two_way_t

TITLES = {"net": "NumPy network", "xgb": "XGBoost"}


def guesses(noises, seeds=1, n=600, share=0.4, seed=0):
    """Return noisy probabilities of the true classes by contender, and the true classes."""
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < share).astype(int)
    common = rng.normal(size=n)
    p = {
        name: 1 / (1 + np.exp(-(4 * y - 2 + common + noise * rng.normal(size=(seeds, n)))))
        for name, noise in noises.items()
    }
    return {name: np.stack([1 - of, of], axis=-1) for name, of in p.items()}, y


def compare(p, y, metric, rope=0.01, **options):
    return compare_rows(p, y, metric=get_metric(metric), rope=rope, titles=TITLES, **options)


@pytest.mark.parametrize("seeds", [1, 2, 3])
def test_error_and_accuracy_give_the_same_evidence(seeds):
    p, y = guesses({"net": 1.0, "xgb": 3.0}, seeds)
    net, xgb = (is_misclassified(of, y) for of in p.values())
    [as_error], [as_accuracy] = compare(p, y, "error"), compare(p, y, "accuracy")
    if seeds == 1:
        counts = int((net & ~xgb).sum()), int((xgb & ~net).sum())
        assert as_error.p_value == mcnemar_midp(*counts)
        assert as_error.interval == paired_score_interval(*counts, len(y))
    else:
        estimate = (paired_t if seeds == 2 else two_way_t)(net.astype(float) - xgb)
        assert as_error.p_value == pytest.approx(estimate.p_value)
    assert as_accuracy.p_value == as_error.p_value
    assert as_accuracy.difference == as_error.difference
    assert as_accuracy.value_a == pytest.approx(1 - as_error.value_a)
    assert " accuracy, a difference of " in as_accuracy.sentence
    assert as_accuracy.sentence.startswith("The NumPy network is better than XGBoost: ")


@pytest.mark.parametrize("name", ["log_loss", "brier"])
@pytest.mark.parametrize("seeds", [1, 2])
def test_losses_by_row_use_sign_flips_and_bootstrap(name, seeds):
    p, y = guesses({"net": 1.0, "xgb": 1.35}, seeds, n=300)
    [result] = compare(p, y, name)
    rows = {k: np.mean([METRICS[name].per_row(s, y) for s in of], axis=0) for k, of in p.items()}
    d = rows["net"] - rows["xgb"]
    assert result.p_value == sign_flip_test(d)
    assert result.interval == pytest.approx(bootstrap_means(d).interval(0.95))
    near = stats.ttest_rel(rows["net"], rows["xgb"])
    limits = near.confidence_interval(0.95)
    assert result.p_value == pytest.approx(near.pvalue, abs=0.01)
    assert result.interval == pytest.approx((limits.low, limits.high), abs=0.2 * np.ptp(limits))
    assert result.test == "paired sign-flip permutation"
    assert "these fitted models" in result.scope
    assert ("two seeds each" in result.why) == (seeds == 2)
    assert result.error_a == pytest.approx(np.mean([METRICS[name].loss(s, y) for s in p["net"]]))
    [mirrored] = compare({"net": p["xgb"], "xgb": p["net"]}, y, name)
    assert mirrored.p_value == result.p_value
    assert mirrored.interval == pytest.approx((-result.interval[1], -result.interval[0]))


def test_losses_by_row_of_three_seeds_use_the_two_way_t():
    p, y = guesses({"net": 1.0, "xgb": 2.0}, seeds=3)
    [result] = compare(p, y, "log_loss")
    d = [METRICS["log_loss"].per_row(p["net"][s], y) for s in range(3)]
    d = np.array(d) - [METRICS["log_loss"].per_row(p["xgb"][s], y) for s in range(3)]
    expected = two_way_t(d)
    assert result.p_value == expected.p_value
    assert result.interval == (expected.low, expected.high)
    assert result.test == "two-way t (rows and seeds)"
    assert "these procedures on this training set" in result.scope


@pytest.mark.parametrize("name", ["auc", "balanced_accuracy"])
@pytest.mark.parametrize("seeds", [1, 3])
def test_other_metrics_are_bootstrapped(name, seeds):
    p, y = guesses({"net": 1.0, "xgb": 6.0}, seeds, n=200)
    [result] = compare(p, y, name)
    assert (result.verdict, result.test) == ("a better", "paired bootstrap over rows")
    low, high = result.interval
    assert low < result.difference < high < 0
    assert result.value_a == pytest.approx(np.mean([METRICS[name].value(s, y) for s in p["net"]]))
    assert "these fitted models" in result.scope
    assert "is not a mean over rows" in result.why
    assert ("mean over the 3 seeds" in result.why) == (seeds == 3)
    assert compare(p, y, name) == [result]  # the same rows, the same verdict
    [mirrored] = compare({"net": p["xgb"], "xgb": p["net"]}, y, name)
    assert mirrored.verdict == "b better"
    assert mirrored.interval == pytest.approx((-high, -low))


def test_balanced_accuracy_of_equal_classes_is_close_to_a_t_on_the_rows():
    p, y = guesses({"net": 1.0, "xgb": 2.0}, n=1000)
    keep = np.concatenate([np.flatnonzero(y == k)[:300] for k in (0, 1)])
    p, y = {name: of[:, keep] for name, of in p.items()}, y[keep]
    [by_resamples], [by_rows] = compare(p, y, "balanced_accuracy"), compare(p, y, "error")
    assert by_resamples.difference == pytest.approx(by_rows.difference)
    assert by_resamples.interval == pytest.approx(by_rows.interval, abs=0.006)


def test_a_scorer_gives_the_verdict_of_the_metric_that_it_equals(monkeypatch):
    monkeypatch.setattr(
        "graduel.duel.verdict.test_rows.RESAMPLES", 200
    )  # scorers take milliseconds
    p, y = guesses({"net": 1.0, "xgb": 6.0}, n=60)
    named = get_metric("balanced_accuracy")
    scorer = replace(get_metric("recall_macro"), name="balanced_accuracy", title=named.title)
    [ours] = compare_rows(p, y, metric=named, rope=0.01)
    [theirs] = compare_rows(p, y, metric=scorer, rope=0.01)
    assert theirs.difference == pytest.approx(ours.difference)
    assert theirs.interval == pytest.approx(ours.interval)
    assert theirs.p_value == ours.p_value
    assert " points" in ours.sentence
    assert " points" not in theirs.sentence  # a scorer has no known unit


@pytest.mark.parametrize("name", ["log_loss", "auc"])
def test_undecided_reports_the_rows_needed(name):
    p, y = guesses({"net": 1.0, "xgb": 1.05}, n=150)
    [result] = compare(p, y, name, rope=0.0001)
    assert result.verdict == "undecided"
    assert result.more_rows > 150
    assert "test rows (there are 150)" in result.sentence


@pytest.mark.parametrize("name", ["log_loss", "brier", "auc", "balanced_accuracy"])
def test_contenders_that_never_differ_are_equal_on_many_rows_only(name):
    certain = np.float32([[0.99, 0.01], [0.01, 0.99]])
    for n, verdict in ((40, "undecided"), (4000, "practically equal")):
        y = np.arange(n) % 2
        p = {"net": certain[y][np.newaxis], "xgb": certain[y][np.newaxis]}
        [result] = compare(p, y, name)
        assert result.verdict == verdict
        assert (result.difference, result.p_value) == (0, 1)
        if verdict == "undecided":
            y = np.arange(result.more_rows + 1) % 2
            p = {"net": certain[y][np.newaxis], "xgb": certain[y][np.newaxis]}
            assert compare(p, y, name)[0].verdict == "practically equal"


def test_pairs_sentences_and_data():
    p, y = guesses({"net": 1.0, "xgb": 2.0, "svm": 4.0})
    result = compare(p, y, "log_loss", rope=0.02)
    assert [(c.a, c.b) for c in result] == [("net", "xgb"), ("net", "svm"), ("xgb", "svm")]
    assert {c.equivalence_level for c in result} == {1 - 0.1 / 3}
    assert len(compare(p, y, "auc", against="xgb")) == 2
    for comparison in result:
        fields = json.loads(json.dumps(to_plain(comparison), allow_nan=False))
        assert (fields["metric"], fields["bayes"], fields["repeats"]) == ("log_loss", None, None)
    figures = (
        f"{result[0].error_a:.4f} against {result[0].error_b:.4f} log loss, a difference of 0."
    )
    assert figures in result[0].sentence
    assert "points" not in result[0].sentence
    [first] = compare({k: p[k] for k in ("net", "xgb")}, y, "auc", rope=0.005)
    assert f"{first.value_a:.4f} against {first.value_b:.4f} AUC, a difference" in first.sentence
    assert " points (95 % CI " in first.sentence


@pytest.mark.parametrize(
    ("shapes", "rows", "match"),
    [
        ([], 5, "same shape .seeds, rows, classes.*got none"),
        ([(1, 5, 2), (1, 6, 2)], 5, "same shape .*same rows and seeds"),
        ([(5, 2), (5, 2)], 5, r"\(seeds, rows, classes\)"),
        ([(1, 5, 2), (1, 5, 2)], 4, "the true class of each row"),
        ([(1, 1, 2), (1, 1, 2)], 1, "2 or more test rows"),
    ],
)
def test_invalid_shapes_are_refused(shapes, rows, match):
    p = {str(i): np.full(shape, 0.5) for i, shape in enumerate(shapes)}
    with pytest.raises(ValueError, match=match):
        compare_rows(p, np.zeros(rows, int), metric=get_metric("log_loss"), rope=0.01)
