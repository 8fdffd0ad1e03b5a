"""The positive class of metrics that have one: the rarer class, or the user's."""

from __future__ import annotations

import json
from itertools import product

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from graduel import run_duel
from graduel.cli import main
from graduel.data.source import open_source
from graduel.duel.plan.protocol_builder import build_protocol
from graduel.duel.suite.suite_plan import plan_suite
from graduel.duel.verdict.predictions import compare_predictions, resolve_metric
from graduel.errors import UserError
from graduel.metrics.metric import METRICS, get_metric
from graduel.metrics.positive_class import fit_metric
from graduel.metrics.scorers import fits_classes, has_positive_class, list_scorers

HARD = {
    "f1": reference.f1_score,
    "precision": reference.precision_score,
    "recall": reference.recall_score,
    "jaccard": reference.jaccard_score,
}
labels = st.lists(st.text(min_size=1, max_size=8), min_size=2, max_size=2, unique=True)


@settings(deadline=None, max_examples=20)
@given(labels, st.integers(0, 10_000), st.floats(0.1, 0.9), st.data())
def test_a_metric_is_scikit_learns_for_the_rarer_class_or_the_named_one(names, seed, share, data):
    """For any label names, in any order, and any shares of the classes."""
    rng = np.random.default_rng(seed)
    y = np.concatenate([[0, 1], (rng.random(60) < share).astype(int)])
    p = rng.dirichlet([1, 1], size=len(y))
    n_rows = np.bincount(y)
    named = data.draw(st.sampled_from([None, *names]))
    code = int(n_rows[1] <= n_rows[0]) if named is None else names.index(named)
    for name, score in HARD.items():
        metric = fit_metric(get_metric(name), names, y, named)
        expected = score(y, p.argmax(axis=1), pos_label=code, zero_division=0)
        assert metric.value(p, y) == pytest.approx(expected)
        assert get_metric(metric.key).value(p, y) == metric.value(p, y)
        assert metric.positive == code
    metric = fit_metric(get_metric("average_precision"), names, y, named)
    expected = reference.average_precision_score(y, p[:, code], pos_label=code)
    assert metric.value(p, y) == pytest.approx(expected)


def test_a_tie_is_predicted_as_for_the_error():
    p, y = np.full((4, 2), 0.5), np.array([0, 0, 1, 1])  # the first class is predicted
    assert get_metric("recall", 0).value(p, y) == 1
    assert get_metric("recall", 1).value(p, y) == 0


def test_which_scorers_have_a_positive_class():
    have_one = {name for name in list_scorers() if has_positive_class(name)}
    assert have_one >= {*HARD, "average_precision", "positive_likelihood_ratio"}
    symmetric = {"roc_auc", "balanced_accuracy", "matthews_corrcoef", "neg_log_loss", "accuracy"}
    assert not have_one & symmetric
    assert not [name for name in have_one if name.endswith(("_macro", "_micro", "_weighted"))]


def test_a_metric_that_does_not_fit_the_classes_names_those_that_do():
    y = np.arange(10)
    for name, expected in (("f1", "f1_macro"), ("precision", "precision_weighted")):
        with pytest.raises(UserError, match=rf"10 classes, such as .*{expected}") as caught:
            fit_metric(get_metric(name), [str(k) for k in range(10)], y)
        assert "\n" not in str(caught.value)
    assert not fits_classes("top_k_accuracy", 2)  # the two best of two are always right
    for name, k in product(METRICS, (2, 3)):
        assert fit_metric(METRICS[name], "abc"[:k], np.arange(k)) is METRICS[name]


@pytest.mark.parametrize(
    ("metric", "positive", "match"),
    [
        ("f1", "maybe", "one of the classes 'no' or 'yes'; got 'maybe'"),
        ("error", "yes", r"metric with a positive class \(.*f1.*\); got 'error'"),
        ("f1_macro", "yes", "metric with a positive class"),
    ],
)
def test_a_positive_class_that_cannot_be_is_refused(metric, positive, match):
    with pytest.raises(UserError, match=match):
        fit_metric(get_metric(metric), ("no", "yes"), np.array([0, 1, 1]), positive)


def test_more_than_two_classes_have_no_positive_one():
    with pytest.raises(UserError, match="expected data with two classes; got 3"):
        fit_metric(get_metric("f1_macro"), ("a", "b", "c"), np.arange(3), "a")


