"""Damaged files of each format are read, or refused in one line.

The formats whose readers may crash the process (Parquet, Arrow, DuckDB, MATLAB, HDF5) are
checked in a process of their own; see ``check_file``.
"""

from __future__ import annotations

import io
import random
import tarfile

import numpy as np
import pandas as pd
import polars as pl
import pytest
from PIL import Image
from sklearn.datasets import dump_svmlight_file
from test_archive_format import write_h5, write_mat
from test_round_trip import WRITERS

from graduel.data.read import read_source
from graduel.data.read.reader import detect_format
from graduel.errors import UserError

TABLE = pl.DataFrame(
    {
        "a": [1, 2, None] * 7,
        "b": [1.5, None, 3] * 7,
        "c": ["x", "é", "z"] * 7,
        "d": [True, False, None] * 7,
    }
)
BYTES = (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"9999", b'":[{', b'}\n{"', b"<a>")


def write_svm(path):
    with path.open("wb") as file:
        dump_svmlight_file(np.eye(5) * 3.5, [0, 1, 0, 1, 1], file)


def write_ods(path):
    pytest.importorskip("odf")
    pd.DataFrame({"a": [1.5, 2.0], "b": ["x", "y"]}).to_excel(path, index=False, engine="odf")


def write_tar(path):
    image = io.BytesIO()
    Image.fromarray(np.arange(24, dtype=np.uint8).reshape(6, 4)).save(image, "PNG")
    with tarfile.open(path, "w") as archive:
        for i in range(4):
            for name, content in (("png", image.getvalue()), ("cls", b"%d" % (i % 2))):
                info = tarfile.TarInfo(f"{i:04}.{name}")
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))


FILES = {
    "t.jsonl": lambda path: WRITERS["polars.jsonl"](TABLE, path),
    "t.json": lambda path: WRITERS["pandas.json"](TABLE, path),
    "t.xlsx": lambda path: WRITERS["graduel.xlsx"](TABLE, path),
    "t.ods": write_ods,
    "t.db": lambda path: WRITERS["sqlite.db"](TABLE, path),
    "t.svm": write_svm,
    "t.tar": write_tar,
}
HEADS = {
    "t.mat": lambda path: write_mat(path, {"X": np.eye(5), "y": np.arange(5)}),
    "t.h5": lambda path: write_h5(path, {"X": np.eye(5), "y": np.arange(5)}),
}
"""Of these formats, only the recognition runs in the process of the command."""


def damage(raw, rng):
    """Return bytes with some of them changed, removed, added or repeated."""
    damaged = bytearray(raw)
    for _ in range(rng.choice([1, 1, 2, 5, 20])):
        at = rng.randrange(len(damaged) + 1)
        length = rng.choice([1, 4, 50])
        kind = rng.randrange(4)
        if kind == 0:
            damaged[at : at + length] = b""
        elif kind == 1:
            damaged[at : at + 1] = rng.randbytes(1)
        elif kind == 2:
            damaged[at : at + 4] = rng.choice(BYTES)
        else:
            damaged[at:at] = damaged[max(0, at - length) : at]
    return bytes(damaged)


def check_damaged(folder, name, read, n, seed):
    path = folder / name
    ({**FILES, **HEADS})[name](path)
    raw, rng = path.read_bytes(), random.Random(seed)
    for _ in range(n):
        path.write_bytes(damage(raw, rng))
        try:
            read(path)
        except UserError as error:
            assert "\n" not in str(error)
            assert len(str(error)) < 1500


@pytest.mark.parametrize("name", FILES)
def test_damaged_files(tmp_path, name):
    check_damaged(tmp_path, name, read_source, 50, 0)


@pytest.mark.parametrize("name", HEADS)
def test_recognition_of_damaged_files(tmp_path, name):
    check_damaged(tmp_path, name, detect_format, 50, 0)


@pytest.mark.long
@pytest.mark.parametrize("name", [*FILES, *HEADS])
def test_many_damaged_files(tmp_path, name):
    check_damaged(tmp_path, name, read_source if name in FILES else detect_format, 10_000, 1)
