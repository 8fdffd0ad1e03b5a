"""Files of each format, damaged at random, and a process that reads them.

``python damaged_files.py NAME FIRST N`` prints the number of each damaged file before it reads it,
and a line of JSON for each that is neither read nor refused in one line within the limits.
"""

from __future__ import annotations

import gzip
import io
import json
import random
import signal
import struct
import sys
import tarfile
import tempfile
import time
import traceback
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from PIL import Image
from sklearn.datasets import dump_svmlight_file
from test_archive_format import write_h5, write_mat, write_mat_7
from test_round_trip import WRITERS

from graduel.data.column_inference import infer_features
from graduel.data.dataset import Dataset
from graduel.data.read import read_source
from graduel.errors import UserError

TABLE = pl.DataFrame(
    {
        "a": [1, 2, None] * 7,
        "b": [1.5, None, 3] * 7,
        "c": ["x", "é", "z"] * 7,
        "d": [True, False, None] * 7,
    }
)
PIXELS = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
BYTES = (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"9999", b'":[{', b'}\n{"', b"<a>")
SLOW = 5
"""Seconds in which a file must be read or refused."""
LARGE = 1000
"""Megabytes that reading may need."""
DONE = "done"
IMAGES = ("png", "jpg", "webp", "bmp", "tiff", "gif", "ppm")


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


def write_zip(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", TABLE.write_csv())


def write_arff(path):
    names = "@attribute a numeric\n@attribute 'b c' {x,'y z'}\n@attribute d date \"yyyy-MM-dd\""
    rows = "1.5,x,'2020-01-02'\n?,'y z',2020-03-04\n" * 9
    path.write_text(f"@relation t\n{names}\n@data\n{rows}", "utf-8")


def write_split(path):
    images, labels = np.arange(640, dtype=np.uint8).reshape(10, 8, 8), np.arange(10) % 2
    np.savez_compressed(path, x_train=images, y_train=labels, x_test=images, y_test=labels)


def write_idx(path, pack=bytes, ending=""):
    """Write a folder of IDX files; return the one to damage."""
    path.mkdir(exist_ok=True)
    images, labels = PIXELS[:10, :6].copy().swapaxes(1, 2), (np.arange(10) % 2).astype(np.uint8)
    for part in ("train", "t10k"):
        for name, array in (("images-idx3", images), ("labels-idx1", labels)):
            sizes = b"".join(struct.pack(">I", size) for size in array.shape)
            content = bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()
            (path / f"{part}-{name}-ubyte{ending}").write_bytes(pack(content))
    return path / f"train-images-idx3-ubyte{ending}"


def write_images(path):
    """Write a folder of two images; return the one to damage."""
    for label in "ab":
        (path / label).mkdir(parents=True, exist_ok=True)
        Image.fromarray(PIXELS).save(path / label / f"i{path.suffix}")
    return path / "a" / f"i{path.suffix}"


FILES = {
    "t.csv": TABLE.write_csv,
    "t.csv.gz": lambda path: path.write_bytes(gzip.compress(TABLE.write_csv().encode())),
    "t.zip": write_zip,
    "t.arff": write_arff,
    "t.jsonl": lambda path: WRITERS["polars.jsonl"](TABLE, path),
    "t.json": lambda path: WRITERS["pandas.json"](TABLE, path),
    "t.xlsx": lambda path: WRITERS["graduel.xlsx"](TABLE, path),
    "t.ods": write_ods,
    "t.db": lambda path: WRITERS["sqlite.db"](TABLE, path),
    "t.svm": write_svm,
    "t.npz": lambda path: np.savez(path, X=np.eye(12), y=np.arange(12) % 3),
    "split.npz": write_split,
    "t.tar": write_tar,
    "idx": write_idx,
    "idx.gz": lambda path: write_idx(path, gzip.compress, ".gz"),
    **{f"images.{one}": write_images for one in IMAGES},
}
"""Formats whose readers do not crash: functions that write a file or a folder."""
ISOLATED = {
    "t.parquet": TABLE.write_parquet,
    "t.arrow": TABLE.write_ipc,
    "packed.arrow": lambda path: TABLE.write_ipc(path, compression="lz4"),
    "stream.arrow": TABLE.write_ipc_stream,
    "t.duckdb": lambda path: WRITERS["duckdb.db"](TABLE, path),
    "t.h5": lambda path: write_h5(path, {"X": np.eye(5), "y": np.arange(5)}),
    "t7.mat": lambda path: write_mat_7(path, {"X": np.eye(5), "y": np.arange(5)}),
}
"""Formats whose readers may crash, and which commands check in a process of their own."""
MATLAB = {"t.mat": lambda path: write_mat(path, {"X": np.eye(5), "y": np.arange(5)})}
"""Files that are always read in a process of its own, which costs most of a second."""


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


def read_damaged(folder, name, numbers, read):
    """Yield a number, write and read that damaged file; an error must be one line."""
    path = Path(folder) / name
    target = {**FILES, **ISOLATED, **MATLAB}[name](path)
    target = target if isinstance(target, Path) else path
    raw = target.read_bytes()
    for number in numbers:
        target.write_bytes(damage(raw, random.Random(number)))
        yield number
        try:
            read(path)
        except UserError as error:
            assert "\n" not in str(error), error
            assert len(str(error)) < 1500, error


def read_and_infer(path):
    """Read a source, and infer the schema of a table."""
    source = read_source(path)
    if not isinstance(source.content, Dataset):
        infer_features(source.content, decimal=source.decimal)


def peak_megabytes():
    """Return the peak memory of this process since it was reset."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


def main(name, first, n):
    warnings.simplefilter("error")
    with tempfile.TemporaryDirectory() as folder:
        for number in range(first, n):
            start, before = time.perf_counter(), 0
            signal.alarm(10 * SLOW)  # ends the process
            try:
                for one in read_damaged(folder, name, [number], read_and_infer):
                    print(one, flush=True)
                    Path("/proc/self/clear_refs").write_text("5", "ascii")
                    start, before = time.perf_counter(), peak_megabytes()
            except Exception:
                print(json.dumps(traceback.format_exc()), flush=True)
            seconds, megabytes = time.perf_counter() - start, peak_megabytes() - before
            if seconds > SLOW or megabytes > LARGE:
                print(json.dumps(f"{seconds:.1f} s, {megabytes} MB"), flush=True)
    print(DONE)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
