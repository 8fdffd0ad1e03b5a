"""``graduel train`` and ``graduel predict`` on user files, from the table to the predictions."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from command_output import run_command

from graduel.cli.actions import predict
from graduel.cli.app import main
from graduel.duel.result.result_builder import load_run
from graduel.models.model_file import load_model

NET = "layers=16 epochs=15 batch_size=8 lr=0.01 dropout=0"
SMALL = ["--threads", "1", "--net", NET]


def rows(n=160):
    rng = np.random.default_rng(0)
    good = np.arange(n) % 3 > 0
    age = [f"{20 + 10 * g + e:.1f}" for g, e in zip(good, rng.normal(size=n), strict=True)]
    return pl.DataFrame(
        {
            "zip": rng.choice(["01067", "89073", "24103"], n),
            "age": [a if i % 9 else "NA" for i, a in enumerate(age)],
            "note": ['he said "no", twice'] * n,
            "when": [f"2024-01-{1 + i % 28:02}" for i in range(n)],
            "outcome": ["good" if g else "bad" for g in good],
        }
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a table and a model of each family that was trained on it."""
    folder = tmp_path_factory.mktemp("made")
    rows().write_csv(folder / "mine.csv")
    for contender, more in (("net", ["--net", NET]), ("xgboost", ["--quick"])):
        args = ["--target", "outcome", "--contender", contender, "--threads", "1", *more]
        out = ["--out", str(folder / contender)]
        assert main(["train", str(folder / "mine.csv"), *args, *out]) == 0
    return folder