@pytest.fixture
def churn(tmp_path):
    """A table in which the alphabetically first class is the rarer one."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 2))
    label = np.where(x[:, 0] + rng.normal(size=120) > 1.3, "churned", "stayed")
    assert 10 < (label == "churned").sum() < 40
    path = tmp_path / "churn.csv"
    pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "status": label}).write_csv(path)
    return path


def test_terminal_page_and_result_name_the_positive_class(churn, tmp_path, capsys):
    out = tmp_path / "run"
    command = ["duel", str(churn), "--target", "status", "--contenders", "logistic,textbook"]
    command += ["--metric", "f1", "--split", "2", "--threads", "1", "--no-probes"]
    assert main([*command, "--out", str(out)]) == 0
    terminal = capsys.readouterr()
    assert "F1 of 'churned' (higher is better)" in terminal.out
    assert "The positive class of f1 is 'churned' (" in terminal.err
    result = json.loads((out / "result.json").read_text())
    assert result["protocol"]["positive"] == "churned"
    assert (result["protocol"]["metric"], result["protocol"]["rope"]) == ("f1", 0.01)
    assert "f1 of &#39;churned&#39;" in (out / "report.html").read_text()
    run = run_duel(
        churn,
        target="status",
        contenders=["textbook"],
        metric="f1",
        positive="stayed",
        split="2",
        threads=1,
        probes=False,
        out=tmp_path / "other",
    )
    assert run.result.protocol.positive == "stayed"
    entry = run.result.contenders["textbook"]
    assert 0.5 < entry.metric <= 1  # the share of the common class is about 0.8
    assert len(entry.metrics) == 2


def test_a_metric_for_two_classes_is_refused_before_any_fit(tmp_path, capsys):
    assert main(["duel", "iris", "--metric", "f1", "--out", str(tmp_path / "run")]) == 2
    assert "f1_macro" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_model_that_never_predicts_the_positive_class_has_recall_zero():
    y = np.array(["churned"] * 10 + ["stayed"] * 30)
    never, half = np.full(40, "stayed"), y.copy()
    half[:5] = "stayed"
    codes, one = (y == "stayed").astype(int), np.eye(2)
    for positive, values in ((None, (0, 0.5)), ("stayed", (1, 1))):
        metric = resolve_metric(never, half, y, "recall", positive)
        p = [one[(x == "stayed").astype(int)] for x in (never, half)]
        assert tuple(metric.value(q, codes) for q in p) == values
    comparison = compare_predictions(never, half, y, metric=METRICS["error"])
    assert (comparison.error_a, comparison.error_b) == (0.25, 0.125)


def test_a_suite_takes_metrics_for_two_classes_and_a_positive_class():
    plan = plan_suite([open_source("breast_cancer")], metric="f1", positive="benign")
    assert plan.protocol(plan.members[0]).metric.startswith("f1(positive=")
    with pytest.raises(UserError, match="metric with a positive class"):
        plan_suite([open_source("breast_cancer")], metric="auc", positive="x")


def test_the_metric_of_a_plan_names_the_positive_class():
    source = open_source("breast_cancer")
    data = source.load()
    rarer = int(np.bincount(data.y).argmin())
    assert build_protocol(source, metric="f1", threads=1).metric == f"f1(positive={rarer})"
    label = data.classes[1 - rarer]
    other = build_protocol(source, metric="f1", positive=label, threads=1)
    assert other.metric == f"f1(positive={1 - rarer})"
    assert build_protocol(source, metric="auc", threads=1).metric == "auc"


def test_train_and_verdict_take_a_positive_class(churn, tmp_path, capsys):
    command = ["train", str(churn), "--target", "status", "--metric", "f1", "--threads", "1"]
    command += ["--epochs", "2", "--positive", "stayed", "--out", str(tmp_path / "m"), "--json"]
    assert main(command) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["metric"], report["positive"]) == ("f1", "stayed")
    for name, labels in (("a", [0, 1, 1, 0]), ("b", [0, 1, 0, 0]), ("y", [0, 1, 1, 1])):
        np.save(tmp_path / f"{name}.npy", np.array(labels))
    files = [str(tmp_path / f"{name}.npy") for name in "aby"]
    for options, message in (
        (["--metric", "f1", "--positive", "2"], "expected one of the classes '0' or '1'; got '2'"),
        (["--positive", "1"], "expected a metric with a positive class"),
    ):
        assert main(["verdict", *files, *options]) == 2
        assert message in capsys.readouterr().err
