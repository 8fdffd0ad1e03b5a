"""Readers of Parquet, NPZ, IDX, images, toy sets, OpenML, DataFrames and arrays."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from graduel.data import Dataset
from graduel.data.read import parquet, read_source
from graduel.data.read.arrays.labeled_arrays import encode_labels
from graduel.data.read.dataframe import from_arrays, from_frame
from graduel.data.read.images import image_files
from graduel.data.read.row_stream import open_stream
from graduel.data.source import source_from_arrays
from graduel.errors import UserError

FRAME = pl.DataFrame(
    {"a": [1.5, None, 3.0], "b": ["x", None, "z"], "c": [True, False, None], "d": [1, 2, 3]}
)


def one_line(error):
    assert "\n" not in str(error.value)


def test_parquet(tmp_path):
    path = tmp_path / "table.parquet"
    FRAME.write_parquet(path)
    assert read_source(path).content.equals(FRAME)
    assert parquet.parquet_rows(path) == 3
    assert pl.concat(block.read for block in open_stream(path).blocks).equals(FRAME)
    # The bytes tell, not the name.
    (tmp_path / "table.csv").write_bytes(path.read_bytes())
    assert read_source(tmp_path / "table.csv").content.equals(FRAME)


def test_parquet_blocks_span_row_groups(tmp_path, monkeypatch):
    path = tmp_path / "table.parquet"
    frame = pl.DataFrame({"a": np.arange(1000), "b": [f"w{i}" for i in range(1000)]})
    frame.write_parquet(path, row_group_size=70)
    monkeypatch.setattr(parquet, "STRIDE", 256)
    blocks = [block.read for block in open_stream(path).blocks]
    assert list(map(len, blocks)) == [256, 256, 256, 232]
    assert pl.concat(blocks).equals(frame)


def test_damaged_parquet(tmp_path):
    path = tmp_path / "table.parquet"
    FRAME.write_parquet(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UserError, match="expected a complete Parquet file") as error:
        read_source(path)
    one_line(error)
    path.write_bytes(b"a,b\n1,2\n")
    with pytest.raises(UserError, match=r"expected a Parquet file; got one that begins with b'a,b"):
        read_source(path)


def test_npz(tmp_path):
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 255, (10, 4, 4), dtype=np.uint8), np.array(["b", "a"] * 5)
    np.savez(tmp_path / "one.npz", X=X, y=y)
    dataset = read_source(tmp_path / "one.npz").content
    np.testing.assert_array_equal(dataset.X, X)
    assert dataset.classes == ("a", "b")
    assert list(dataset.y[:2]) == [1, 0]
    assert dataset.n_train is None
    assert dataset.image == (4, 4, 1)
    np.savez(tmp_path / "two.npz", x_train=X[:7], y_train=y[:7], x_test=X[7:], y_test=y[7:])
    dataset = read_source(tmp_path / "two.npz").content
    np.testing.assert_array_equal(dataset.X, X)
    assert dataset.n_train == 7


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a": np.zeros(3)}, "expected arrays X and y, .*; got 'a'"),
        ({"X": np.zeros((3, 2)), "y": np.zeros(2)}, "as many labels as rows; got 2 and 3"),
        ({"X": np.zeros((3, 2)), "y": np.zeros((3, 2))}, "one label per example"),
        ({"X": np.zeros((3, 2)), "y": np.zeros(3)}, "two classes or more; every label is '0'"),
        ({"X": np.zeros((3, 2)), "y": np.array([0, 1, 0.5])}, "row 3 holds 0.5"),
        ({"X": np.array([["a"], ["b"]]), "y": np.array([0, 1])}, "expected X of numbers"),
        (
            {"X": np.array([[[1.0]], [[np.nan]], [[2.0]]]), "y": np.array([0, 1, 0])},
            r"images of finite numbers; 1 of them have .* \(first: row 2\)",
        ),
        ({"X": np.zeros((0, 2)), "y": np.zeros(0)}, "no dimension 0"),
        ({"X": np.zeros(2), "y": np.array([0, 1])}, r"expected X of shape"),
        ({"X": np.array([1, None]), "y": np.zeros(2)}, "without object arrays"),
    ],
)
def test_invalid_npz(tmp_path, arrays, message):
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(UserError, match=message) as error:
        read_source(tmp_path / "bad.npz")
    one_line(error)


def whole_files():
    """Return a small file of each binary format, by name."""
    text = b"a,b\n" + b"".join(b"%d,w%d\n" % (i, i % 3) for i in range(30))
    npz, zipped, table = io.BytesIO(), io.BytesIO(), io.BytesIO()
    np.savez_compressed(npz, X=np.arange(12.0).reshape(6, 2), y=np.arange(6) % 2)
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", text)
    FRAME.write_parquet(table)
    return {
        "a.npz": npz.getvalue(),
        "a.zip": zipped.getvalue(),
        "a.csv.gz": gzip.compress(text),
        "a.parquet": table.getvalue(),
    }


WHOLE = whole_files()


def hit(raw, seed):
    """Change one to three bytes."""
    rng, raw = np.random.default_rng(seed), bytearray(raw)
    for _ in range(rng.integers(1, 4)):
        raw[rng.integers(len(raw))] ^= int(rng.integers(1, 256))
    return bytes(raw)


@pytest.mark.parametrize("seed", [1, 2, 3, 1365, 10525])
def test_a_damaged_parquet_file_does_not_crash_the_command(tmp_path, capfd, seed):
    """The last two seeds made Polars 2.1 abort the process."""
    from graduel.cli.app import main

    path = tmp_path / "a.parquet"
    path.write_bytes(hit(WHOLE["a.parquet"], seed))
    code = main(["data", str(path), "--target", "b"])
    output = capfd.readouterr()
    assert (code, output.err) == (0, "") or (code == 2 and output.err.count("\n") == 1)


@pytest.mark.parametrize("name", [name for name in WHOLE if name != "a.parquet"])
@settings(deadline=None, max_examples=100)
@given(data=st.data())
def test_damaged_files_raise_only_user_errors(tmp_path_factory, name, data):
    raw = bytearray(WHOLE[name])
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(raw)
    try:
        read_source(path)
    except UserError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("name", WHOLE)
def test_every_damaged_byte_raises_only_user_errors(tmp_path, name):
    path = tmp_path / name
    for position, byte in enumerate(WHOLE[name]):
        changed = bytearray(WHOLE[name])
        changed[position] = byte ^ 0xFF
        path.write_bytes(changed)
        with suppress(UserError):
            read_source(path)


@pytest.mark.parametrize("directory", [False, True])
def test_a_zip_file_with_a_damaged_name_is_refused(tmp_path, directory):
    raw = bytearray(WHOLE["a.zip"])
    start = raw.index(b"PK\x01\x02" if directory else b"PK\x03\x04")
    flags, name = (start + 8, start + 46) if directory else (start + 6, start + 30)
    raw[flags + 1] |= 0x08  # the name is UTF-8
    raw[name] = 0xE1  # and is not
    (tmp_path / "a.zip").write_bytes(raw)
    with pytest.raises(UserError, match=r"a\.zip: cannot be unpacked"):
        read_source(tmp_path / "a.zip")


@given(st.lists(st.integers(-5, 12), min_size=1, max_size=30))
def test_class_names_decode_to_the_labels(labels):
    y, names = encode_labels(np.array(labels), "here")
    assert [int(names[code]) for code in y] == labels
    assert [int(name) for name in names] == sorted(set(labels))


def idx(array):
    head = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.tobytes()


def test_idx_folder(tmp_path):
    rng = np.random.default_rng(0)
    parts = {}
    for part, n in (("train", 6), ("t10k", 4)):
        X, y = rng.integers(0, 255, (n, 3, 3), np.uint8), np.arange(n, dtype=np.uint8) % 3
        (tmp_path / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(X)))
        (tmp_path / f"{part}-labels-idx1-ubyte").write_bytes(idx(y))
        parts[part] = X
    dataset = read_source(tmp_path).content
    np.testing.assert_array_equal(dataset.X, np.concatenate(list(parts.values())))
    assert (dataset.n_train, dataset.classes) == (6, ("0", "1", "2"))
    with pytest.raises(UserError, match="Give the folder with all four"):
        read_source(tmp_path / "train-labels-idx1-ubyte")
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(UserError, match="four IDX files; test labels are missing"):
        read_source(tmp_path)


def draw(folder, name, n=3, size=(6, 4), mode="L", ending="png"):
    rng = np.random.default_rng(n)
    (folder / name).mkdir(parents=True, exist_ok=True)
    shape = (*size, 3) if mode == "RGB" else size
    drawn = [rng.integers(0, 255, shape, np.uint8) for _ in range(n)]
    for i, pixels in enumerate(drawn):
        Image.fromarray(pixels).save(folder / name / f"{i}.{ending}")
    return drawn


def test_image_folders(tmp_path):
    drawn = [*draw(tmp_path, "9"), *draw(tmp_path, "10", 2)]
    (tmp_path / "9" / "notes.txt").write_text("none")
    (tmp_path / ".hidden").mkdir()
    dataset = read_source(tmp_path).content
    np.testing.assert_array_equal(dataset.X, drawn)
    assert dataset.classes == ("9", "10")
    assert list(dataset.y) == [0, 0, 0, 1, 1]
    assert dataset.X.dtype == np.uint8
    # A single RGB image makes all images RGB.
    color = draw(tmp_path, "red", 1, mode="RGB")
    dataset = read_source(tmp_path).content
    assert dataset.X.shape == (6, 6, 4, 3)
    np.testing.assert_array_equal(dataset.X[5], color[0])
    np.testing.assert_array_equal(dataset.X[0], np.repeat(drawn[0][..., None], 3, axis=2))


def test_image_folders_with_a_split(tmp_path):
    for part, n in (("train", 4), ("test", 2)):
        for name in "ab":
            draw(tmp_path / part, name, n, ending="jpg")
    dataset = read_source(tmp_path).content
    assert (dataset.n_train, len(dataset.X)) == (8, 12)
    assert list(dataset.y) == [0] * 4 + [1] * 4 + [0] * 2 + [1] * 2


def test_16_bit_images_are_scaled(tmp_path):
    draw(tmp_path, "a", 1)
    (tmp_path / "b").mkdir()
    deep = (np.arange(24, dtype=np.uint16) * 2800).reshape(6, 4)
    Image.fromarray(deep).save(tmp_path / "b" / "deep.png")
    dataset = read_source(tmp_path).content
    np.testing.assert_array_equal(dataset.X[1], deep // 257)


def test_images_of_different_sizes(tmp_path):
    draw(tmp_path, "a")
    draw(tmp_path, "b", size=(6, 5))
    with pytest.raises(UserError, match=r"b.0\.png: expected 6 × 4 .* got 6 × 5.*--size") as error:
        read_source(tmp_path)
    one_line(error)
    assert read_source(tmp_path, size=(3, 2)).content.X.shape == (6, 3, 2)


def test_invalid_images(tmp_path, monkeypatch):
    draw(tmp_path, "a", size=(40, 40))
    with pytest.raises(UserError, match="two classes or more; got 'a'"):
        read_source(tmp_path)
    draw(tmp_path, "b", size=(40, 40))
    bad = tmp_path / "b" / "1.png"
    whole = bad.read_bytes()
    for raw in (b"", b"GIF89a", whole[: len(whole) // 2], whole[:20]):
        bad.write_bytes(raw)
        with pytest.raises(UserError, match=r"1\.png: expected an image \(PNG, JPEG, W") as error:
            read_source(tmp_path)
        one_line(error)
    bad.write_bytes(whole)
    with pytest.raises(UserError, match=r"is a single image\. Give a folder"):
        read_source(bad)
    monkeypatch.setattr(image_files, "MOST_PIXELS", 1000)
    with pytest.raises(UserError, match="expected at most 1,000 pixels; got 40 × 40"):
        read_source(tmp_path)


def test_an_image_with_a_huge_size_in_its_header(tmp_path):
    draw(tmp_path, "a")
    draw(tmp_path, "b")
    raw = bytearray((tmp_path / "b" / "0.png").read_bytes())
    raw[16:24] = struct.pack(">2I", 60_000, 60_000)
    import zlib

    raw[29:33] = struct.pack(">I", zlib.crc32(raw[12:29]))
    (tmp_path / "b" / "0.png").write_bytes(raw)
    with pytest.raises(UserError, match=r"0\.png: expected"):
        read_source(tmp_path)


@pytest.mark.parametrize(("name", "shape"), [("iris", (150, 5)), ("wine", (178, 14))])
def test_toys(name, shape):
    source = read_source(name)
    assert source.content.shape == shape
    assert source.target == "target"
    assert source.content["target"].n_unique() == 3


def test_digits():
    dataset = read_source("digits").content
    assert dataset.X.shape == (1797, 8, 8)
    assert dataset.X.dtype == np.uint8
    assert dataset.X.max() == 255
    assert len(np.unique(dataset.X)) == 17


def test_pandas_tables():
    table = pd.DataFrame(
        {
            "n": [1.5, np.nan, 3.0],
            "i": [1, 2, 3],
            "s": ["x", None, "z"],
            "b": [True, False, True],
            "c": pd.Categorical(["u", None, "v"]),
            "t": pd.to_datetime(["2024-01-01", None, "2024-01-03"]),
            "z": pd.to_datetime(["2024-01-01T02:00+02:00"] * 3, utc=True),
            "I": pd.array([1, None, 3], dtype="Int64"),
            "B": pd.array([True, None, False], dtype="boolean"),
            "o": [1, "a", None],
            "m": [1, 2.5, None],
        }
    )
    before = table.copy(deep=True)
    dataset, notes = from_frame(table)
    pd.testing.assert_frame_equal(table, before)
    assert notes == []
    day = partial(datetime, 2024, 1)
    assert dataset.rows() == [
        (1.5, 1, "x", True, "u", day(1), day(1), 1, True, "1", 1.0),
        (None, 2, None, False, None, None, day(1), None, None, "a", 2.5),
        (3.0, 3, "z", True, "v", day(3), day(1), 3, False, None, None),
    ]
    assert dataset["c"].dtype == pl.Categorical
    twice = pd.DataFrame([[1, 2]], columns=["a", "a"])
    assert from_frame(twice)[0].columns == ["a", "a_2"]
    assert from_frame(FRAME)[0].equals(FRAME)
    assert from_frame(FRAME.lazy())[0].equals(FRAME)
    aware = pd.DataFrame({"z": [datetime(2024, 1, 1, 2, tzinfo=UTC)]})
    assert from_frame(aware)[0]["z"].to_list() == [datetime(2024, 1, 1, 2)]
    with pytest.raises(UserError, match="got list"):
        from_frame([1, 2])


def test_arrays():
    X, y = np.arange(6.0).reshape(3, 2), np.array([0, 1, 0])
    X[0, 0] = np.nan
    frame, target, _ = from_arrays(X, y)
    assert frame.columns == ["f0", "f1", "target"]
    assert frame["f0"].to_list() == [None, 2.0, 4.0]
    assert target == "target"
    assert from_arrays(X.tolist(), y.tolist())[0].equals(frame)
    assert from_arrays(X.astype(np.float32), y)[0]["f0"].dtype == pl.Float32
    named, target, _ = from_arrays(pd.DataFrame(X, columns=["a", "b"]), pd.Series(y, name="k"))
    assert (named.columns, target) == (["a", "b", "k"], "k")
    clash, target, _ = from_arrays(pl.DataFrame({"k": [1], "target": [2]}), pl.Series("k", ["u"]))
    assert (clash.columns, target) == (["k", "target", "target_2"], "target_2")
    objects = np.array([[1, "a"], [2, None]], dtype=object)
    assert from_arrays(objects, y[:2])[0].rows() == [(1, "a", 0), (2, None, 1)]
    pictures, _, _ = from_arrays(np.zeros((3, 4, 4), np.uint8), y)
    assert isinstance(pictures, Dataset)


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (np.zeros((3, 2)), np.zeros(2), "the same number of rows; got 3 and 2"),
        (np.zeros(3), np.zeros(3), "expected X of shape"),
        (np.zeros((3, 0)), np.zeros(3), "no dimension 0"),
        (np.zeros((3, 2)), np.zeros((3, 2)), "one label per row"),
        (np.zeros((3, 2), complex), np.zeros(3), "expected numbers, text or dates"),
    ],
)
def test_invalid_arrays(X, y, message):
    with pytest.raises(UserError, match=message):
        from_arrays(X, y)


def test_openml_is_fetched_once_and_works_offline(server, tmp_path):
    http_server, requests = server
    source = read_source("openml:small")
    assert source.content.equals(FRAME)
    assert (source.name, source.target) == ("small", "b")
    assert "license: Public" in source.origin
    assert "dropped, as OpenML's metadata say: row" in source.notes
    assert read_source("openml:7").content.equals(FRAME)
    assert len(requests) == 3
    http_server.shutdown()
    http_server.server_close()
    assert read_source("openml:small").content.equals(FRAME)
    with pytest.raises(UserError, match=r"cannot be reached .* work offline"):
        read_source("openml:8")
    cached = tmp_path / "cache" / "openml" / "7.parquet"
    cached.write_bytes(cached.read_bytes() + b"x")
    with pytest.raises(UserError, match="has changed since it was downloaded"):
        read_source("openml:7")


def test_unknown_openml_names(server):
    with pytest.raises(UserError, match="there is no such data set"):
        read_source("openml:404")
    with pytest.raises(UserError, match="expected a number or a name"):
        read_source("openml:../../secret")


def test_an_office_document(tmp_path):
    with zipfile.ZipFile(tmp_path / "text.docx", "w") as archive:
        archive.writestr("[Content_Types].xml", "<x/>")
        archive.writestr("word/document.xml", "<x/>")
    with pytest.raises(UserError, match="Save the table as CSV"):
        read_source(tmp_path / "text.docx")


def test_a_fingerprint_covers_names_and_content(tmp_path):
    from hashlib import sha256

    from graduel.data.read.checksum import fingerprint

    folder = tmp_path / "a"
    (folder / "b").mkdir(parents=True)
    (folder / "b" / "one.csv").write_bytes(b"1")
    (folder / "two.csv").write_bytes(b"22")
    assert fingerprint(folder / "two.csv") == sha256(b"22").hexdigest()
    assert fingerprint(folder) == sha256(b"b/one.csv\x001\x001two.csv\x002\x0022").hexdigest()
    before = fingerprint(folder)
    (folder / "two.csv").rename(folder / "three.csv")
    assert fingerprint(folder) != before
    with pytest.raises(UserError, match="cannot be read"):
        fingerprint(tmp_path / "none.csv")


LABELS = ["u", "v", "v"] * 4


@pytest.mark.parametrize(
    "y",
    [
        pd.Categorical(LABELS),
        pd.Index(LABELS),
        pd.array(LABELS),
        pd.Series(LABELS, dtype="category"),
        pl.Series(LABELS),
        tuple(LABELS),
        np.array(LABELS)[:, np.newaxis],
        pd.DataFrame({"label": LABELS}),
    ],
    ids=lambda y: type(y).__name__,
)
def test_labels_of_every_kind_of_array_are_the_same(y):
    data = source_from_arrays(np.arange(24.0).reshape(12, 2), y).load()
    assert data.classes == ("u", "v")
    assert data.y.tolist() == [0, 1, 1] * 4


def test_labels_of_several_levels_are_refused():
    y = pd.MultiIndex.from_arrays([LABELS, LABELS])
    with pytest.raises(UserError, match="expected y with one label per row; got 2 levels"):
        source_from_arrays(np.arange(24.0).reshape(12, 2), y)
