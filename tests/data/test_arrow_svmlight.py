"""Arrow files and streams, and SVMlight files."""

from __future__ import annotations

import gzip

import numpy as np
import polars as pl
import pytest
from sklearn.datasets import dump_svmlight_file

from graduel.cli.app import main
from graduel.data.read import read_source
from graduel.data.read.row_stream import open_stream
from graduel.data.read.tables import arrow_format
from graduel.errors import UserError

FRAME = pl.DataFrame(
    {
        "a": [1.5, None, 3.0],
        "b": pl.Series(["x", None, "z"], dtype=pl.Categorical),
        "c": [True, False, None],
        "d": pl.Series([1, 2, 3], dtype=pl.UInt8),
    }
)


def refuse(path):
    with pytest.raises(UserError) as error:
        read_source(path)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("compression", ["uncompressed", "lz4", "zstd"])
@pytest.mark.parametrize("name", ["t.arrow", "t.feather", "t.ipc", "t.bin", "t[1].arrow"])
def test_arrow_files(tmp_path, name, compression):
    path = tmp_path / name
    FRAME.write_ipc(path, compression=compression)
    source = read_source(path)
    assert source.content.equals(FRAME)
    assert source.content.schema == FRAME.schema


def test_arrow_streams(tmp_path):
    FRAME.write_ipc_stream(tmp_path / "t.arrow")
    assert read_source(tmp_path / "t.arrow").content.equals(FRAME)


def test_blocks_and_a_sample_of_an_arrow_file(tmp_path, monkeypatch):
    monkeypatch.setattr(arrow_format, "STRIDE", 30)
    path = tmp_path / "t.arrow"
    frame = pl.DataFrame({"x": range(100), "y": ["ab"[i % 5 == 0] for i in range(100)]})
    frame.write_ipc(path)
    assert [len(block.read) for block in open_stream(path).blocks] == [30, 30, 30, 10]
    content = read_source(path, sample=10, target="y").content
    assert content["y"].value_counts(sort=True).rows() == [("a", 8), ("b", 2)]


@pytest.mark.parametrize("seed", range(4))
def test_damaged_arrow_files(tmp_path, seed, capfd):
    path = tmp_path / "t.arrow"
    FRAME.write_ipc(path)
    raw = bytearray(path.read_bytes())
    rng = np.random.default_rng(seed)
    raw[8:] = bytes(b ^ int(rng.integers(256)) if rng.random() < 0.1 else b for b in raw[8:])
    path.write_bytes(raw)
    code = main(["data", str(path)])
    out, err = capfd.readouterr()
    assert code in (0, 2)
    assert err.count("\n") == (code == 2), err
    assert code == 0 or out == ""


def test_files_with_another_content(tmp_path):
    path = tmp_path / "t.feather"
    path.write_bytes(b"FEA1" + bytes(100))
    assert "got Feather version 1, an old format. Save the table as Parquet" in refuse(path)
    path.write_bytes(b"a,b\n1,2\n")
    assert "expected an Arrow file; got one that begins with b'a,b\\n1,'" in refuse(path)


X = np.array([[0, 1.5, 0], [2, 0, 0], [0, 0, 3]])


@pytest.mark.parametrize("name", ["t.svm", "t.libsvm", "t.txt", "t.svm.gz"])
def test_svmlight(tmp_path, name):
    path = tmp_path / name
    dump_svmlight_file(X, [1, -1, 1], str(tmp_path / "plain"), zero_based=False)
    text = (tmp_path / "plain").read_bytes()
    path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    source = read_source(path)
    assert source.content.to_dict(as_series=False) == {
        "f1": [0, 2, 0],
        "f2": [1.5, 0, 0],
        "f3": [0, 0, 3],
        "target": [1, -1, 1],
    }
    assert source.target == "target"
    assert source.notes == (
        "SVMlight: column f1 is feature 1, and values that are not in the file are 0",
    )


def test_svmlight_with_queries_and_feature_0(tmp_path):
    path = tmp_path / "t.svm"
    path.write_text("1 qid:1 0:1 2:2 # a\n\n0.5 qid:2 1:3\n")
    assert read_source(path).content.to_dict(as_series=False) == {
        "qid": [1, 2],
        "f0": [1, 0],
        "f1": [0, 3],
        "f2": [2, 0],
        "target": [1.0, 0.5],
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 1:a\n", "expected an SVMlight file"),
        ("1,2 1:1\n", "expected an SVMlight file"),
        ("1 3:1 2:1\n", "expected an SVMlight file"),
        ("1 999999999:1\n1 1:1\n", "of memory"),
        ("1 99999999999999999999:1\n", "expected an SVMlight file"),
        ("1 1:1 2:2\n" * 2 + "\0\n", "expected an SVMlight file"),
        ("", "there are no rows"),
    ],
)
def test_svmlight_files_that_are_refused(tmp_path, text, message):
    path = tmp_path / "t.svm"
    path.write_text(text)
    assert message in refuse(path)


def test_times_are_not_svmlight(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text("1 12:30\n2 12:31\n3 12:32\n")
    assert read_source(path).content.width == 2
