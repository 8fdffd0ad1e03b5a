"""Duels on tables: preparation, leakage, metrics, privacy of rows, changed files."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from small_recipes import SMALL

from graduel.contenders import Budget, make_contender
from graduel.contenders.sklearn_contender import FittedEstimator
from graduel.data.source import DataSource, open_source, source_from_arrays
from graduel.data.spec import SourceSpec
from graduel.duel.duel_api import run_duel
from graduel.duel.plan.duel_checks import check_duel
from graduel.duel.plan.protocol import Cell, Protocol
from graduel.duel.plan.protocol_builder import build_protocol
from graduel.duel.result.result_builder import build_result, load_run
from graduel.duel.run.cell import run_cell
from graduel.duel.run.cell_runs import run_cells
from graduel.duel.store.store import open_store
from graduel.errors import UserError

THREE = ("textbook", "net", "xgboost")
SECRET = "text of a single cell"


def frame(n=240, classes=3, seed=0):
    """Return a table with all column types, missing values and predictable classes."""
    rng = np.random.default_rng(seed)
    y = rng.integers(classes, size=n)
    town = np.array(["Ulm", "Bonn", "Kiel", "Jena"])[(y + rng.integers(2, size=n)) % 4]
    age = (y * 10 + rng.normal(20, 4, size=n)).round(1)
    return pl.DataFrame(
        {
            "age": [None if i % 17 == 0 else float(v) for i, v in enumerate(age)],
            "town": [None if i % 19 == 0 else SECRET if i == 5 else t for i, t in enumerate(town)],
            "member": ["yes" if v else "no" for v in rng.integers(2, size=n)],
            "same": ["one value"] * n,
            "label": [f"class {code}" for code in y],
        }
    )


@pytest.fixture
def csv(tmp_path):
    path = tmp_path / "mine" / "people.csv"
    path.parent.mkdir()
    frame().write_csv(path)
    return path


def tiny(data, names=THREE, **options):
    base = build_protocol(data, contenders=list(names), threads=1, **options)
    specs = {k: {**base.contenders[k], "recipe": SMALL[k].table} for k in names}
    return replace(base, contenders=specs)


def run_to_result(path, data, protocol, **options):
    with open_store(path, protocol, data) as store:
        events = [event.kind for event in run_cells(store)]
        return build_result(store, "test", **options), events


def cell(data, name, rows, metric="error"):
    contender = make_contender(name, name, SMALL[name].table, metric)
    return run_cell(contender, data, rows, Cell(name, 0), Budget(threads=1))


@pytest.mark.parametrize("name", SMALL)
def test_garbage_in_the_test_rows_does_not_change_model_or_preparation(csv, name):
    source = open_source(csv, target="label")
    data, p = source.load(), build_protocol(source, split="holdout", threads=1)
    rows = p.split_rows(data, 0)
    where = np.zeros(len(data.y), bool)
    where[rows.test] = True
    spoil = pl.Series(where)
    X = data.X.with_columns(
        age=pl.when(spoil).then(1e9).otherwise(pl.col("age")),
        town=pl.when(spoil).then(pl.lit("nowhere")).otherwise(pl.col("town")),
        member=pl.when(spoil).then(None).otherwise(pl.col("member")),
    )
    y = np.where(where, (data.y + 1) % 3, data.y)
    outcome, fitted = cell(data, name, rows)
    spoiled, other = cell(replace(data, X=X, y=y), name, rows)
    assert fitted.to_bytes() == other.to_bytes()
    assert fitted.details == other.details
    assert (outcome.probabilities != spoiled.probabilities).any()
    assert b'"encoders"' in fitted.to_bytes()


@pytest.mark.parametrize("name", SMALL)
def test_checkpoints_and_the_model_use_the_same_preparation(csv, name):
    source = open_source(csv, target="label")
    data = source.load()
    rows = build_protocol(source, split="holdout", threads=1).split_rows(data, 0)
    outcome, fitted = cell(data, name, rows)
    p = outcome.probabilities
    assert p.shape == (len(rows.test), 3)
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-5)
    few = fitted.predict_proba(data.X[rows.test[:7]])
    np.testing.assert_allclose(few, p[:7], atol=1e-6)
    error = (p.argmax(axis=1) != data.y[rows.test]).mean()
    assert error in [pytest.approx(checkpoint) for _, checkpoint in outcome.curve]


@pytest.mark.parametrize("metric", ["error", "log_loss", "auc", "balanced_accuracy", "f1_macro"])
def test_model_selection_uses_the_metric(csv, metric):
    from graduel.metrics.metric import get_metric

    source = open_source(csv, target="label")
    data = source.load()
    rows = build_protocol(source, split="holdout", threads=1).split_rows(data, 0)
    X, y = data.X[rows.valid], data.y[rows.valid]
    outcome, fitted = cell(data, "xgboost", rows, metric)
    last = fitted.details["rounds"]
    matrix = fitted.prepare(X)
    cuts = [
        fitted.expand(fitted.model.predict_proba(matrix, iteration_range=(0, n)))
        for n in range(1, last + 1)
    ]
    watched = get_metric("log_loss" if metric == "error" else metric)
    losses = [watched.loss(p.astype(np.float64), y) for p in cuts]
    assert losses[fitted.details["best_round"] - 1] == pytest.approx(min(losses), abs=1e-6)
    assert outcome.details["valid_error"] == pytest.approx(
        (fitted.predict_proba(X).argmax(axis=1) != y).mean()
    )
    _, net = cell(data, "net", rows, metric)
    assert 1 <= net.details["best_epoch"] <= 4


@pytest.mark.parametrize("name", SMALL)
def test_a_class_without_training_rows_gets_probability_0_from_estimators(name):
    data = source_from_arrays(frame(), target="label").load()
    source = source_from_arrays(frame(), target="label")
    rows = build_protocol(source, split="holdout", threads=1).split_rows(data, 0)
    lacking = replace(rows, train=rows.train[data.y[rows.train] != 1])
    outcome, fitted = cell(data, name, lacking)
    assert outcome.probabilities.shape == (len(rows.test), 3)
    if isinstance(fitted, FittedEstimator):
        assert (outcome.probabilities[:, 1] == 0).all()


def test_a_duel_by_cross_validation(csv, tmp_path):
    source = open_source(csv, target="label")
    p = tiny(source, split="3x2")
    run, _ = run_to_result(tmp_path / "run", source, p)
    result, y = run.result, source.load().y
    np.testing.assert_array_equal(run.y_test, y)
    for name, probabilities in run.probabilities.items():
        assert probabilities.shape == (2, 240, 3)
        errors = result.contenders[name].test_errors
        assert len(errors) == 6
        misses = probabilities.argmax(axis=2) != y
        # Folds have about 80 rows each, so the mean over folds is close to the mean over rows.
        assert misses.mean() == pytest.approx(np.mean(errors), abs=0.01)
        low, high = result.contenders[name].test_error_interval
        assert low <= result.contenders[name].test_error <= high
    for comparison in result.comparisons:
        assert comparison.test == "corrected resampled t"
        assert (comparison.repeats, comparison.folds) == (2, 3)
    assert result.protocol.split == "3x2"


def test_a_finished_duel_is_loaded_without_its_data_and_shows_no_row(csv, tmp_path):
    source = open_source(csv, target="label")
    run, _ = run_to_result(
        tmp_path / "run", source, tiny(source, ["net", "xgboost"], split="holdout")
    )
    csv.unlink()
    again = load_run(tmp_path / "run")
    assert again.result == run.result
    np.testing.assert_array_equal(again.y_test, run.y_test)
    assert again.classes == ("class 0", "class 1", "class 2")
    from graduel.report import write_report

    page = write_report(again).read_text(encoding="utf-8")
    result = (tmp_path / "run" / "result.json").read_text(encoding="utf-8")
    for text in (page, result):
        for secret in (SECRET, "Ulm", "one value", str(tmp_path)):
            assert secret not in text
    summary = run.result.dataset
    assert summary.file == "people.csv"
    assert [c.name for c in summary.columns] == ["age", "town", "member"]
    assert summary.set_aside[0].name == "same"
    assert {c.kind for c in summary.columns} == {"numeric", "categorical", "boolean"}


MARKERS = {"city": "Zxq-{}-town", "note": "Vjw-{}-word"}


def marked(n=300):
    """Return a table in which every cell is a text or number found nowhere else."""
    rng = np.random.default_rng(0)
    y = rng.integers(3, size=n)
    return pl.DataFrame(
        {
            "city": [MARKERS["city"].format(i % 7) for i in range(n)],
            "note": [MARKERS["note"].format(i) for i in range(n)],
            "pay": [round(7_310_000 + 1_000 * code + i + 0.377, 3) for i, code in enumerate(y)],
            "label": [f"class {code}" for code in y],
        }
    )


def test_page_and_result_show_no_cell_unless_show_rows_is_set(tmp_path):
    path = tmp_path / "mine.csv"
    marked().write_csv(path)
    pay = marked()["pay"].to_list()
    secrets = ["Zxq", "Vjw", *map(str, pay), *(f"{value:,.0f}" for value in pay)]
    source = open_source(path, target="label")
    p = tiny(source, ["net", "xgboost"], split="holdout")
    from graduel.report import write_report

    def texts(**options):
        run, _ = run_to_result(tmp_path / "run", source, p, **options)
        page = write_report(run).read_text(encoding="utf-8")
        return run, (page, (tmp_path / "run" / "result.json").read_text(encoding="utf-8"))

    run, private = texts()
    for text in private:
        assert not [secret for secret in secrets if secret in text]
    assert run.cells is None
    # Rows are identified only by their numbers in the file.
    data = source.load()
    test = np.load(tmp_path / "run" / "splits" / "seed0.npz")["test"]
    np.testing.assert_array_equal(run.rows, data.inferred_table.rows[test])
    again = load_run(tmp_path / "run")
    np.testing.assert_array_equal(again.rows, run.rows)
    run, (page, result) = texts(show_rows=True)
    assert "Zxq" in page
    assert "Zxq" not in result
    assert run.cells.height == len(run.y_test)


def test_temperatures_are_fitted_on_validation_rows(csv, tmp_path):
    from graduel.metrics.calibration import apply_temperature, fit_temperature
    from graduel.metrics.metric import log_loss

    source = open_source(csv, target="label")
    p = tiny(source, ["net", "xgboost"], split="3x1")
    run, _ = run_to_result(tmp_path / "run", source, p)
    y = source.load().y
    for name, entry in run.result.contenders.items():
        calibration = entry.calibration
        losses = []
        for k, t in enumerate(calibration.temperatures):
            folder = tmp_path / "run" / "cells" / f"{name}-seed{k}"
            rows = np.load(tmp_path / "run" / "splits" / f"seed{k}.npz")
            np.testing.assert_array_equal(rows["valid_truth"], y[rows["valid"]])
            on_valid = np.load(folder / "valid_probabilities.npy")
            assert t == fit_temperature(on_valid, y[rows["valid"]])
            on_test = np.load(folder / "probabilities.npy")
            losses.append(log_loss(apply_temperature(on_test, t), y[rows["test"]]))
        assert calibration.after.log_loss == pytest.approx(np.mean(losses), abs=1e-12)
        assert calibration.before.log_loss == entry.log_loss
        assert sum(b.rows for b in calibration.before.bins) == len(y)
        assert entry.probes.rows == len(y)
    assert all(one.cost for one in run.result.comparisons)


def test_missing_validation_probabilities_are_an_error(csv, tmp_path):
    source = open_source(csv, target="label")
    p = tiny(source, ["net"], split="holdout")
    run_to_result(tmp_path / "run", source, p)
    (tmp_path / "run" / "cells" / "net-seed0" / "valid_probabilities.npy").unlink()
    with pytest.raises(UserError, match=r"it is damaged .*valid_probabilities"):
        run_to_result(tmp_path / "run", source, p)


def test_probes_can_be_switched_off(csv, tmp_path):
    source = open_source(csv, target="label")
    p = tiny(source, ["net"], split="holdout", probes=False)
    run, _ = run_to_result(tmp_path / "run", source, p)
    assert run.result.contenders["net"].probes is None
    assert not (tmp_path / "run" / "cells" / "net-seed0" / "probes.json").exists()
    assert not p.as_dict()["probes"]


def test_a_changed_file_is_refused(csv, tmp_path):
    source = open_source(csv, target="label")
    p = tiny(source, ["net"], split="holdout")
    run_to_result(tmp_path / "run", source, p)
    _, kinds = run_to_result(tmp_path / "run", source, p)
    assert kinds == ["reused"]
    frame(seed=1).write_csv(csv)
    changed = open_source(csv, target="label")
    with (
        pytest.raises(UserError, match=r"people.csv has changed since the duel in .* started"),
        open_store(tmp_path / "run", tiny(changed, ["net"], split="holdout"), changed),
    ):
        pass
    # The change is found before any worker starts, even if the plan is of the old content.
    with open_store(tmp_path / "other", p, source) as store:
        store.write_split(0, p.split_rows(changed.load(), 0), np.zeros(48, int))
        with pytest.raises(UserError, match=r"people\.csv has changed"):
            list(run_cells(store))
    assert not list((tmp_path / "other" / "cells").iterdir())


def test_a_file_that_moved_is_the_same_duel(csv, tmp_path):
    source = open_source(csv, target="label")
    p = tiny(source, ["net"], split="holdout")
    run_to_result(tmp_path / "run", source, p)
    moved = csv.rename(tmp_path / "people.csv")
    other = open_source(moved, target="label")
    _, kinds = run_to_result(tmp_path / "run", other, tiny(other, ["net"], split="holdout"))
    assert kinds == ["reused"]


def test_a_plan_of_a_table_survives_json(csv):
    p = build_protocol(
        open_source(csv, target="label", drop=("same",)), threads=1, metric="auc", rope=0.02
    )
    back = Protocol.from_dict(json.loads(json.dumps(p.as_dict())))
    assert back.digest == p.digest
    assert (back.split, back.metric, back.rope) == ("5x2", "auc", 0.02)
    described = SourceSpec.from_dict(back.source)
    assert described.drop == ("same",)
    assert described.file == "people.csv"
    assert str(csv.parent) not in json.dumps(p.as_dict())


def test_the_plan_of_built_in_data_has_no_source():
    plan = build_protocol(DataSource.builtin("mnist"), threads=1).as_dict()
    assert (plan["source"], plan["split"], plan["metric"]) == (None, "given", "error")


def test_quick_does_not_limit_small_tables(csv):
    assert build_protocol(open_source(csv, target="label"), quick=True, threads=1).rows is None
    with pytest.raises(UserError, match="rows must be between 2 and 192"):
        build_protocol(open_source(csv, target="label"), split="holdout", rows=193, threads=1)


def test_log_loss_is_the_default_metric_if_nearly_all_rows_are_of_one_class():
    y = np.arange(300) % 15 == 0
    X = np.random.default_rng(0).normal(size=(300, 2))
    source = source_from_arrays(X, y.astype(int))
    p = build_protocol(source, threads=1)
    assert (p.metric, p.rope) == ("log_loss", 0.02)
    findings = {finding.code: finding for finding in check_duel(source.load(), p)}
    assert "log loss: only 6.7 % of the rows" in findings["GRD009"].message
    assert findings["GRD009"].severity == "info"
    assert build_protocol(source, metric="error", threads=1).rope == 0.01


def test_arrays_in_memory(tmp_path):
    rng = np.random.default_rng(0)
    y = np.arange(120) % 2
    X = rng.normal(size=(120, 3)) + y[:, None]
    options = {
        "contenders": ["net"],
        "split": "holdout",
        "threads": 1,
        "quick": True,
        "out": tmp_path / "run",
    }
    run = run_duel(X, y, **options)
    assert run.result.dataset.n_features == 3
    assert (tmp_path / "run" / "data.parquet").exists()
    again = run_duel(X, y, **options)
    assert again.result.contenders == run.result.contenders
    with pytest.raises(UserError, match="has changed since"):
        run_duel(X + 1, y, **options)


def test_user_images(tmp_path):
    y = np.arange(60) % 2
    X = np.random.default_rng(0).integers(0, 100, size=(60, 4, 4), dtype=np.uint8)
    X[y == 1, :2] += 120
    np.savez(tmp_path / "pictures.npz", X=X, y=y)
    source = open_source(tmp_path / "pictures.npz")
    p = tiny(source, ["net", "xgboost"], split="holdout")
    run, _ = run_to_result(tmp_path / "run", source, p)
    assert run.images is None  # user data are not shown by default
    shown, _ = run_to_result(tmp_path / "run", source, p, show_rows=True)
    assert shown.images.shape == (len(run.y_test), 4, 4)


def test_invalid_source_options_are_refused(csv, tmp_path):
    for options, message in (
        ({}, r"Likely: --target label"),
        ({"target": "lable"}, "Did you mean 'label'"),
        (
            {"target": "label", "group": "label"},
            "--group must name a column other than the target; got 'label'",
        ),
        ({"target": "label", "time": "town"}, "expected dates"),
        ({"target": "label", "time": "age"}, "without missing values; 'age' has 15"),
    ):
        with pytest.raises(UserError, match=message):
            build_protocol(open_source(csv, **options), threads=1)
    with pytest.raises(UserError, match="metric must be one of"):
        build_protocol(open_source(csv, target="label"), metric="luck", threads=1)
    with pytest.raises(UserError, match="rope must be at least 0"):
        build_protocol(open_source(csv, target="label"), rope=-1, threads=1)
    with pytest.raises(TypeError, match="no parameter 'targte'"):
        run_duel(csv, targte="label")