@pytest.fixture
def here(made, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("mine.csv", "net", "xgboost"):
        (tmp_path / name).write_bytes((made / name).read_bytes())
    return tmp_path


def test_a_trained_model_is_evaluated_and_saved_with_notes(capsys, here):
    args = ["train", "mine.csv", "--target", "outcome", *SMALL, "--out", "a", "--json"]
    out, err = run_command(capsys, *args)
    told = json.loads(out)
    assert 31 <= told["test_rows"] <= 33
    assert "is dropped" in err
    kept = load_model("a")
    assert kept.schema.target == "outcome"
    assert [c.kind for c in kept.columns] == ["categorical", "numeric", "date"]
    whole = kept.predict_proba(pl.read_csv("mine.csv", infer_schema=False)).argmax(axis=1)
    truth = (rows()["outcome"] == "good").to_numpy()
    assert (whole == truth).mean() > 0.8
    assert told["test_error"] < 0.3


def test_the_same_seed_trains_the_same_model_and_another_holds_out_other_rows(capsys, here):
    found = {}
    for name, seed in (("a", 0), ("b", 0), ("c", 7)):
        args = ["train", "mine.csv", "--target", "outcome", *SMALL, "--seed", seed, "--out", name]
        run_command(capsys, *args)
        kept = load_model(name)
        found[name] = (kept.weights.theta.tobytes(), kept.notes["test_error"])
    assert found["a"] == found["b"] != found["c"]


@pytest.mark.parametrize("model", ["net", "xgboost"])
def test_all_rows_are_predicted_in_order_and_unchanged(capsys, here, model):
    before = (here / "mine.csv").read_bytes()
    for out in ("out.csv", "out.parquet"):
        _, err = run_command(capsys, "predict", model, "mine.csv", "-o", out)
        assert "160 rows predicted" in err
    screen, _ = run_command(capsys, "predict", model, "mine.csv")
    assert screen == (here / "out.csv").read_text(encoding="utf-8")
    csv = pl.read_csv("out.csv", infer_schema=False)
    assert csv.columns[:5] == rows().columns
    assert csv.columns[5:] == ["predicted outcome", "probability of bad", "probability of good"]
    assert csv[:, :5].equals(rows())
    parquet = pl.read_parquet("out.parquet")
    assert parquet[:, :6].equals(csv[:, :6])
    p = parquet[:, 6:].to_numpy()
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(p, csv[:, 6:].cast(pl.Float64).to_numpy(), atol=1e-6)
    assert parquet["predicted outcome"].to_list() == [("bad", "good")[i] for i in p.argmax(axis=1)]
    assert (parquet["predicted outcome"] == rows()["outcome"]).mean() > 0.8
    kept = load_model(model)
    np.testing.assert_array_equal(
        p, kept.predict_proba(pl.read_csv("mine.csv", infer_schema=False))
    )
    assert (here / "mine.csv").read_bytes() == before
    assert not list(here.glob(".*"))


def test_a_table_of_many_blocks_is_predicted_as_one(capsys, here, monkeypatch):
    from graduel.data.read import parquet
    from graduel.data.read.delimited import csv

    pl.concat([rows()] * 5).write_csv("long.csv")
    pl.read_csv("long.csv", infer_schema=False).write_parquet("long.parquet")
    whole, _ = run_command(capsys, "predict", "net", "long.csv")
    monkeypatch.setattr(csv, "BLOCK", 500)
    monkeypatch.setattr(parquet, "STRIDE", 7)
    for name in ("long.csv", "long.parquet"):
        out, _ = run_command(capsys, "predict", "net", name)
        a, b = (pl.read_csv(text.encode(), infer_schema=False) for text in (whole, out))
        assert a[:, :-2].equals(b[:, :-2])
        # A product of few rows may take another way through BLAS, to another last bit.
        p, q = (one[:, -2:].cast(pl.Float64).to_numpy() for one in (a, b))
        np.testing.assert_allclose(p, q, atol=1e-6)


def test_columns_in_another_order_others_among_them_and_no_target(capsys, here):
    whole, _ = run_command(capsys, "predict", "net", "mine.csv")
    table = rows().drop("outcome").with_columns(pl.lit("x").alias("predicted outcome"))
    table.select(reversed(table.columns)).write_csv("other.csv", separator=";")
    out, _ = run_command(capsys, "predict", "net", "other.csv")
    found = pl.read_csv(out.encode(), infer_schema=False)
    answers = pl.read_csv(whole.encode(), infer_schema=False)["predicted outcome"]
    assert found["predicted outcome"].unique().to_list() == ["x"]
    assert found["predicted outcome (2)"].to_list() == answers.to_list()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["net", "none.csv"], "there is no such path"),
        (["none", "mine.csv"], "none"),
        (["mine.csv", "mine.csv"], "expected a model file"),
        (["net", "less.csv"], "'age', 'when'"),
        (["net", "bad.csv"], "column 'age': expected numbers; row 2 holds 'old'"),
        (["net", "mine.csv", "-o", "mine.csv"], "--out: expected a new file"),
        (["net", "mine.csv", "-o", "a.txt"], "ending in .csv, .parquet, .jsonl, "),
        (["net", "mine.csv", "-o", "none/a.csv"], "does not exist"),
        (["net", "mine.csv", "--contender", "net"], "folder of a duel"),
        ([".", "mine.csv"], "has no result.json"),
        (["net", "."], "expected a table"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(capsys, here, args, message):
    rows().drop("age", "when").write_csv("less.csv")
    odd = rows().with_columns(pl.Series("age", ["1", "old", *["2"] * 158]))
    odd.write_csv("bad.csv")
    before = sorted(path.name for path in here.iterdir())
    _, err = run_command(capsys, "predict", *args, code=2)
    assert err.count("\n") == 1
    assert message in err
    assert sorted(path.name for path in here.iterdir()) == before


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--contender", "xgboost", "--net", "epochs=2"], "--net: expected the contender net"),
        (["--split", "5x2"], "holdout or given for a single model"),
        (["--target", "outcom"], "Did you mean 'outcome'?"),
    ],
)
def test_a_mistake_in_training_is_one_line_and_exit_code_2(capsys, here, args, message):
    args = args if "--target" in args else ["--target", "outcome", *args]
    _, err = run_command(capsys, "train", "mine.csv", *args, code=2)
    assert err.count("\n") == 1
    assert message in err


