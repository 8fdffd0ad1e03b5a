"""IDX files in any folder, NPZ archives of Keras and MedMNIST, and tables of pixels."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graduel.data import finding
from graduel.data.load import build_dataset
from graduel.data.read import Source, read_source
from graduel.data.read.images.pixel_columns import find_pixel_columns
from graduel.data.source import open_source
from graduel.data.spec import SourceSpec
from graduel.data.target import NoTargetError
from graduel.errors import UserError

KEYS = [(part, kind) for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")]


def codes(dataset):
    return [one.code for one in dataset.findings]


def some_images(n, seed=0, side=4):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 256, (n, side, side), np.uint8)
    X[0] = 255
    return X, np.arange(n, dtype=np.uint8) % 3


def idx(array):
    head = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.tobytes()


def write_idx(folder, name="{part}-{kind}-ubyte", seed=0):
    """Write four IDX files; return the images of both parts."""
    whole = []
    for part, n in (("train", 6), ("t10k", 4)):
        X, y = some_images(n, seed)
        whole.append(X)
        for kind, array in (("images-idx3", X), ("labels-idx1", y)):
            path = folder / name.format(part=part, kind=kind, short=kind[:6])
            path.parent.mkdir(parents=True, exist_ok=True)
            raw = idx(array)
            path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)
    return np.concatenate(whole)


@pytest.mark.parametrize(
    "name",
    [
        "{part}-{kind}-ubyte",
        "MNIST/raw/{part}-{kind}-ubyte",
        "raw/{part}-{kind}-ubyte.gz",
        "{part}-{kind}-ubyte/{part}-{kind}-ubyte",
        "emnist-letters-{part}-{kind}-ubyte.gz",
        "{part}_{kind}_ubyte",
        "{part}-{short}.idx",
        "{part}-{short}",
        "{part}-{kind}-ubyte (1).gz",
        "mnist_{part}_{short}.bin",
    ],
)
def test_idx_files_by_other_names_and_in_folders(tmp_path, name):
    X = write_idx(tmp_path / "data", name)
    (tmp_path / "data" / "read.me").write_text("train images")
    dataset = read_source(tmp_path / "data").content
    np.testing.assert_array_equal(dataset.X, X)
    assert dataset.n_train == 6
    assert not dataset.findings


def test_names_in_capitals(tmp_path):
    X = write_idx(tmp_path)
    for path in list(tmp_path.iterdir()):
        path.rename(path.with_name(path.name.upper()))
    np.testing.assert_array_equal(read_source(tmp_path).content.X, X)


def test_kaggles_folders_named_like_the_files_in_them(tmp_path):
    X = write_idx(tmp_path, "{part}-{kind}-ubyte/{part}-{kind}-ubyte")
    write_idx(tmp_path, "{part}-{kind}-ubyte".replace("-{kind}-", "-{short}.idx3-"))
    for path in list(tmp_path.glob("*labels.idx3*")):
        path.rename(path.with_name(path.name.replace("idx3", "idx1")))
    dataset = read_source(tmp_path).content
    np.testing.assert_array_equal(dataset.X, X)
    assert codes(dataset) == [finding.FILES_LEFT_OUT.code]
    assert "4 IDX files are not read" in dataset.findings[0].message


def test_several_idx_data_sets_are_not_mixed(tmp_path):
    for name in ("balanced", "letters", "mnist"):
        write_idx(tmp_path, f"emnist-{name}-{{part}}-{{kind}}-ubyte.gz")
    with pytest.raises(UserError, match=r"got 3: 'emnist-balanced', 'emnist-letters', 'emnist-mn"):
        read_source(tmp_path)
    X = write_idx(tmp_path, "emnist-letters-{part}-{kind}-ubyte.gz", seed=5)
    path = tmp_path / "emnist-letters-train-labels-idx1-ubyte.gz"
    source = open_source(path)
    np.testing.assert_array_equal(source.load().X, X)
    write_idx(tmp_path, "emnist-letters-{part}-{kind}-ubyte.gz", seed=6)
    assert open_source(path).spec.sha256 != source.spec.sha256
    for path in tmp_path.glob("emnist-[bm]*"):
        if "t10k-labels" in path.name:
            path.unlink()
    dataset = read_source(tmp_path).content
    assert dataset.notes == ("the IDX files are those of emnist-letters",)
    assert "6 IDX files are not read" in dataset.findings[0].message


def test_idx_data_sets_in_several_folders_are_not_mixed(tmp_path):
    for name in ("MNIST", "FashionMNIST"):
        write_idx(tmp_path / name / "raw")
    with pytest.raises(UserError, match=r"got 2: 'FashionMNIST/raw', 'MNIST/raw'\. Give one of th"):
        read_source(tmp_path)


def test_one_idx_file_by_another_name_is_recognized(tmp_path):
    write_idx(tmp_path, "{part}_{short}.idx")
    with pytest.raises(UserError, match="is one of four IDX files"):
        read_source(tmp_path / "train_images.idx")


def test_npz_of_keras_and_medmnist(tmp_path):
    (X, y), (X_test, y_test), (X_valid, y_valid) = (some_images(n, n) for n in (6, 4, 5))
    np.savez(tmp_path / "mnist.npz", x_train=X, y_train=y, x_test=X_test, y_test=y_test)
    dataset = read_source(tmp_path / "mnist.npz").content
    np.testing.assert_array_equal(dataset.X, np.concatenate([X, X_test]))
    assert (dataset.n_train, dataset.image, codes(dataset)) == (6, (4, 4, 1), [])
    np.savez(
        tmp_path / "pathmnist.npz",
        train_images=X,
        train_labels=y[:, np.newaxis],
        val_images=X_valid,
        val_labels=y_valid[:, np.newaxis],
        test_images=X_test,
        test_labels=y_test[:, np.newaxis],
        description=np.array("none"),
    )
    dataset = read_source(tmp_path / "pathmnist.npz").content
    np.testing.assert_array_equal(dataset.X, np.concatenate([X, X_valid, X_test]))
    np.testing.assert_array_equal(dataset.y, np.concatenate([y, y_valid, y_test]))
    assert dataset.n_train == 11
    assert codes(dataset) == [finding.JOINED_PARTS.code, finding.FILES_LEFT_OUT.code]
    np.savez(tmp_path / "two.npz", X_train=X, y_train=y, X_val=X_valid, y_val=y_valid)
    dataset = read_source(tmp_path / "two.npz").content
    assert (dataset.n_train, codes(dataset)) == (6, [finding.JOINED_PARTS.code])


def test_parts_of_different_scales_are_refused(tmp_path):
    X, y = some_images(6)
    np.savez(tmp_path / "two.npz", x_train=X, y_train=y, x_test=X / 255, y_test=y)
    with pytest.raises(UserError, match="got 0 to 1 in x_test and 0 to 255 in x_train"):
        read_source(tmp_path / "two.npz")


def test_examples_on_the_last_axis_are_refused(tmp_path):
    np.savez(tmp_path / "matlab.npz", X=np.ones((4, 4, 3, 6), np.uint8), y=np.arange(6) % 2)
    with pytest.raises(
        UserError, match=r"Put the examples first, with numpy\.moveaxis\(X, -1, 0\)"
    ):
        read_source(tmp_path / "matlab.npz")


def test_rows_of_numbers_keep_the_findings_of_reading(tmp_path):
    rng = np.random.default_rng(0)
    y = np.arange(8) % 2
    np.savez(tmp_path / "rows.npz", X=rng.normal(size=(8, 3)), y=y, more=y)
    dataset = open_source(tmp_path / "rows.npz").load()
    assert codes(dataset) == [finding.FILES_LEFT_OUT.code]


def test_one_hot_labels_of_a_split_are_refused(tmp_path):
    X, y = some_images(6)
    hot = np.eye(3)[y]
    np.savez(tmp_path / "hot.npz", x_train=X, y_train=hot, x_test=X, y_test=hot)
    with pytest.raises(UserError, match=r"y_train: expected one label .* \(6, 3\).*argmax"):
        read_source(tmp_path / "hot.npz")
    np.savez(tmp_path / "less.npz", x_train=X, y_train=y, x_test=X, y_test=y[:-1])
    with pytest.raises(UserError, match="got 5 in y_test and 6 in x_test"):
        read_source(tmp_path / "less.npz")


def pixel_names(form, side):
    return {
        "kaggle": [f"pixel{i}" for i in range(side * side)],
        "fashion": [f"pixel{i + 1}" for i in range(side * side)],
        "rows": [f"{r + 1}x{c + 1}" for r in range(side) for c in range(side)],
        "digits": [f"pixel_{r}_{c}" for r in range(side) for c in range(side)],
    }[form]


def load_frame(frame, **fields):
    return build_dataset(SourceSpec("some", "some.csv", **fields), Source("some", frame))


@settings(deadline=None, max_examples=30)
@given(
    form=st.sampled_from(["kaggle", "fashion", "rows", "digits"]),
    side=st.integers(4, 7),
    kind=st.sampled_from([pl.Int64, pl.UInt8, pl.Float64]),
    place=st.sampled_from(["first", "last"]),
    label=st.sampled_from([pl.Int64, pl.String, pl.Float64]),
    shuffled=st.booleans(),
)
def test_tables_of_pixels_are_images(form, side, kind, place, label, shuffled):
    X, y = some_images(9, side=side)
    frame = pl.DataFrame(
        X.reshape(9, -1).astype(np.int64), schema=pixel_names(form, side), orient="row"
    )
    frame = frame.cast(kind)
    labels = pl.Series("label", y.astype(np.int64)).cast(label)
    if shuffled:
        frame = frame.select(frame.columns[::-1])
    frame = frame.insert_column(0 if place == "first" else frame.width, labels)
    dataset = load_frame(frame)
    np.testing.assert_array_equal(dataset.X, X)
    assert dataset.X.dtype == np.uint8
    np.testing.assert_array_equal(dataset.y, y)
    assert finding.PIXEL_COLUMNS.code in codes(dataset)
    assert load_frame(frame, target="label").image == (side, side, 1)
    # An option for columns asks for a table.
    with pytest.raises(NoTargetError):
        load_frame(frame, numeric=(frame.columns[1],))
    assert load_frame(frame, target="label", drop=(frame.columns[1],)).columns


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame.with_columns(age=1),
        lambda frame: frame.drop("pixel3"),
        lambda frame: frame.with_columns(pixel3=pl.lit(0.5)),
        lambda frame: frame.with_columns(pixel3=pl.lit(-1)),
        lambda frame: frame.with_columns(pixel3=pl.lit(256)),
        lambda frame: frame.with_columns(pixel3=pl.lit("a")),
        lambda frame: frame.with_columns(pixel3=pl.lit(None, pl.Int64)),
        lambda frame: frame.with_columns(pl.all().exclude("label") // 16),
        lambda frame: frame.rename({"pixel3": "pixel16"}),
        lambda frame: frame.rename({f"pixel{i}": f"gene{i}" for i in range(16)}),
    ],
)
def test_other_tables_are_not_images(change):
    X, y = some_images(9)
    frame = pl.DataFrame(
        X.reshape(9, -1).astype(np.int64), schema=pixel_names("kaggle", 4), orient="row"
    )
    frame = frame.insert_column(0, pl.Series("label", y))
    assert find_pixel_columns(frame).shape == (4, 4)
    assert find_pixel_columns(change(frame)) is None


@pytest.mark.parametrize("place", ["first", "last"])
def test_a_table_of_pixels_without_a_header(tmp_path, place):
    X, y = some_images(9, side=28)
    rows = [[label, *row] for label, row in zip(y, X.reshape(9, -1), strict=True)]
    lines = [",".join(map(str, row if place == "first" else [*row[1:], row[0]])) for row in rows]
    (tmp_path / "mnist_train.csv").write_text("\n".join(lines) + "\n")
    dataset = open_source(tmp_path / "mnist_train.csv").load()
    assert (dataset.image, dataset.classes) == ((28, 28, 1), ("0", "1", "2"))
    np.testing.assert_array_equal(dataset.X, X)


def test_tables_of_pixels_in_color():
    X = np.random.default_rng(0).integers(0, 256, (9, 4, 4, 3), np.uint8)
    frame = pl.DataFrame(X.reshape(9, -1).astype(np.int64), schema=[f"px{i}" for i in range(48)])
    dataset = load_frame(frame.with_columns(label=pl.Series(np.arange(9) % 2)))
    np.testing.assert_array_equal(dataset.X, X)
