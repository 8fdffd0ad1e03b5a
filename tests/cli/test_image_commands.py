"""``graduel data``, ``train`` and ``predict`` on images, on pixels and files of many kinds."""

from __future__ import annotations

import gzip
import pickle
import zlib

import numpy as np
import polars as pl
import pytest
from command_output import run_command
from PIL import Image

from graduel.cli.app import main
from graduel.models.model_file import load_model

SMALL = ["--threads", "1", "--net", "layers=32 epochs=4 batch_size=16"]


def archive(mnist, convert=lambda X: X):
    X, X_test = convert(mnist.X[:600]), convert(mnist.X[60000:60060])
    y, y_test = mnist.y[:600], mnist.y[60000:60060]
    return {"x_train": X, "y_train": y, "x_test": X_test, "y_test": y_test}


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory, mnist):
    """A folder with a model of uint8 images."""
    folder = tmp_path_factory.mktemp("models")
    np.savez(folder / "uint8.npz", **archive(mnist))
    args = ["train", str(folder / "uint8.npz"), *SMALL, "--out", str(folder / "model")]
    assert main(args) == 0
    return folder


@pytest.mark.parametrize("dtype", [np.float64, np.int64])
def test_pixels_of_another_type_train_the_same_model(capsys, model_folder, tmp_path, mnist, dtype):
    np.savez(tmp_path / "other.npz", **archive(mnist, lambda X: X.astype(dtype)))
    out, _ = run_command(capsys, "data", tmp_path / "other.npz")
    assert "gray, 0 to 255" in out
    assert f"GRD014: pixels of type {np.dtype(dtype)} are read as 0 to 255" in " ".join(out.split())
    run_command(capsys, "train", tmp_path / "other.npz", *SMALL, "--out", tmp_path / "model")
    model, other = load_model(model_folder / "model"), load_model(tmp_path / "model")
    np.testing.assert_array_equal(other.weights.theta, model.weights.theta)
    assert (other.schema.scale, other.schema.pixels) == (1 / 255, model.schema.pixels)


def test_predict_scales_images_as_in_training(capsys, model_folder, tmp_path, mnist):
    X = mnist.X[60000:60020]
    forms = {"same": X, "float": X.astype(float), "unit": X / 255, "flat": X.reshape(20, -1)}
    forms["deep"] = X.astype(np.uint16) * 257
    forms["first"] = X[:, np.newaxis]
    answers = {}
    for name, pixels in forms.items():
        np.savez(tmp_path / "new.npz", X=pixels)
        out, err = run_command(capsys, "predict", model_folder / "model", tmp_path / "new.npz")
        answers[name] = pl.read_csv(out.encode())["prediction"].to_list()
        assert answers[name] == answers["same"]
        assert ("warning: pixels from" in err) == (name in ("unit", "deep"))
    np.savez(tmp_path / "new.npz", X=(X - 33.3) / 78.6)
    _, err = run_command(capsys, "predict", model_folder / "model", tmp_path / "new.npz", code=2)
    assert "expected pixels from 0 to 255, as in training" in err


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_predict_refuses_missing_pixels(capsys, model_folder, tmp_path, mnist, value):
    X = mnist.X[:3].astype(float)
    X[1] = value
    np.savez(tmp_path / "new.npz", X=X)
    out, err = run_command(capsys, "predict", model_folder / "model", tmp_path / "new.npz", code=2)
    assert not out
    assert "missing or infinite pixels (first: row 2)" in err


@pytest.mark.parametrize(("ending", "name"), [(".png", "PNG"), (".jpg", "WEBP"), ("", "BMP")])
def test_predict_on_one_image_file(capsys, model_folder, tmp_path, mnist, ending, name):
    path = tmp_path / f"digit{ending}"
    Image.fromarray(mnist.X[0]).save(path, format=name, lossless=True)
    out, _ = run_command(capsys, "predict", model_folder / "model", path)
    row = pl.read_csv(out.encode(), infer_schema=False)
    expected = load_model(model_folder / "model").predict_proba(mnist.X[:1]).argmax()
    assert row[0, 0] == path.name
    assert row[0, 1] == str(expected)


