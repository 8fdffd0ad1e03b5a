"""The format of SVMlight and LIBSVM files: a label, then ``index:value`` for each nonzero value."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from graduel.data.read.delimited.encoding import open_bytes
from graduel.data.read.file_checks.memory_check import check_memory
from graduel.data.read.file_names import unpacked_name
from graduel.data.read.reading_errors import reading_errors
from graduel.data.read.tables.streamed_format import stream_frame, streamed_format
from graduel.data.read.tables.table_format import ReadOptions, Stream
from graduel.errors import UserError

if TYPE_CHECKING:
    import polars as pl

ENDINGS = (".svm", ".svmlight", ".libsvm")
ROW = re.compile(
    rb"[+-]?[\d.]+(e[+-]?\d+)?([ \t]+qid:\d+)?([ \t]+\d+:[^ \t:]+)*[ \t]*(#.*)?\r?", re.I
)
NUMBER_AND_TIME = re.compile(rb"[+-]?[\d.]+[ \t]+\d{1,2}:\d\d\s*")
PAIR = re.compile(rb"[ \t]\d+:")
TARGET, QUERY = "target", "qid"


def _recognize(path: Path, head: bytes) -> bool:
    if unpacked_name(path).endswith(ENDINGS):
        return True
    lines = [line for line in head.split(b"\n") if line.strip() and not line.startswith(b"#")]
    complete = lines[:-1] or lines[:1]
    has_times = all(map(NUMBER_AND_TIME.fullmatch, complete))
    n_pairs = sum(map(bool, map(PAIR.search, complete)))  # a row may have a label only
    return 2 * n_pairs > len(complete) and not has_times and all(map(ROW.fullmatch, complete))


def _scan(path: Path, _: ReadOptions) -> Stream:
    import polars as pl
    from sklearn.datasets import load_svmlight_file

    expected = "an SVMlight file, LABEL INDEX:VALUE INDEX:VALUE … in each line"
    with open_bytes(path) as file, reading_errors(path, expected, "Correct the line"):
        X, y, queries = load_svmlight_file(file, zero_based=True, query_id=True)
    n_rows, n_features = X.shape
    if not n_rows:
        raise UserError(f"{path}: expected {expected}; there are no rows")
    if queries is not None and len(queries) not in (0, n_rows):
        raise UserError(
            f"{path}: expected qid in each row or in none; got it in {len(queries):,} of {n_rows:,}"
        )
    check_memory(path, 8 * n_rows * n_features, 3)
    first = 0 if X[:, [0]].nnz else 1  # indices usually begin with 1
    frame = _to_frame(X.toarray()[:, first:], [f"f{i}" for i in range(first, n_features)])
    if queries is not None and len(queries) and (queries != queries[0]).any():
        frame.insert_column(0, pl.Series(QUERY, queries))
    frame = frame.hstack(_to_frame(y[:, np.newaxis], [TARGET]))
    notes = (
        f"SVMlight: column f{first} is feature {first}, and values that are not in the file are 0",
    )
    return stream_frame(frame, path, notes, TARGET)


def _to_frame(values: NDArray[np.float64], names: list[str]) -> pl.DataFrame:
    """Return columns of numbers; whole numbers as such."""
    import polars as pl

    frame = pl.DataFrame(values, schema=names, orient="row")
    whole = np.isfinite(values) & (values == np.round(values)) & (np.abs(values) < 2**53)
    integers = [name for name, is_whole in zip(names, whole.all(axis=0), strict=True) if is_whole]
    return frame.with_columns(pl.col(integers).cast(pl.Int64)) if integers else frame


SVMLIGHT = streamed_format(
    title="SVMlight",
    endings=ENDINGS,
    recognize=_recognize,
    scan=_scan,
    memory_bytes=lambda path, _: path.stat().st_size,
)
