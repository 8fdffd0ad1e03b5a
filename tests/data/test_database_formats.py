"""SQLite and DuckDB databases: a table, a view, a query; never a change of the file."""

from __future__ import annotations

import hashlib
import sqlite3
import sys
from contextlib import closing

import polars as pl
import pytest

from graduel.cli.app import main
from graduel.data.read import read_source
from graduel.data.read.arrays.array_file import read_array
from graduel.data.read.file_checks import memory_check
from graduel.data.read.row_stream import open_stream
from graduel.data.read.tables import sqlite_format
from graduel.errors import UserError

ROWS = [(1, 1.5, "Ulm", True), (2, None, "Köln", False), (3, 2.0, None, None)]
FRAME = pl.DataFrame(
    ROWS, {"id": pl.Int64, "size": pl.Float64, "town": pl.String, "open": pl.Boolean}, orient="row"
)


def write_sqlite(path, tables=("t",), rows=ROWS):
    with closing(sqlite3.connect(path)) as connection:
        for name in tables:
            connection.execute(
                f'CREATE TABLE "{name}" (id INT, size REAL, town TEXT, open BOOLEAN)'
            )
            connection.executemany(f'INSERT INTO "{name}" VALUES (?, ?, ?, ?)', rows)
        connection.commit()
    return path


def write_duckdb(path, tables=("t",), rows=ROWS):
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect(str(path)) as connection:
        for name in tables:
            connection.execute(
                f'CREATE TABLE "{name}" (id BIGINT, size DOUBLE, town TEXT, open BOOLEAN)'
            )
            connection.executemany(f'INSERT INTO "{name}" VALUES (?, ?, ?, ?)', rows)
    return path


WRITERS = {"sqlite": write_sqlite, "duckdb": write_duckdb}
either = pytest.mark.parametrize("kind", WRITERS)


def state(path):
    files = sorted(path.parent.iterdir())
    return [(one.name, hashlib.sha256(one.read_bytes()).hexdigest()) for one in files]


def refuse(text, **options):
    with pytest.raises(UserError) as error:
        read_source(text, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


@either
def test_the_only_table(tmp_path, kind):
    path = WRITERS[kind](tmp_path / "shop.db")
    before = state(path)
    source = read_source(path)
    assert source.content.equals(FRAME)
    assert source.content.schema == FRAME.schema
    assert source.name == "shop"
    assert pl.concat(block.read for block in open_stream(path).blocks).equals(FRAME)
    assert state(path) == before


@either
def test_one_of_several_tables_or_a_query(tmp_path, kind, capsys):
    path = WRITERS[kind](tmp_path / "shop.db", ("a b", "c"))
    assert "expected the name of one of its tables, 'a b', 'c'. Give 'shop.db::a b', or a" in (
        refuse(path)
    )
    assert read_source(f"{path}::a b").content.equals(FRAME)
    assert read_source(f"{path}::C").name == "shop-C"
    assert "expected the name of a table after ::, 'a b', 'c'; got 'd'" in refuse(f"{path}::d")
    query = f"{path}::SELECT size / 2 AS half, town FROM c WHERE id < 3 ORDER BY id DESC;"
    source = read_source(query)
    assert source.content.rows() == [(None, "Köln"), (0.75, "Ulm")]
    assert source.content.columns == ["half", "town"]
    assert source.name == "shop"
    assert "cannot be read" in refuse(f"{path}::SELECT x FROM c")
    assert main(["data", query]) == 0
    assert "half" in capsys.readouterr().out
    assert main(["data", f"{path}::SELECT x FROM c"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@either
@pytest.mark.parametrize(
    "query",
    [
        "WITH x AS (SELECT 1) DELETE FROM t",
        "SELECT 1; DROP TABLE t",
        "SELECT * FROM t; DELETE FROM t",
    ],
)
def test_a_query_changes_nothing(tmp_path, kind, query):
    path = WRITERS[kind](tmp_path / "shop.db")
    before = state(path)
    refuse(f"{path}::{query}")
    assert state(path) == before


@either
def test_verdict_reads_columns_of_tables(tmp_path, kind):
    path = WRITERS[kind](tmp_path / "shop.db", ("t", "u"))
    assert read_array(f"{path}::t:id").array.tolist() == [1, 2, 3]
    towns = read_array(f"{path}::SELECT town FROM u WHERE id < 3").array
    assert towns.tolist() == ["Ulm", "Köln"]
    with pytest.raises(UserError, match="expected the name of a table after ::"):
        read_array(f"{path}::v:id")


def test_a_query_of_duckdb_reads_no_other_file(tmp_path):
    path = write_duckdb(tmp_path / "shop.db")
    (tmp_path / "other.csv").write_text("a\n1\n")
    assert "disabled" in refuse(f"{path}::SELECT * FROM '{tmp_path}/other.csv'")


def test_a_database_with_unsaved_changes_is_refused(tmp_path):
    path = write_sqlite(tmp_path / "shop.db")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("INSERT INTO t VALUES (4, 0, 'Bonn', 1)")
        connection.commit()
        before = state(path)
        assert "shop.db-wal has changes that are not in it yet. Close the program" in refuse(path)
        assert state(path) == before
    assert len(read_source(path).content) == 4


def test_values_of_several_types(tmp_path):
    rows = [(1, "x", b"\0", 1), (2.5, 2, b"\1", 2), (None, None, None, 0)]
    content = read_source(write_sqlite(tmp_path / "shop.db", rows=rows)).content
    assert content.to_dict(as_series=False) == {
        "id": [1.0, 2.5, None],
        "size": ["x", "2.0", None],
        "town": [b"\0", b"\1", None],
        "open": [1, 2, 0],
    }


def test_blocks_and_a_sample(tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite_format, "STRIDE", 20)
    rows = [(i, i / 2, "ab"[i % 5 == 0], None) for i in range(50)]
    path = write_sqlite(tmp_path / "shop.db", rows=rows)
    assert [len(block.read) for block in open_stream(path).blocks] == [20, 20, 10]
    source = read_source(path, sample=10, target="town")
    assert source.content["town"].value_counts(sort=True).rows() == [("a", 8), ("b", 2)]
    assert source.notes == ("read a stratified sample: 10 of 50 rows",)


@either
def test_damaged_databases(tmp_path, kind, capsys):
    path = WRITERS[kind](tmp_path / "shop.db")
    raw = bytearray(path.read_bytes())
    path.write_bytes(raw[: len(raw) // 3])
    refuse(path)
    empty = WRITERS[kind](tmp_path / "empty.db", ())
    if kind == "duckdb":
        assert "the database has none" in refuse(empty)
    raw[100:140] = b"\xff" * 40
    path.write_bytes(raw)
    assert main(["data", str(path)]) in (0, 2)
    assert capsys.readouterr().err.count("\n") <= 1


@either
def test_a_table_larger_than_memory_is_refused(tmp_path, kind, monkeypatch):
    path = WRITERS[kind](tmp_path / "shop.db")
    monkeypatch.setattr(memory_check, "SMALL", 0)
    monkeypatch.setattr(memory_check, "free_bytes", lambda: 50)
    assert "needs about" in refuse(path)


def test_without_the_package(tmp_path, monkeypatch):
    path = write_duckdb(tmp_path / "shop.db")
    monkeypatch.setitem(sys.modules, "duckdb", None)
    assert refuse(path).endswith("Run python -m pip install 'graduel[sql]'")