def test_data_and_predict_state_what_they_change_and_leave_out(
    capsys, model_folder, tmp_path, mnist
):
    for i in range(6):
        folder = tmp_path / "canvas" / "ab"[i % 2]
        folder.mkdir(parents=True, exist_ok=True)
        image = Image.new("LA", (28, 28), (255, 0))
        image.putalpha(Image.fromarray(mnist.X[i]))
        image.save(folder / f"{i}.png")
    (tmp_path / "canvas" / "a" / "notes.txt").write_text("none")
    text = " ".join(run_command(capsys, "data", tmp_path / "canvas")[0].split())
    assert "warning GRD017: not read, since they are not images" in text
    assert "'a/notes.txt'" in text
    assert "info GRD016: 6 of 6 images have transparent pixels and are put on black" in text
    out, err = run_command(capsys, "predict", model_folder / "model", tmp_path / "canvas")
    assert pl.read_csv(out.encode())["file"].to_list()[0] == "a/0.png"
    assert "note: 6 of 6 images have transparent pixels" in err
    assert "warning: not read, since they are not images: 'a/notes.txt'" in err


def test_predict_on_a_table_of_pixels(capsys, model_folder, tmp_path, mnist):
    X = mnist.X[:4].reshape(4, -1).astype(np.int64)
    pl.DataFrame(X, schema=[f"pixel{i}" for i in range(784)]).write_csv(tmp_path / "test.csv")
    out, _ = run_command(capsys, "predict", model_folder / "model", tmp_path / "test.csv")
    expected = load_model(model_folder / "model").predict_proba(mnist.X[:4]).argmax(axis=1)
    assert pl.read_csv(out.encode())["prediction"].to_list() == expected.tolist()


def test_a_model_of_a_table_takes_no_image(capsys, tmp_path, mnist):
    rows = ["x,y", *(f"{i % 7},{'ab'[i % 2]}" for i in range(60))]
    (tmp_path / "t.csv").write_text("\n".join(rows))
    run_command(
        capsys, "train", tmp_path / "t.csv", "--target", "y", *SMALL, "--out", tmp_path / "m"
    )
    Image.fromarray(mnist.X[0]).save(tmp_path / "digit.png")
    _, err = run_command(capsys, "predict", tmp_path / "m", tmp_path / "digit.png", code=2)
    assert "expected a table, as in this model's training data; got an image" in err


def test_mnist_as_csv_needs_no_target(capsys, tmp_path, mnist):
    X = mnist.X[:60].reshape(60, -1).astype(np.int64)
    frame = pl.DataFrame(X, schema=[f"pixel{i}" for i in range(784)])
    frame.insert_column(0, pl.Series("label", mnist.y[:60])).write_csv(tmp_path / "train.csv")
    out, _ = run_command(capsys, "data", tmp_path / "train.csv")
    text = " ".join(out.split())
    assert "images of 28 × 28 pixels, gray, 0 to 255" in text
    assert "are read as images of 28 × 28 pixels" in text
    assert (
        "Target column?"
        in run_command(capsys, "data", tmp_path / "train.csv", "--numeric", "pixel0")[0]
    )
    _, err = run_command(capsys, "train", tmp_path / "train.csv", *SMALL, "--out", tmp_path / "m")
    assert "GRD019" in err
    assert load_model(tmp_path / "m").image == (28, 28, 1)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("mnist.pkl.gz", gzip.compress(pickle.dumps([1, "a"] * 9, 2), mtime=0), "Python pickle"),
        ("data_batch_1", pickle.dumps({b"data": [0] * 9}, 2), "Python pickle"),
        ("data_batch_2", pickle.dumps({b"data": [0] * 9}, 3), "Python pickle"),
        ("old.pkl", pickle.dumps({b"data": [0] * 9}, 0), "Python pickle"),
        ("array.pkl", pickle.dumps(np.zeros(30), 0), "Python pickle"),
        ("new.pkl", pickle.dumps({b"data": [0] * 9}, 5), "Python pickle"),
        ("short.pkl", b"\x80\x04]" + pickle.dumps([], 4)[-2:], "Python pickle"),
        ("model.joblib", zlib.compress(pickle.dumps([0] * 99)), "joblib"),
        (
            "mnist.RData",
            gzip.compress(b"RDX3\nX\n\0\0\0\3" + b"\0\1" * 50, mtime=0),
            "data file of R",
        ),
        ("mnist.rds", gzip.compress(b"X\n\0\0\0\3" + b"\0\1" * 50, mtime=0), "data file of R"),
        ("table.csv", b"RIFF\0\1\0\0WEBPVP8L" + b"\0\xff" * 50, "got an image"),
        ("photo.heic", b"\0\0\0\x18ftypheic" + b"\0\1\xff" * 50, "Convert it to PNG"),
        ("rows.pickle", pickle.dumps({b"data": [0] * 99}, 4), "Python pickle"),
        ("mnist_all.mat", b"MATLAB 5.0 MAT-file, Platform: GLNX" + b" " * 90 + b"\0\1IM", "MATLAB"),
    ],
)
def test_binary_files_are_recognized(capsys, tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    _, err = run_command(capsys, "data", tmp_path / name, code=2)
    assert words in err
    assert "--encoding" not in err
