"""``graduel train`` and ``graduel predict`` on folders of Parquet files."""

from __future__ import annotations

import json
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO

import numpy as np
import polars as pl
import pytest

from graduel.cli.app import main
from graduel.models.model_file import load_model

NET = "layers=16 epochs=2 batch_size=64"


@dataclass
class Result:
    stdout: str
    stderr: str


def run(*arguments, code: int = 0) -> Result:
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        got = main([str(one) for one in arguments])
    assert got == code, err.getvalue()
    return Result(out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("big")
    rng = np.random.default_rng(0)
    for number, n in enumerate((900, 1_100, 40)):
        x, word = rng.normal(size=(n, 3)), rng.choice(["red", "green", "blue"], n)
        y = np.where(x[:, 0] + (word == "red") > 0.3, "yes", "no")
        table = {f"x{i}": x[:, i] for i in range(3)} | {"word": word, "y": y}
        frame = pl.DataFrame(table).with_columns(
            x1=pl.when(pl.col("x1") > 1).then(None).otherwise("x1")
        )
        frame.write_parquet(folder / f"part-{number}.parquet", row_group_size=200)
    return folder


@pytest.fixture(scope="module")
def model(folder, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "net.safetensors"
    run("train", folder, "--target", "y", "--stream", "--net", NET, "--out", path)
    return path


def test_a_streamed_model_is_an_ordinary_model(model):
    fitted = load_model(model)
    assert fitted.classes == ("no", "yes")
    assert [column.name for column in fitted.columns] == ["x0", "x1", "x2", "word"]
    notes = fitted.notes
    assert notes["test_error"] < 0.2
    assert notes["rows"] + notes["test_rows"] < 2_040
    assert (notes["dataset"], notes["epochs"]) == (notes["dataset"], 2)


@pytest.mark.parametrize("options", [("--net", NET), ("--contender", "xgboost")])
def test_the_report_has_the_fields_of_a_training_in_memory(folder, tmp_path, options):
    reports = []
    for number, stream in enumerate(([], ["--stream"])):
        out = tmp_path / f"{number}.safetensors"
        arguments = ("--target", "y", "--json", "--out", out, "--threads", "1", *options, *stream)
        reports.append(json.loads(run("train", f"{folder}/*.parquet", *arguments).stdout))
    in_memory, streamed = reports
    assert streamed.keys() - {"bins"} == in_memory.keys()
    assert abs(streamed["test_error"] - in_memory["test_error"]) < 0.06
    assert streamed["recipe"] == in_memory["recipe"]


@pytest.mark.parametrize("options", [("--net", NET), ("--contender", "xgboost")])
def test_two_workers_train_on_the_row_groups_of_one(folder, tmp_path, options):
    reports = []
    for workers in ("1", "2", "2"):
        out = tmp_path / f"{len(reports)}.safetensors"
        arguments = ("--target", "y", "--json", "--stream", "--out", out, "--threads", "2")
        result = run("train", folder, *arguments, *options, "--workers", workers)
        reports.append(json.loads(result.stdout))
        assert load_model(out).classes == ("no", "yes")
        assert not list(tmp_path.glob("*.checkpoint"))
    alone, together, again = reports
    assert together["workers"] == 2
    assert together.keys() - {"workers"} == alone.keys()
    for name in ("rows", "test_rows", "classes", "recipe"):
        assert together[name] == alone[name]
    assert abs(together["test_log_loss"] - alone["test_log_loss"]) < 0.1
    assert together["test_log_loss"] == again["test_log_loss"]


def test_the_same_seed_saves_the_same_weights(folder, model, tmp_path):
    again = tmp_path / "again.safetensors"
    run("train", folder, "--target", "y", "--stream", "--net", NET, "--out", again)
    weights = [load_model(path).weights.theta for path in (model, again)]
    np.testing.assert_array_equal(*weights)


def test_a_table_larger_than_its_share_of_memory_is_streamed(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("graduel.cli.data_source.free_bytes", lambda: 1_000)
    out = tmp_path / "a.safetensors"
    result = run("train", folder, "--target", "y", "--net", NET, "--out", out)
    assert "2,040 rows in 12 row groups of 3 files are read from disk" in result.stderr


def test_predictions_of_files_are_those_of_their_rows_in_memory(folder, model, tmp_path):
    out = tmp_path / "deep" / "predictions"
    result = run("predict", model, folder, "--out", out)
    assert f"2,040 rows of 3 files predicted, saved in {out}" in result.stderr
    assert sorted(path.name for path in out.iterdir()) == [f"part-{i}.parquet" for i in range(3)]
    fitted = load_model(model)
    for path in sorted(folder.iterdir()):
        rows, predicted = pl.read_parquet(path), pl.read_parquet(out / path.name)
        assert predicted.select(rows.columns).equals(rows)
        p = predicted.select("probability of no", "probability of yes").to_numpy()
        np.testing.assert_array_equal(p, fitted.predict_proba(rows))
    whole = run("predict", model, f"{folder}/part-[01].parquet", "--out", tmp_path / "two")
    assert "2,000 rows of 2 files" in whole.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--rows", "100"), "--rows does not apply to a table that is read from disk"),
        (("--quick",), "--quick does not apply"),
        (("--group", "word"), "--group does not apply"),
        (("--split", "given"), "--split: expected holdout"),
        (("--metric", "auc"), "--metric: expected error, accuracy, log_loss or brier"),
        (("--contender", "textbook"), "--contender: expected net or xgboost"),
        (("--contender", "net-best"), "net-best is for images"),
        (("--net", "optimizer=gd"), "needs all training rows in memory"),
        (("--workers", "99"), "--workers: expected at most 12, the number of row groups; got 99"),
        (("--workers", "2", "--checkpoint-every", "5"), "--checkpoint-every does not apply"),
    ],
)
def test_options_that_need_all_rows_are_refused(folder, tmp_path, arguments, message):
    out = tmp_path / "a.safetensors"
    result = run("train", folder, "--target", "y", "--stream", "--out", out, *arguments, code=2)
    assert message in result.stderr
    assert "column types are inferred" not in result.stderr
    assert not out.exists()


def test_mistakes_in_predict_are_refused_before_a_file_is_written(folder, model, tmp_path):
    assert "--out: expected a new folder" in run("predict", model, folder, code=2).stderr
    exists = run("predict", model, folder, "--out", tmp_path, code=2).stderr
    assert "exists. Choose another name" in exists
    other = tmp_path / "other"
    other.mkdir()
    pl.DataFrame({"x0": [1.0]}).write_parquet(other / "a.parquet")
    result = run("predict", model, other, "--out", tmp_path / "new", code=2)
    assert "expected 4 columns; 3 of them are not in the table" in result.stderr
    assert not (tmp_path / "new").exists()


def test_damaged_and_missing_files_are_refused_by_name(folder, tmp_path):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    data = bytearray((tmp_path / "part-1.parquet").read_bytes())
    data[50:4000] = b"\xff" * 3950
    (tmp_path / "part-1.parquet").write_bytes(data)
    result = run("train", tmp_path, "--target", "y", "--stream", code=2)
    assert "part-1.parquet: expected a complete Parquet file" in result.stderr
    none = run("train", f"{tmp_path}/*.pq", "--target", "y", code=2)
    assert "expected Parquet files; there are none" in none.stderr
