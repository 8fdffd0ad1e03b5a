"""ARFF files: typed columns, quotes, comments, and one-line errors."""

from __future__ import annotations

import csv

import numpy as np
import polars as pl
import pytest

from graduel.data.read import read_source
from graduel.data.read.row_stream import open_stream
from graduel.data.schema_inference import infer_table
from graduel.errors import UserError

HEADER = r"""% 1. Title: made up
%    2. "Sources": 'none

@RELATION plants

@ATTRIBUTE 'leaf length' NUMERIC
@attribute size {1,2,3}
@attribute note string
@ATTRIBUTE kind {a, 'b c'}
% the rows

@DATA
"""


def rows(n=60):
    kinds = ("a", "'b c'")
    return "".join(
        f"{i % 7}.5, {i % 3 + 1}, 'it\\'s, {i % 9}', {kinds[i % 2]}\n% a comment, \"{i}\n"
        for i in range(n)
    )


def test_types_and_cells(write):
    source = read_source(write(HEADER + rows() + "?,?,?,a\n", "plants.arff"))
    frame = source.content
    assert frame.columns == ["leaf length", "size", "note", "kind"]
    assert frame.dtypes == [pl.Float64, pl.Categorical, pl.String, pl.Categorical]
    assert frame.rows()[1] == (1.5, "2", "it's, 1", "b c")
    assert frame.rows()[-1] == (None, None, None, "a")
    assert len(frame) == 61
    table = infer_table(frame, target="kind")
    assert [column.kind for column in table.columns] == ["numeric", "categorical", "categorical"]
    assert table.classes == ("a", "b c")


def test_double_quotes_and_blocks(write):
    path = write(HEADER + rows().replace("'", '"'), "plants.arff")
    frame = read_source(path).content
    assert frame["note"][1] == 'it"s, 1'
    blocks = pl.concat([block.read for block in open_stream(path).blocks])
    assert blocks["note"].to_list() == frame["note"].to_list()
    sample = read_source(path, target="kind", sample=20).content
    assert len(sample) == 20
    assert sample.dtypes == frame.dtypes


def test_rows_of_scipy_are_the_same(write):
    arff = pytest.importorskip("scipy.io.arff")
    rng = np.random.default_rng(0)
    values = rng.normal(size=(50, 3)).round(4)
    body = "".join(",".join([*map(str, row), "xy"[i % 2]]) + "\n" for i, row in enumerate(values))
    head = "@relation r\n" + "".join(f"@attribute f{i} real\n" for i in range(3))
    path = write(f"{head}@attribute y {{x,y}}\n@data\n{body}", "plants.arff")
    limit = csv.field_size_limit()
    expected, _ = arff.loadarff(path)
    csv.field_size_limit(limit)  # SciPy changes it
    frame = read_source(path).content
    for name in ("f0", "f1", "f2"):
        np.testing.assert_array_equal(frame[name].to_numpy(), expected[name])
    assert frame["y"].to_list() == [label.decode() for label in expected["y"]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("@relation r\n@attribute a real\n", "expected rows after a line '@data'"),
        ("@relation r\n@data\n1\n", "expected lines '@attribute NAME TYPE'"),
        ("@relation r\n@attribute a\n@data\n1\n", "line 2: expected '@attribute NAME TYPE'"),
        ("@relation r\n@attribute a relational\n", "line 2: .*got '@attribute a relational'"),
        ("a,b\n1,2\n", "line 1: expected @attribute, @data or a comment"),
        ("@relation r\n@attribute a real\n@data\n{0 1}\n", "got sparse rows"),
        ("@relation r\n@attribute a real\n@data\n", "got only the header"),
        ("@relation r\n@attribute a real\n@data\n1\nx\n", "column 'a': expected numbers"),
        ("@relation r\n@attribute a real\n@data\n1\n1,2\n", "line 5: expected 1 cell"),
    ],
)
def test_damaged_files(write, content, message):
    path = write(content, "plants.arff")
    with pytest.raises(UserError, match=message) as error:
        read_source(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