def test_a_duels_folder_predicts_with_the_best_or_the_named_contender(capsys, here):
    args = ["mine.csv", "--target", "outcome", "--split", "holdout", "--quick", *SMALL]
    run_command(capsys, "duel", *args, "--out", "run")
    result = json.loads((here / "run" / "result.json").read_text(encoding="utf-8"))
    best = min(result["contenders"], key=lambda name: result["contenders"][name]["test_error"])
    assert load_run("run").has_models
    out, err = run_command(capsys, "predict", "run", "mine.csv")
    assert str(result["contenders"][best]["title"]) in err
    for name in ("textbook", "net", "xgboost"):
        out, _ = run_command(capsys, "predict", "run", "mine.csv", "--contender", name)
        with np.load("run/splits/seed0.npz") as split:
            test = split["test"]
        answers = pl.read_csv(out.encode(), infer_schema=False)[:, -2:].cast(pl.Float32).to_numpy()
        p = np.load(f"run/cells/{name}-seed0/probabilities.npy")
        np.testing.assert_allclose(answers[test], p, atol=2e-6)
    _, err = run_command(capsys, "predict", "run", "mine.csv", "--contender", "xgbost", code=2)
    assert "Did you mean 'xgboost'?" in err


def test_cross_validation_has_no_single_model(capsys, here):
    args = ["mine.csv", "--target", "outcome", "--split", "3x1", "--contenders", "net", *SMALL]
    run_command(capsys, "duel", *args, "--out", "folds")
    assert not list((here / "folds").rglob("*.safetensors"))
    assert not load_run("folds").has_models
    _, err = run_command(capsys, "predict", "folds", "mine.csv", code=2)
    assert "graduel train --from folds" in err


def test_images_are_predicted_by_file_or_by_row(capsys, here, mnist, monkeypatch):
    from PIL import Image

    monkeypatch.setattr(predict, "IMAGES", 3)
    run_command(capsys, "train", "--rows", "300", *SMALL, "--out", "digits")
    for i in range(5):
        Image.fromarray(mnist.X[i]).save(here / f"d{i}.png")
    (here / "some").mkdir()
    for i in range(5):
        (here / f"d{i}.png").rename(here / "some" / f"d{i}.png")
    np.savez(here / "some.npz", X=mnist.X[:5])
    by_file, _ = run_command(capsys, "predict", "digits", "some")
    by_row, _ = run_command(capsys, "predict", "digits", "some.npz")
    files = pl.read_csv(by_file.encode(), infer_schema=False)
    assert files["file"].to_list() == [f"d{i}.png" for i in range(5)]
    assert files.columns[1] == "prediction"
    arrays = pl.read_csv(by_row.encode(), infer_schema=False)
    assert arrays["row"].to_list() == list("12345")
    assert arrays[:, 1:].equals(files[:, 1:])
    expected = load_model("digits").predict_proba(mnist.X[:5]).argmax(axis=1)
    assert files["prediction"].to_list() == [str(k) for k in expected]
    _, err = run_command(capsys, "predict", "digits", "mine.csv", code=2)
    assert "expected a folder of images" in err
    np.savez(here / "small.npz", X=np.zeros((2, 8, 8), np.uint8))
    _, err = run_command(capsys, "predict", "digits", "small.npz", code=2)
    assert "expected images of 28 × 28 pixels" in err
    for shape in ((800,), (2, 8, 8)):
        np.save(here / "y.npy", np.zeros(shape, np.uint8))
        out, err = run_command(capsys, "predict", "digits", "y.npy", code=2)
        assert not out  # no header of a CSV file
        assert (
            "expected images of 28 × 28 pixels, shape (n, height, width); got an array of " in err
        )
        assert f"shape {shape}" in err
