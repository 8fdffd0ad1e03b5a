"""JSON files: an object per line, a list of objects, and the other forms that pandas writes."""

from __future__ import annotations

import gzip
import json

import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graduel.data.read import read_source
from graduel.data.read.file_checks import memory_check
from graduel.data.read.row_stream import open_stream
from graduel.data.read.table_folder import is_table
from graduel.data.read.tables import json_format
from graduel.errors import UserError

ROWS = [
    {"a": 1, "b": "x", "c": True, "d": None},
    {"a": 2.5, "b": "é\u2028", "c": False, "d": 7},
    {"a": None, "b": None, "c": None, "d": -(2**63)},
]
FRAME = pl.DataFrame(
    {
        "a": [1.0, 2.5, None],
        "b": ["x", "é\u2028", None],
        "c": [True, False, None],
        "d": pl.Series([None, 7, -(2**63)], dtype=pl.Int64),
    }
)


def read(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_source(path)


def refuse(path, content):
    with pytest.raises(UserError) as error:
        read(path, content)
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)
    return str(error.value)


def lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.mark.parametrize("name", ["t.jsonl", "t.ndjson", "t.json", "t.txt"])
def test_lines(tmp_path, name):
    source = read(tmp_path / name, lines(ROWS))
    assert source.content.equals(FRAME)
    assert source.content.schema == FRAME.schema
    assert (source.name, source.notes) == ("t", ())


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("wrap", [lambda rows: rows, lambda rows: {"n": 3, "rows": rows}])
def test_documents(tmp_path, indent, wrap):
    source = read(tmp_path / "t.json", json.dumps(wrap(ROWS), indent=indent))
    assert source.content.equals(FRAME)
    assert source.notes == (() if wrap(1) == 1 else ("the rows are the list under 'rows'",))


@pytest.mark.parametrize("orient", ["records", "columns", "split", "table", "index"])
def test_forms_of_pandas(tmp_path, orient):
    table = pd.DataFrame({"a": [1.5, None, 3.0], "b": ["x", None, "z"], "c": [1, 2, 3]})
    content = read(tmp_path / "t.json", table.to_json(orient=orient)).content
    content = content.drop("index", strict=False)
    expected = {"a": [1.5, None, 3.0], "b": ["x", None, "z"], "c": [1, 2, 3]}
    assert content.to_dict(as_series=False) == expected


def test_columns(tmp_path):
    content = read(tmp_path / "t.json", '{"a": [1, 2], "b": ["x", "y"]}').content
    assert content.to_dict(as_series=False) == {"a": [1, 2], "b": ["x", "y"]}


def test_compressed_lines(tmp_path):
    assert read(tmp_path / "t.jsonl.gz", gzip.compress(lines(ROWS).encode())).content.equals(FRAME)
    assert is_table("t.jsonl.gz")
    assert not is_table("package.json")


def test_keys_may_be_absent_or_nested(tmp_path):
    rows = [{"a": 1}, {"b": {"x": 2, "y": [1, "é"]}, "c": []}, {"b.x": 3, "a": "\ud800"}]
    source = read(tmp_path / "t.jsonl", lines(rows))
    assert source.content.to_dict(as_series=False) == {
        "a": ["1", None, "?"],
        "b.x": [None, 2, None],
        "b.y": [None, '[1, "é"]', None],
        "c": [None, None, None],
        "b.x_2": [None, None, 3],
    }
    assert source.notes == (
        "values of nested objects are columns: 'b.x', 'b.y'",
        "lists are read as text: 'b.y'",
        "columns renamed: 'b.x' is now 'b.x_2'",
    )


def test_numbers_that_python_writes(tmp_path):
    content = read(tmp_path / "t.jsonl", '{"a": NaN, "b": 1}\n{"a": 2, "b": 1e400}\n').content
    assert content.to_dict(as_series=False) == {"a": [None, 2], "b": [1.0, float("inf")]}
    content = read(tmp_path / "t.jsonl", f'{{"a": {10**40}}}\n{{"a": 1}}\n').content
    assert content["a"].to_list() == [str(10**40), "1"]


