"""Duels on a numeric target, from the plan to the report."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO

import numpy as np
import polars as pl
import pytest
from rich.console import Console
from sklearn.linear_model import LinearRegression
from small_recipes import SMALL

from graduel.cli.app import main
from graduel.cli.views import duel_table
from graduel.contenders import Budget, LabelledRows, get_family, make_contender
from graduel.contenders.contender import finish_fit
from graduel.contenders.registry import list_contenders
from graduel.data.schema import Schema
from graduel.data.source import source_from_arrays
from graduel.duel.duel_api import run_duel
from graduel.duel.plan.protocol import Cell, Protocol
from graduel.duel.plan.protocol_builder import build_protocol
from graduel.duel.result.result_builder import build_result, load_run
from graduel.duel.run.cell import run_cell
from graduel.duel.run.cell_runs import run_cells
from graduel.duel.store.store import open_store
from graduel.duel.verdict.test_rows import compare_rows
from graduel.duel.verdict.types import Rope
from graduel.errors import UserError
from graduel.metrics.metric import get_metric
from graduel.models.model_file import load_model, save_model
from graduel.report import write_report

REGRESSORS = [name for name, (family, _) in list_contenders().items() if family.regressor]
FAMILIES = [name for name in SMALL if get_family(name).regressor] + ["ridge"]


def frame(n=240, seed=0):
    """Return a table whose price depends on size, age and town; some cells are missing."""
    rng = np.random.default_rng(seed)
    size, age = rng.uniform(20, 200, n).round(1), rng.integers(0, 90, n)
    town = rng.choice(["Bonn", "Kiel", "Ulm"], n)
    price = 3000 * size - 900 * age + 40_000 * (town == "Ulm") + rng.normal(0, 9000, n)
    return pl.DataFrame(
        {
            "size": [None if i % 19 == 0 else float(v) for i, v in enumerate(size)],
            "age": age,
            "town": [None if i % 23 == 0 else str(v) for i, v in enumerate(town)],
            "price": price.round(2),
        }
    )


@pytest.fixture(scope="module")
def source():
    return source_from_arrays(frame(), target="price")


def small(name):
    if name == "ridge":
        return {}
    recipe = {k: v for k, v in SMALL[name].table.items() if k != "multi_strategy"}
    return recipe | ({"rate": 0.05} if name == "textbook" else {})


def plan(source, names=("textbook", "net", "xgboost"), **options):
    base = build_protocol(source, contenders=list(names), threads=1, **options)
    recipe = {k: {**base.contenders[k]["recipe"], **small(k)} for k in names}
    specs = {k: {**base.contenders[k], "recipe": recipe[k]} for k in names}
    return replace(base, contenders=specs)


def fit(source, name, **options):
    protocol = plan(source, [name], split="holdout", **options)
    data, rows = source.load(), protocol.split_rows(source.load(), 0)
    train, valid = (LabelledRows.of(data, r) for r in (rows.train, rows.valid))
    spec = protocol.contenders[name]
    contender = make_contender(name, spec["family"], spec["recipe"], protocol.metric)
    rng = np.random.default_rng(0)
    fitting = contender.fit(train, valid, rng=rng, budget=Budget(1), notify=lambda progress: None)
    return data, rows, finish_fit(fitting), spec


@pytest.mark.parametrize("name", FAMILIES)
def test_a_contender_predicts_numbers_and_its_saved_model_the_same(source, tmp_path, name):
    data, rows, fitted, spec = fit(source, name)
    p = fitted.predict_proba(data.table[rows.test])
    assert p.shape == (len(rows.test), 1)
    assert p.dtype == np.float64
    assert fitted.details["valid_error"] > 0
    rmse, spread = get_metric("rmse").value(p, data.y[rows.test]), data.y.std()
    assert rmse < (1.1 if name in ("net", "textbook", "mlp") else 0.9) * spread
    model = get_family(spec["family"]).to_model(fitted, Schema.of(data), name)
    save_model(tmp_path / "model.safetensors", model)
    loaded = load_model(tmp_path / "model.safetensors")
    assert loaded.task == "regression"
    again = loaded.predict_proba(data.X[rows.test])
    assert again == pytest.approx(p, rel=1e-5)
    with pytest.raises(UserError, match="expected a model of classes; this one predicts the num"):
        loaded.require_classes("graduel serve")


@pytest.mark.parametrize("name", FAMILIES)
def test_garbage_in_the_test_rows_does_not_change_the_model(source, name):
    data, rows, fitted, _ = fit(source, name)
    spoiled = (
        frame()
        .with_row_index()
        .with_columns(
            pl.when(pl.col("index").is_in(rows.test.tolist())).then(-1e9).otherwise(c).alias(c)
            for c in ("age", "size")
        )
    )
    y = np.where(np.isin(np.arange(data.y.size), rows.test), 1e12, data.y)
    data = replace(data, X=spoiled.select("size", pl.col("age").cast(pl.Int64), "town"), y=y)
    train, valid = (LabelledRows.of(data, r) for r in (rows.train, rows.valid))
    protocol = plan(source, [name], split="holdout")
    spec = protocol.contenders[name]
    contender = make_contender(name, spec["family"], spec["recipe"], protocol.metric)
    rng = np.random.default_rng(0)
    again = finish_fit(
        contender.fit(train, valid, rng=rng, budget=Budget(1), notify=lambda progress: None)
    )
    assert again.to_bytes() == fitted.to_bytes()


@pytest.fixture(scope="module")
def run(source, tmp_path_factory):
    folder = tmp_path_factory.mktemp("regression") / "run"
    names = ("textbook", "net", "xgboost", "ridge")
    with open_store(folder, plan(source, names, split="holdout"), source) as store:
        list(run_cells(store))
        return build_result(store, "graduel duel prices.csv", show_rows=True)


def test_a_duel_compares_the_rmse(run):
    result = run.result
    assert (result.protocol.metric, result.protocol.metric_unit) == ("rmse", "target")
    assert (result.protocol.rope, result.protocol.rope_is_share) == (0.01, True)
    entry = result.contenders["ridge"]
    y, p = run.y_test, run.probabilities["ridge"][0, :, 0]
    assert entry.rmse == entry.metric == pytest.approx(np.sqrt(np.mean((p - y) ** 2)))
    assert entry.mae == pytest.approx(np.mean(np.abs(p - y)))
    assert entry.r2 == pytest.approx(1 - np.sum((p - y) ** 2) / np.sum((y - y.mean()) ** 2))
    low, high = entry.rmse_interval
    assert low < entry.rmse < high
    assert entry.test_error is entry.log_loss is entry.calibration is None
    assert entry.curve[-1][1] == pytest.approx(entry.rmse)
    pair = next(one for one in result.comparisons if {one.a, one.b} == {"textbook", "ridge"})
    assert pair.rope == pytest.approx(0.01 * min(pair.error_a, pair.error_b))
    assert pair.difference == pytest.approx(pair.error_a - pair.error_b)
    assert "RMSE, a difference of" in pair.sentence


def test_intervals_are_calibrated_on_the_validation_rows(run):
    for name, entry in run.result.contenders.items():
        one = entry.conformal
        assert (one.level, one.size > 0) == (0.9, True)
        low, high = one.coverage_interval
        assert low <= one.coverage <= high
        error = np.abs(run.probabilities[name][0, :, 0] - run.y_test)
        assert one.coverage == np.mean(error <= one.size / 2)


def test_predictions_with_intervals_in_a_file(run, tmp_path):
    frame().write_csv(tmp_path / "rows.csv")
    out = tmp_path / "out.csv"
    command = ["predict", str(run.path), str(tmp_path / "rows.csv"), "--intervals", "0.8"]
    assert main([*command, "--out", str(out)]) == 0
    table = pl.read_csv(out)
    point, low, high = table.columns[-3:]
    assert (low, high) == ("predicted price, 80 % from", "predicted price, 80 % to")
    width = table[high] - table[low]
    assert width.max() - width.min() < 1e-6
    assert ((table[point] > table[low]) & (table[point] < table[high])).all()
    assert ((table["price"] >= table[low]) & (table["price"] <= table[high])).mean() > 0.6


def test_a_loaded_run_equals_the_one_that_was_built(run):
    again = load_run(run.path)
    assert again.result == run.result
    assert again.y_test.dtype == np.float64


def test_frames_of_a_run_hold_numbers(run):
    table = run.table()
    assert {"rmse", "rmse_low", "mae", "median_error", "r2"} <= set(table.columns)
    predictions = run.predictions()
    assert predictions.columns == ["contender", "repeat", "row", "true", "predicted"]
    assert "rmse" in run.curves().columns
    assert "RMSE" in repr(run)


def test_the_report_shows_numbers_and_no_classes(run, tmp_path):
    page = write_report(run, tmp_path / "report.html").read_text()
    assert "Predictions and errors" in page
    assert "Race: RMSE over training time" in page
    assert "a number as target" in page
    for absent in ("Confusion", "Calibration", "misclassif", "log loss"):
        assert absent not in page
    assert page == write_report(run, tmp_path / "again.html").read_text()


def test_the_terminal_shows_rmse_mae_and_r2(run):
    console = Console(file=StringIO(), width=100)
    duel_table.show(run, run.path / "report.html", console)
    text = console.file.getvalue()
    for row in ("RMSE", "Mean absolute", "R² (higher"):
        assert row in text
    assert "ECE" not in text


def test_cross_validation_and_seeds(source, tmp_path):
    protocol = plan(source, ("net", "ridge"), split="3", seeds=2)
    with open_store(tmp_path / "run", protocol, source) as store:
        list(run_cells(store))
        run = build_result(store, "graduel duel")
    assert run.result.comparisons[0].test == "corrected resampled t"
    assert run.probabilities["net"].shape == (2, 240, 1)
    assert len(run.result.contenders["ridge"].rmses) == 6


def test_an_interrupted_duel_ends_like_another(source, tmp_path, run):
    names = ("textbook", "net", "xgboost", "ridge")
    protocol = plan(source, names, split="holdout")
    for take in (2, None):
        with open_store(tmp_path / "run", protocol, source) as store:
            for number, event in enumerate(run_cells(store)):
                if take and event.kind == "finished" and number >= take:
                    break
    with open_store(tmp_path / "run", protocol, source) as store:
        again = build_result(store, "graduel duel")
    for name in names:
        assert (again.probabilities[name] == run.probabilities[name]).all()


def test_the_splits_have_the_same_share_of_each_range(source):
    data = source.load()
    rows = plan(source, split="holdout").split_rows(data, 0)
    counts = np.bincount(data.strata[rows.test], minlength=10)
    assert counts.min() >= 4
    assert counts.max() <= 6


def test_a_plan_of_classification_is_as_before():
    plain = Protocol("iris", {}, versions={}).as_dict()
    assert not {"task", "rope_is_share", "workers"} & set(plain)
    again = Protocol("iris", {}, versions={}, task="regression", rope_is_share=True)
    again = replace(again, varies=[])
    assert Protocol.from_dict(json.loads(json.dumps(again.as_dict()))) == again


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"contenders": ["logistic"]}, "logistic predicts classes; the target .* is a number"),
        ({"metric": "error"}, "metric: expected one for a number"),
        ({"metric": "gamma_deviance"}, "gamma_deviance needs targets above 0"),
        ({"positive": "yes"}, "positive: expected data with two classes"),
        ({"rope": -1.0}, "rope must be a finite number, at least 0, in the unit of RMSE"),
        ({"net": "loss=softmax"}, "loss must be one of squared, absolute"),
        ({"net": "label_smoothing=0.1"}, "label_smoothing is for classes"),
    ],
)
def test_options_that_do_not_fit_a_number_are_refused(options, message):
    shifted = source_from_arrays(frame().with_columns(pl.col("price") - 9e5), target="price")
    with pytest.raises(UserError, match=message):
        build_protocol(shifted, **options)


def test_a_rope_in_the_unit_of_the_target(source):
    protocol = build_protocol(source, rope=500.0)
    assert (protocol.rope_rule, protocol.rope_is_share) == (500.0, False)
    assert build_protocol(source).rope_rule == Rope(0.01)


def test_ridge_is_for_numbers_only():
    with pytest.raises(UserError, match=r"ridge predicts numbers; the target .* has classes"):
        run_duel("iris", target="target", contenders=["ridge"], quick=True)


class TwoColumns(LinearRegression):
    def predict(self, X):
        return np.ones((len(X), 2))


def test_a_regressor_of_the_user_is_a_contender(source, tmp_path):
    options = {"target": "price", "split": "holdout", "quick": True, "threads": 1}
    table = frame()
    run = run_duel(table, contenders={"mine": LinearRegression()}, **options, out=tmp_path / "run")
    assert run.result.contenders["mine"].r2 > 0.9
    assert not [one for one in run.result.dataset.warnings if one.code == "GRD012"]
    bad = run_duel(table, contenders={"mine": TwoColumns()}, **options, out=tmp_path / "other")
    message = "TwoColumns raised ValueError: predict must return shape"
    assert message in bad.result.missing.failures["mine"]


@pytest.mark.parametrize("name", ["net", "textbook", "xgboost", "ridge"])
def test_predictions_of_the_logarithm_are_on_the_scale_of_the_target(tmp_path, name):
    positive = frame().with_columns(pl.col("price") - pl.col("price").min() + 1000)
    data, rows, fitted, spec = fit(
        source_from_arrays(positive, target="price", log_target=True), name
    )
    p = fitted.predict_proba(data.table[rows.test])
    assert p.min() > 0
    assert fitted.details["valid_error"] == pytest.approx(
        get_metric("rmse").value(fitted.predict_proba(data.table[rows.valid]), data.y[rows.valid])
    )
    model = get_family(spec["family"]).build_model(fitted, Schema.of(data), name)
    save_model(tmp_path / "model.safetensors", model)
    again = load_model(tmp_path / "model.safetensors").predict_proba(data.X[rows.test])
    assert again == pytest.approx(p, rel=1e-4)


def test_a_target_without_logarithm_is_refused():
    table = frame().with_columns(pl.col("price") - 9e5)
    with pytest.raises(UserError, match=r"--log-target needs a target above 0; 240 of the 240"):
        source_from_arrays(table, target="price", log_target=True).load()
    classes = table.with_columns(pl.lit("a").alias("price"))
    classes[0, "price"] = "b"
    with pytest.raises(UserError, match="--log-target needs a target of numbers; 'price' has cla"):
        source_from_arrays(classes, target="price", log_target=True).load()


@pytest.mark.parametrize("metric", ["rmse", "mae", "r2", "medae", "neg_max_error"])
def test_equal_predictions_are_practically_equal(metric):
    y = np.arange(50.0)
    p = (y + np.sin(y))[None, :, None]
    pair = {"a": p, "b": p.copy()}
    [comparison] = compare_rows(pair, y, metric=get_metric(metric), rope=Rope(0.01))
    assert comparison.verdict == "practically equal"
    assert (comparison.difference, comparison.p_value) == (0, 1)


def test_a_clear_difference_is_decided_by_every_metric():
    rng = np.random.default_rng(0)
    y = rng.normal(50, 9, size=400)
    pair = {"a": (y + rng.normal(size=400))[None, :, None], "b": (y + 3 * rng.normal(size=400))}
    pair["b"] = pair["b"][None, :, None]
    for name in ("rmse", "mae", "r2", "medae", "mape", "gamma_deviance", "pinball(q=0.9)"):
        [comparison] = compare_rows(pair, y, metric=get_metric(name), rope=0.0)
        assert comparison.verdict == "a better", name


def test_a_diverged_network_is_reported(source):
    data, p = source.load(), plan(source, ["net"], split="holdout")
    recipe = {**p.contenders["net"]["recipe"], "lr": 1e30, "optimizer": "sgd", "members": 1}
    contender = make_contender("net", "net", recipe, "rmse")
    with pytest.raises((UserError, ArithmeticError)):
        run_cell(contender, data, p.split_rows(data, 0), Cell("net", 0), Budget(threads=1))