def test_blocks_have_one_schema(tmp_path, monkeypatch):
    monkeypatch.setattr(json_format, "STRIDE", 2)
    path = tmp_path / "t.jsonl"
    path.write_text(lines([{"a": 1}, {"a": None}, {"b": 2.5}, {"a": 3}, {"b": 1}]))
    stream = open_stream(path)
    blocks = [block.read for block in stream.blocks]
    assert list(map(len, blocks)) == [2, 2, 1]
    assert all(dict(block.schema) == stream.schema for block in blocks)
    assert stream.schema == {"a": pl.Int64, "b": pl.Float64}


def test_a_stratified_sample(tmp_path, monkeypatch):
    monkeypatch.setattr(json_format, "STRIDE", 30)
    path = tmp_path / "t.jsonl"
    path.write_text(lines({"x": i, "y": "ab"[i % 5 == 0]} for i in range(100)))
    source = read_source(path, sample=10, target="y")
    assert source.content["y"].value_counts(sort=True).rows() == [("a", 8), ("b", 2)]
    assert source.notes == ("read a stratified sample: 10 of 100 rows",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty"),
        ('{"a": 1}\n{"a": \n', "line 2: expected JSON; got "),
        ('{"a": 1}\n[1]\n', "line 2: expected an object, {…}; got '[1]'. Write an object per line"),
        (
            '{"a": 1}\n{"a": 1, "a": 2}\n',
            "line 2: expected JSON; got an object has the key 'a' twice",
        ),
        ('{"a": ' + "[" * 100_000, "nested too deeply. Flatten it first"),
        ('{"a": ' + '{"a":' * 900 + "1" + "}" * 901, ""),
        ('{"a": 1}\n{"b": ' + "9" * 5000 + "}", "line 2: expected JSON; got Exceeds the limit"),
        ("{}\n{}\n", "expected objects with values; got none"),
    ],
)
def test_lines_that_are_refused(tmp_path, content, message):
    if message:
        assert message in refuse(tmp_path / "t.jsonl", content)
    else:
        read(tmp_path / "t.jsonl", content)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[1, 2]", "row 1: expected an object, {…}; got 1"),
        ('{"a": 1}', "expected an object per line, a list of objects, or an object with a list"),
        ('{"a": [{"x": 1}], "b": [{"y": 1}]}', "got a list of objects under each of 'a', 'b'"),
        ('{"a": [1], "b": [1, 2]}', "got other JSON"),
        ('{"a": {"p": 1}, "b": {"q": 1}}', "got other JSON"),
        ("a,b\n1,2\n", "expected JSON; got Expecting value"),
        ("[]", "expected objects with values; got none"),
    ],
)
def test_documents_that_are_refused(tmp_path, content, message):
    assert message in refuse(tmp_path / "t.json", content)


def test_rows_with_keys_of_their_own_do_not_fill_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(memory_check, "free_bytes", lambda: 1 << 20)
    content = lines({f"k{i}": 1} for i in range(1000))
    assert "needs about 8.0 MB of memory" in refuse(tmp_path / "t.jsonl", content)


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=5)
)


@settings(max_examples=30)
@given(rows=st.lists(st.dictionaries(st.sampled_from("abc"), VALUES), min_size=1, max_size=8))
def test_lines_and_a_document_are_read_as_the_same_table(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("json")
    if not any(rows):
        rows = [{"a": 1}]
    tables = [
        read(folder / "t.jsonl", lines(rows)).content,
        read(folder / "t.json", json.dumps(rows)).content,
    ]
    assert tables[0].equals(tables[1])
    for row, record in zip(rows, tables[0].iter_rows(named=True), strict=True):
        for key, value in row.items():
            if value is None or value != value:
                assert record[key] is None
            elif not isinstance(record[key], str):
                assert record[key] == type(record[key])(value)  # a whole number may be a float
